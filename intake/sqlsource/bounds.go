package sqlsource

import (
	"fmt"
	"strconv"
	"time"
)

// errRepeated tells of a bound that local times can't be compared with.
type errRepeated struct {
	at     time.Time
	column string
}

func (e errRepeated) Error() string {
	return fmt.Sprintf("%s lies in an hour that the clocks show twice, and column %s does not say which: choose a bound outside that hour",
		e.at.Format(time.RFC3339), e.column)
}

// bound gives an instant as a value of the time column. unit is that of a number, in ns.
func (c *column) bound(t time.Time, loc *time.Location, unit int64) (string, error) {
	const civil = "2006-01-02 15:04:05.999999"
	switch c.kind {
	case timestamp:
		return t.UTC().Format(civil), nil
	case datetime:
		if from, repeated := repeatedFrom(t, loc); repeated && !t.Equal(from) {
			return "", errRepeated{t, c.name}
		}
		return t.In(loc).Format(civil), nil
	case date:
		local := t.In(loc)
		if h, m, s := local.Clock(); h|m|s|local.Nanosecond() != 0 {
			return "", fmt.Errorf("%s is no day, and column %s holds days: give a day in %s", t.Format(time.RFC3339), c.name, loc)
		}
		return local.Format(time.DateOnly), nil
	default:
		return unixText(t, unit), nil
	}
}

// unixText gives an instant in a unit of ns: rows before it have a smaller number, even where it falls between two.
func unixText(t time.Time, unit int64) string {
	perSecond := int64(time.Second) / unit
	whole, rest := t.Unix()*perSecond, int64(t.Nanosecond())
	if n := rest / unit; n*unit < rest {
		return strconv.FormatInt(whole+n+1, 10)
	}
	return strconv.FormatInt(whole+rest/unit, 10)
}

// unitOf tells the unit of a Unix time by its magnitude, as the decoder does, in ns.
func unitOf(newest float64) int64 {
	switch {
	case newest < 2e10:
		return int64(time.Second)
	case newest < 2e13:
		return int64(time.Millisecond)
	case newest < 2e16:
		return int64(time.Microsecond)
	default:
		return 1
	}
}

// settled gives the newest instant not after t whose local time comes once: all that a local clock may yet write lies
// behind it.
func settled(t time.Time, loc *time.Location) time.Time {
	if from, repeated := repeatedFrom(t, loc); repeated {
		return from
	}
	return t
}

// repeatedFrom tells whether the clocks of loc show the local time of t twice, and the first instant of the stretch that
// they show twice.
func repeatedFrom(t time.Time, loc *time.Location) (from time.Time, repeated bool) {
	local := t.In(loc)
	began, ends := local.ZoneBounds()
	if !ends.IsZero() {
		if back := setBack(ends); back > 0 && !t.Before(ends.Add(-back)) {
			return ends.Add(-back), true
		}
	}
	if !began.IsZero() {
		if back := setBack(began); back > 0 && t.Before(began.Add(back)) {
			return began.Add(-back), true
		}
	}
	return t, false
}

// setBack is how far the clocks go back at a change.
func setBack(at time.Time) time.Duration {
	_, before := at.Add(-time.Nanosecond).Zone()
	_, after := at.Zone()
	return time.Duration(before-after) * time.Second
}
