package fold

import (
	"math/bits"

	"rollcall"
)

// wholeDay is the sub-bucket of what counts in the day but in none of its hours.
const wholeDay = 63

// acc gathers the counter deltas of one period since the last Cut. Additive counters are kept for full cells at the
// finest sub-bucket they count in; Cut sums them into the coarser cuboids and the day. Active users cannot be summed
// and are kept for every cuboid.
//
// Each sub-bucket has an index of its own: events come more or less by time, so that the lines in use stay few.
type acc struct {
	index  [wholeDay + 1]subIndex
	rows   []accRow
	active [][]activeRow // by cuboid index
}

// subIndex finds the rows of one sub-bucket.
type subIndex struct {
	full   rowIndex // by cell
	coarse rowIndex // by cuboid and cell: active users of the cuboids that are not full
}

type accRow struct {
	sub      uint8
	cell     uint32
	counters rollcall.Counters
}

type activeRow struct {
	sub   uint8
	cell  uint32
	users int64
}

// dayAcc is the acc of a date, with the date's hours when they are not the usual 24.
type dayAcc struct {
	acc
	date  rollcall.Date
	hours []int64 // nil on a usual day
}

// minuteAcc is the acc of an hour by minute, with the hour's place. An hour bucket need not hold the instant it is named
// after, so the place comes from its events.
type minuteAcc struct {
	acc
	period int64
	date   rollcall.Date
	hour   uint8
}

// minuteKey is a period, and whether the date is odd: where clocks are set back soon after midnight, an hour of the new date and one
// of the date before are named after the same instant.
type minuteKey int64

func minuteKeyOf(period int64, d rollcall.Date) minuteKey { return minuteKey(period<<1 | int64(d)&1) }

// at gives the row of a full cell.
func (a *acc) at(sub uint8, cell uint32) *rollcall.Counters {
	i, fresh := a.index[sub].full.of(uint64(cell), len(a.rows))
	if fresh {
		a.rows = append(a.rows, accRow{sub: sub, cell: cell})
	}
	return &a.rows[i].counters
}

// addActive counts a user in a coarser cell.
func (a *acc) addActive(sub uint8, cuboid int, cell uint32) {
	for cuboid >= len(a.active) {
		a.active = append(a.active, nil)
	}
	rows := &a.active[cuboid]
	i, fresh := a.index[sub].coarse.of(uint64(cuboid)<<32|uint64(cell), len(*rows))
	if fresh {
		*rows = append(*rows, activeRow{sub: sub, cell: cell})
	}
	(*rows)[i].users++
}

func (a *acc) reset() {
	a.rows = a.rows[:0]
	for c := range a.active {
		a.active[c] = a.active[c][:0]
	}
	for i := range a.index {
		a.index[i].full.reset()
		a.index[i].coarse.reset()
	}
}

func (a *acc) empty() bool { return len(a.rows) == 0 }

// rowIndex maps keys to row numbers by open addressing.
type rowIndex struct {
	slots []rowSlot
	used  int
	shift uint8
}

type rowSlot struct {
	key uint64 // +1; 0 is free
	row uint32
}

// of gives the row of a key, which is next when the key is new.
func (x *rowIndex) of(key uint64, next int) (row uint32, fresh bool) {
	if 2*x.used >= len(x.slots) {
		x.grow()
	}
	s := x.slot(key + 1)
	if s.key != 0 {
		return s.row, false
	}
	*s = rowSlot{key + 1, uint32(next)}
	x.used++
	return uint32(next), true
}

func (x *rowIndex) slot(key uint64) *rowSlot {
	mask := uint64(len(x.slots) - 1)
	for i := key * 0x9E3779B97F4A7C15 >> x.shift; ; i = (i + 1) & mask {
		if s := &x.slots[i]; s.key == key || s.key == 0 {
			return s
		}
	}
}

func (x *rowIndex) grow() {
	old := x.slots
	n := max(64, 2*len(old))
	x.slots, x.shift = make([]rowSlot, n), uint8(64-bits.TrailingZeros(uint(n)))
	for _, s := range old {
		if s.key != 0 {
			*x.slot(s.key) = s
		}
	}
}

func (x *rowIndex) reset() {
	if x.used > 0 {
		clear(x.slots)
		x.used = 0
	}
}

// The finest grain something counts in.
const (
	levelDay = iota
	levelHour
	levelMinute
)

// level gives the finest grain of an event, by its age when the log received it.
func (s *Shard) level(time, received int64) uint8 {
	switch age := received - time; {
	case age >= s.cfg.HourRetention:
		return levelDay
	case age >= s.cfg.MinuteRetention:
		return levelHour
	default:
		return levelMinute
	}
}

// counters gives the row in which a full cell counts at a time.
func (s *Shard) counters(time int64, level uint8, cell uint32) *rollcall.Counters {
	d, tod := s.date(time)
	if level == levelMinute {
		period, minute := minuteOf(time, tod)
		key := minuteKeyOf(period, d)
		a, ok := s.minutes[key]
		if !ok {
			day := s.dayAcc(d)
			a = &minuteAcc{period: period, date: d, hour: day.hour(time, tod)}
			s.minutes[key] = a
		}
		return a.at(minute, cell)
	}
	a := s.dayAcc(d)
	if level == levelDay {
		return a.at(wholeDay, cell)
	}
	return a.at(a.hour(time, tod), cell)
}

// date gives the civil date and the local time of day.
func (s *Shard) date(time int64) (rollcall.Date, int64) {
	if !s.zone.Holds(time) {
		s.zone = s.cfg.Calendar.Zone(time)
	}
	return s.zone.Date(time)
}

const (
	minuteMS = 60_000
	hourMS   = 60 * minuteMS
	dayMS    = 24 * hourMS
)

func minuteOf(time, tod int64) (period int64, minute uint8) {
	past := tod % hourMS
	return floorDiv(time-past, minuteMS), uint8(past / minuteMS)
}

// hour gives the number of the hour bucket within the day.
func (a *dayAcc) hour(time, tod int64) uint8 {
	if a.hours == nil {
		return uint8(tod / hourMS)
	}
	start := time - tod%hourMS
	for i, h := range a.hours {
		if h == start {
			return uint8(i)
		}
	}
	return uint8(len(a.hours) - 1)
}

func (s *Shard) dayAcc(d rollcall.Date) *dayAcc {
	if s.acc != nil && s.acc.date == d {
		return s.acc
	}
	a, ok := s.accs[d]
	if !ok {
		if n := len(s.spare); n > 0 {
			a, s.spare = s.spare[n-1], s.spare[:n-1]
		} else {
			a = &dayAcc{}
		}
		a.date, a.hours = d, unusualHours(s.cfg.Calendar, d)
		s.accs[d] = a
	}
	s.acc = a
	return a
}

// unusualHours gives the hour buckets of a date on which the clocks change, nil for any other.
func unusualHours(c rollcall.Calendar, d rollcall.Date) []int64 {
	hours := c.Hours(d)
	if len(hours) != 24 {
		return hours
	}
	zone := c.Zone(hours[0])
	for i, h := range hours {
		if date, tod := zone.Date(h); h != hours[0]+int64(i)*hourMS || date != d || tod != int64(i)*hourMS {
			return hours
		}
	}
	return nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
