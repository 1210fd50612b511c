package rollcall

import (
	"fmt"
	"time"
)

// Grain is the width of a time bucket.
type Grain uint8

// The grains. Cells are kept for Minute, Hour and Day; the others are unions of days.
const (
	Minute Grain = iota
	Hour
	Day
	Week
	Month
	Total
)

var grainNames = [...]string{"minute", "hour", "day", "week", "month", "total"}

func (g Grain) String() string { return grainNames[g] }

// ParseGrain reads a grain's name.
func ParseGrain(s string) (Grain, error) {
	for i, n := range grainNames {
		if n == s {
			return Grain(i), nil
		}
	}
	return 0, fmt.Errorf("unknown grain %q: one of %v", s, grainNames)
}

// Date is a civil date in the report time zone, as days since 1970-01-01.
type Date int32

const dateLayout = "2006-01-02"

// DateOf gives the ordinal of a civil date.
func DateOf(year int, month time.Month, day int) Date {
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDate reads YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(dateLayout, s)
	if err != nil {
		return 0, fmt.Errorf("date %q: want YYYY-MM-DD", s)
	}
	return Date(t.Unix() / 86400), nil
}

// UTC is midnight UTC of the civil date, for calendar arithmetic only.
func (d Date) UTC() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String gives YYYY-MM-DD.
func (d Date) String() string { return d.UTC().Format(dateLayout) }

// Week is the Monday of d's ISO week.
func (d Date) Week() Date { return d - Date((int(d.UTC().Weekday())+6)%7) }

// Month is the first of d's month.
func (d Date) Month() Date { return d - Date(d.UTC().Day()-1) }

// Start is the first date of the bucket of grain g that holds d, for Day, Week and Month.
func (d Date) Start(g Grain) Date {
	switch g {
	case Week:
		return d.Week()
	case Month:
		return d.Month()
	default:
		return d
	}
}
