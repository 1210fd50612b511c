package verify

import (
	"slices"

	"rollcall"
	"rollcall/block"
)

// tally counts the events of some dates of one shard, one user after the other. An event adds to a leaf: the bucket of the
// finest grain that it counts in, and the combination of its values. Sums over leaves give all cells; distinct users can't be
// summed, so each leaf lists the cells that it is a part of, and a cell knows the last user it has counted.
type tally struct {
	s      *shard
	dates  []*dateFacts
	first  rollcall.Date
	leaves []leaf
	inLeaf []index  // by date: of each bucket and combination
	parts  []uint32 // cells of the leaves, one list behind the other
	cells  []cellRow
	active []activeRow // of the cells
	inCell []index     // by date: of each bucket, cuboid and combination
	sets   []setRow
	inSets map[setKey]uint32
}

const none = 1<<32 - 1

type leaf struct {
	counters      rollcall.Counters // but Active
	cell          uint32            // after the cap
	from, until   uint32            // its cells are parts[from:until]
	day, hour     uint32            // its user sets; hour only of a leaf of a minute
	inDay, inHour uint64            // its bits in their masks
	minutely      bool
}

// cellKey names a cell: cell is the number of its values, the others being rollcall.NotSetValue.
type cellKey struct {
	period block.Period
	cuboid rollcall.Cuboid
	cell   uint32
	grain  rollcall.Grain
	sub    uint8
}

type cellRow struct {
	key cellKey
	sum rollcall.Counters // but Active
}

// activeRow is apart from its cell's others, as each event of a user needs it.
type activeRow struct {
	user  uint32 // the last one counted
	users uint32
}

type setKey struct {
	grain  rollcall.Grain
	period block.Period
	cell   uint32
}

// setRow is a user set, as its size and a sum that stands for its members and their masks.
type setRow struct {
	key   setKey
	user  uint32 // whose mask is being gathered
	mask  uint64
	users int64
	sum   uint64
}

// dateFacts is what there is to know of a date.
type dateFacts struct {
	date  rollcall.Date
	hours []int64
	caps  []valueCap // by dimension
}

func newTally(s *shard, dates []rollcall.Date) *tally {
	t := &tally{s: s, inSets: map[setKey]uint32{}}
	t.first = dates[0]
	t.dates = make([]*dateFacts, dates[len(dates)-1]-t.first+1)
	t.inLeaf, t.inCell = make([]index, len(t.dates)), make([]index, len(t.dates))
	for _, d := range dates {
		t.dates[d-t.first] = s.facts(d)
	}
	return t
}

// leaf gives the number of the leaf that an event counts in; none when its date is not counted.
func (t *tally) leaf(e *event) uint32 {
	if !t.s.zone.Holds(e.time) {
		t.s.zone = t.s.cfg.Calendar.Zone(e.time)
	}
	date, tod := t.s.zone.Date(e.time)
	if date < t.first || int(date-t.first) >= len(t.dates) || t.dates[date-t.first] == nil {
		return none
	}
	facts, start := t.dates[date-t.first], int64(0) // of the bucket, ms behind the first hour
	switch e.level() {
	case levelMinute:
		start = e.time - tod%minuteMS - facts.hours[0]
	case levelHour:
		start = e.time - tod%hourMS - facts.hours[0]
	}
	key := uint64(start)<<28 | uint64(e.full())<<2 | uint64(e.level())
	at, fresh := t.inLeaf[date-t.first].of(key, uint32(len(t.leaves)))
	if fresh {
		t.leaves = append(t.leaves, t.newLeaf(e, facts, tod))
	}
	return at
}

func (t *tally) newLeaf(e *event, d *dateFacts, tod int64) leaf {
	l := leaf{cell: t.capped(e.full(), d), from: uint32(len(t.parts))}
	day := block.Period(d.date)
	l.day = t.set(setKey{rollcall.Day, day, l.cell})
	t.part(d, cellKey{period: day, grain: rollcall.Day, cell: l.cell})
	if e.level() >= levelHour {
		start := e.time - tod%hourMS
		hour := uint8(max(slices.Index(d.hours, start), 0))
		l.inDay = 1 << hour
		t.part(d, cellKey{period: day, grain: rollcall.Hour, sub: hour, cell: l.cell})
		if e.level() == levelMinute {
			period, minute := block.Period(floorDiv(start, minuteMS)), uint8(tod%hourMS/minuteMS)
			l.hour, l.inHour, l.minutely = t.set(setKey{rollcall.Minute, period, l.cell}), 1<<minute, true
			t.part(d, cellKey{period: period, grain: rollcall.Minute, sub: minute, cell: l.cell})
		}
	}
	l.until = uint32(len(t.parts))
	return l
}

// part lists the cells of all cuboids that a combination is a part of, in one bucket of a date.
func (t *tally) part(d *dateFacts, key cellKey) {
	bucket := uint64(key.grain)<<20 | uint64(key.sub)
	if key.grain == rollcall.Minute {
		bucket |= uint64(int64(key.period)-floorDiv(d.hours[0], minuteMS)) << 6 // less than 2^13
	}
	full := key.cell
	for i, cuboid := range t.s.cfg.Cuboids {
		key.cell, key.cuboid = t.s.cells.in(full, i, cuboid), cuboid
		at, fresh := t.inCell[d.date-t.first].of(bucket<<40|uint64(i)<<26|uint64(key.cell), uint32(len(t.cells)))
		if fresh {
			t.cells, t.active = append(t.cells, cellRow{key: key}), append(t.active, activeRow{})
		}
		t.parts = append(t.parts, at)
	}
}

func (t *tally) set(k setKey) uint32 {
	at, ok := t.inSets[k]
	if !ok {
		at = uint32(len(t.sets))
		t.inSets[k] = at
		t.sets = append(t.sets, setRow{key: k})
	}
	return at
}

// present counts a user in the cells and sets of a leaf, once each.
func (t *tally) present(l *leaf, user uint32) {
	for _, at := range t.parts[l.from:l.until] {
		if a := &t.active[at]; a.user != user {
			*a = activeRow{user, a.users + 1}
		}
	}
	t.sets[l.day].add(user, l.inDay)
	if l.minutely {
		t.sets[l.hour].add(user, l.inHour)
	}
}

func (s *setRow) add(user uint32, bit uint64) {
	if s.user != user {
		s.flush()
		s.user, s.mask = user, 0
	}
	s.mask |= bit
}

func (s *setRow) flush() {
	if s.user != 0 {
		s.users++
		s.sum += memberSum(s.user, s.mask)
	}
	s.user = 0
}

// memberSum stands for one member of a set; the sums of different sets differ but for one in 2^64.
func memberSum(user uint32, mask uint64) uint64 {
	x := mask ^ uint64(user)*0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return (x ^ x>>31) + uint64(user)
}

// blocks gives the cells counted, a block a key.
func (t *tally) blocks() []*block.Cells {
	for i := range t.leaves {
		l := &t.leaves[i]
		for _, at := range t.parts[l.from:l.until] {
			t.cells[at].sum.Add(&l.counters)
		}
	}
	builders := map[block.CellKey]*block.CellsBuilder{}
	for i := range t.cells {
		c := &t.cells[i]
		key := block.CellKey{Grain: c.key.grain, Period: c.key.period, Cuboid: c.key.cuboid}
		if builders[key] == nil {
			builders[key] = &block.CellsBuilder{}
			builders[key].Reset(key)
		}
		c.sum[rollcall.Active] = int64(t.active[i].users)
		builders[key].Add(c.key.sub, t.s.cells.kept(c.key.cell, c.key.cuboid), &c.sum)
	}
	blocks := make([]*block.Cells, 0, len(builders))
	for _, b := range builders {
		blocks = append(blocks, b.Build())
	}
	return blocks
}

// capped replaces the values that are beyond the cap on a date.
func (t *tally) capped(cell uint32, d *dateFacts) uint32 {
	tuple := slices.Clone(t.s.cells.tupleOf(cell))
	for dim, x := range tuple {
		if d.caps[dim].turnsAway(x) {
			tuple[dim] = rollcall.OtherValue
		}
	}
	return t.s.cells.cell(tuple)
}
