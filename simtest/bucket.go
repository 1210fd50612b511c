package simtest

import (
	"time"

	"rollcall"
)

// bucket is one bucket of a query.
type bucket struct {
	order int64  // rises with the bucket
	label string // as in a reply
	last  int64  // the civil date of its last day, before the range cuts it
	at    int64  // an instant in it
}

const (
	dateLayout = "2006-01-02"
	secondsDay = 86400
)

func (c *Config) local(ms int64) time.Time { return time.UnixMilli(ms).In(c.Location) }

// date is the civil date of an instant, in days since 1970-01-01.
func (c *Config) date(ms int64) int64 { return ordinal(civil(c.local(ms))) }

// civil is midnight UTC of t's civil date.
func civil(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func ordinal(civil time.Time) int64 { return civil.Unix() / secondsDay }

// bucket gives the bucket of grain g that holds an instant.
func (c *Config) bucket(g rollcall.Grain, ms int64) bucket {
	b := c.around(g, c.local(ms))
	b.at = ms
	return b
}

func (c *Config) around(g rollcall.Grain, t time.Time) bucket {
	day := civil(t)
	switch g {
	case rollcall.Minute:
		return c.clock(t.Add(-sinceMinute(t)), day)
	case rollcall.Hour:
		return c.clock(t.Add(-sinceMinute(t)-time.Duration(t.Minute())*time.Minute), day)
	case rollcall.Day:
		return days(day, day)
	case rollcall.Week:
		monday := day
		for monday.Weekday() != time.Monday {
			monday = monday.AddDate(0, 0, -1)
		}
		return days(monday, monday.AddDate(0, 0, 6))
	case rollcall.Month:
		first := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
		return days(first, first.AddDate(0, 1, -1))
	default:
		return bucket{label: "total", last: 1 << 40}
	}
}

func sinceMinute(t time.Time) time.Duration {
	return time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
}

func (c *Config) clock(start, day time.Time) bucket {
	return bucket{order: start.UnixMilli(), label: start.Format(time.RFC3339), last: ordinal(day)}
}

func days(first, last time.Time) bucket {
	return bucket{order: ordinal(first), label: first.Format(dateLayout), last: ordinal(last)}
}

// buckets lists the buckets that the instants of a range lie in.
func (c *Config) buckets(g rollcall.Grain, from, to int64) []bucket {
	if from >= to {
		return nil
	}
	step := time.Hour
	if g <= rollcall.Hour {
		step = time.Minute
	}
	seen := map[string]bool{}
	var all []bucket
	visit := func(ms int64) {
		if b := c.bucket(g, ms); !seen[b.label] {
			seen[b.label] = true
			all = append(all, b)
		}
	}
	for ms := from; ms < to; ms += step.Milliseconds() {
		visit(ms)
	}
	visit(to - 1)
	return all
}

// StartOf is the first instant (Unix ms) of the civil date that lies days after the date of an instant.
func (c *Config) StartOf(ms int64, days int) int64 {
	want := c.date(ms) + int64(days)
	// No zone is more than a day away from UTC.
	lo, hi := (want-1)*secondsDay/60, (want+2)*secondsDay/60 // minutes
	for lo < hi {
		mid := (lo + hi) / 2
		if c.date(mid*60_000) >= want {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo * 60_000
}
