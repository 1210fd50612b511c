package decode

import (
	"time"

	"rollcall"
)

const (
	hourMS = 3600_000
	dayMS  = 24 * hourMS
	// margin is how far from a change of the clocks a local time is certain to have one instant only.
	margin = 27 * hourMS
)

// clock turns the local times of one time zone into instants. It keeps the stretch of constant offset last used.
type clock struct {
	calendar rollcall.Calendar
	zone     rollcall.Zone
}

func newClock(loc *time.Location) clock {
	if loc == nil {
		loc = time.UTC
	}
	return clock{calendar: rollcall.NewCalendar(loc)}
}

// instant gives the Unix ms of a local time, given as the Unix ms it would be in UTC: the first instant if it comes
// twice, one beside the gap if the clocks skipped it.
func (c *clock) instant(local int64) int64 {
	if ms, ok := c.certain(local); ok {
		return ms
	}
	u := time.UnixMilli(local).UTC()
	ms := time.Date(u.Year(), u.Month(), u.Day(), u.Hour(), u.Minute(), u.Second(), u.Nanosecond(), c.calendar.Location()).UnixMilli()
	c.zone = c.calendar.Zone(ms)
	before := c.calendar.Zone(c.zone.From - 1)
	if earlier := local - before.Offset; earlier < ms && before.Holds(earlier) {
		c.zone = before
		return earlier
	}
	return ms
}

// dayStart gives the first instant of a civil date.
func (c *clock) dayStart(date rollcall.Date) int64 {
	if ms, ok := c.certain(int64(date) * dayMS); ok {
		return ms
	}
	ms := c.calendar.DayStart(date)
	c.zone = c.calendar.Zone(ms)
	return ms
}

func (c *clock) certain(local int64) (int64, bool) {
	ms := local - c.zone.Offset
	return ms, ms-margin >= c.zone.From && ms+margin < c.zone.Until
}
