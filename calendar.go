package rollcall

import (
	"sort"
	"time"
)

const (
	hourMS = int64(3600_000)
	dayMS  = 24 * hourMS
	// MaxHours is the most hour buckets a civil day can have: 24, and the repeated hours of a clock set back.
	MaxHours = 32
)

// Calendar maps instants to the buckets of one report time zone. It is safe for concurrent use.
//
// An hour bucket is the local wall-clock hour under the offset in force: its start is the instant less the local
// minutes, seconds and milliseconds. A clock set back therefore makes two buckets of the repeated hour, and one set
// forward leaves the skipped hour out.
type Calendar struct{ loc *time.Location }

// NewCalendar makes the calendar of a time zone.
func NewCalendar(loc *time.Location) Calendar { return Calendar{loc} }

// Location is the report time zone.
func (c Calendar) Location() *time.Location { return c.loc }

// Zone is a stretch of time over which the offset from UTC does not change: from From up to, not including, Until
// (Unix ms). The zero Zone holds no instant. One goroutine keeps it between calls to make Locate cheap.
type Zone struct{ From, Until, Offset int64 }

// Holds tells whether ms lies in the zone.
func (z *Zone) Holds(ms int64) bool { return ms >= z.From && ms < z.Until }

// Zone gives the stretch that holds ms. It costs a search of the time zone's transitions.
func (c Calendar) Zone(ms int64) Zone {
	t := time.UnixMilli(ms).In(c.loc)
	_, off := t.Zone()
	from, until := t.ZoneBounds()
	z := Zone{From: -1 << 62, Until: 1 << 62, Offset: int64(off) * 1000}
	if !from.IsZero() {
		z.From = from.UnixMilli()
	}
	if !until.IsZero() {
		z.Until = until.UnixMilli()
	}
	return z
}

// Date gives the civil date of an instant in the zone, and the local time of day in ms.
func (z *Zone) Date(ms int64) (Date, int64) {
	local := ms + z.Offset
	d := local / dayMS
	if local < d*dayMS {
		d--
	}
	return Date(d), local - d*dayMS
}

// Date gives the civil date of an instant.
func (c Calendar) Date(ms int64) Date {
	z := c.Zone(ms)
	d, _ := z.Date(ms)
	return d
}

// HourStart gives the start (Unix ms) of the hour bucket of an instant.
func (c Calendar) HourStart(ms int64) int64 {
	z := c.Zone(ms)
	_, tod := z.Date(ms)
	return ms - tod%hourMS
}

// MinuteStart gives the start (Unix ms) of the minute bucket of an instant.
func (c Calendar) MinuteStart(ms int64) int64 {
	z := c.Zone(ms)
	_, tod := z.Date(ms)
	return ms - tod%60_000
}

// DayStart is the first instant (Unix ms) of a civil date.
func (c Calendar) DayStart(d Date) int64 {
	segs := c.segments(d)
	return segs[0].from
}

// Hours gives the starts (Unix ms) of the hour buckets of a civil date in rising order: 24 of them on most days, 23
// to 25 when the clocks change. The index into it is the hour's sub-bucket number within the day.
func (c Calendar) Hours(d Date) []int64 {
	var hours []int64
	for _, s := range c.segments(d) {
		for ms := c.HourStart(s.from); ms < s.until; ms += hourMS {
			hours = append(hours, ms)
		}
	}
	sort.Slice(hours, func(i, j int) bool { return hours[i] < hours[j] })
	n := 0
	for i, h := range hours {
		if i == 0 || h != hours[n-1] {
			hours[n] = h
			n++
		}
	}
	return hours[:min(n, MaxHours)]
}

type segment struct{ from, until int64 }

// segments gives the stretches of instants whose civil date is d, one for each offset in force, in rising order.
// A date the zone skipped altogether gives one empty segment at the instant it would have begun.
func (c Calendar) segments(d Date) []segment {
	lo, hi := int64(d)*dayMS-15*hourMS, int64(d+1)*dayMS+15*hourMS
	var segs []segment
	for ms := lo; ms < hi; {
		z := c.Zone(ms)
		from, until := max(int64(d)*dayMS-z.Offset, z.From), min(int64(d+1)*dayMS-z.Offset, z.Until)
		if from < until {
			segs = append(segs, segment{from, until})
		}
		ms = z.Until
	}
	if len(segs) == 0 {
		z := c.Zone(lo)
		segs = append(segs, segment{z.Until, z.Until})
	}
	return segs
}
