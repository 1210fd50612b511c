package query

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"rollcall"
	"rollcall/query/querytest"
)

// naive answers a request from the plain facts. It knows buckets from package time alone.
type naive struct {
	loc   *time.Location
	dims  []string
	facts []querytest.Fact
}

type tally struct {
	label string
	order int64
	last  int64 // unclipped last civil day
	group []string
	sums  rollcall.Counters
	users map[int]bool
}

func civilDay(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func dayNumber(t time.Time) int64 { return civilDay(t).Unix() / 86400 }

func (o *naive) bucket(g rollcall.Grain, ms int64) tally {
	t := time.UnixMilli(ms).In(o.loc)
	back := time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	day := civilDay(t)
	first, last := day, day
	switch g {
	case rollcall.Hour:
		back += time.Duration(t.Minute()) * time.Minute
		fallthrough
	case rollcall.Minute:
		s := t.Add(-back)
		return tally{label: s.Format(time.RFC3339), order: s.UnixMilli(), last: day.Unix() / 86400}
	case rollcall.Week:
		for first.Weekday() != time.Monday {
			first = first.AddDate(0, 0, -1)
		}
		last = first.AddDate(0, 0, 6)
	case rollcall.Month:
		first = time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
		last = first.AddDate(0, 1, -1)
	case rollcall.Total:
		return tally{label: "total", last: 1 << 40}
	}
	return tally{label: first.Format("2006-01-02"), order: first.Unix() / 86400, last: last.Unix() / 86400}
}

func (o *naive) passes(r *Request, f *querytest.Fact) bool {
	for _, fl := range r.Filters {
		have := f.Dims[slices.Index(o.dims, fl.Dimension)]
		found := slices.Contains(fl.Values, have) || have == rollcall.NotSet && slices.Contains(fl.Values, "")
		if found == fl.Not {
			return false
		}
	}
	return true
}

func (o *naive) group(r *Request, f *querytest.Fact) (g []string) {
	for _, name := range r.GroupBy {
		g = append(g, f.Dims[slices.Index(o.dims, name)])
	}
	return g
}

// answer gives the lines of the CSV form.
func (o *naive) answer(r *Request, from, to int64) []string {
	rows := map[string]*tally{}
	at := func(b tally, g []string) *tally {
		key := fmt.Sprintf("%d %s %q", b.order, b.label, g)
		if rows[key] == nil {
			b.group, b.users = g, map[int]bool{}
			rows[key] = &b
		}
		return rows[key]
	}
	for i := range o.facts {
		f := &o.facts[i]
		if f.Time < from || f.Time >= to || f.Finest > r.Grain || !o.passes(r, f) {
			continue
		}
		t := at(o.bucket(r.Grain, f.Time), o.group(r, f))
		c := f.Counters()
		t.sums.Add(&c)
		if f.User >= 0 {
			t.users[f.User] = true
		}
	}
	if r.Fill {
		groups := map[string][]string{}
		for _, t := range rows {
			groups[fmt.Sprintf("%q", t.group)] = t.group
		}
		if len(r.GroupBy) == 0 {
			groups[""] = nil
		}
		step := int64(60_000)
		if r.Grain > rollcall.Hour {
			step = 30 * 60_000
		}
		for ms := from; ms < to; ms += step {
			for _, g := range groups {
				at(o.bucket(r.Grain, ms), g)
				at(o.bucket(r.Grain, to-1), g)
			}
		}
	}
	return o.lines(r, slices.Collect(maps.Values(rows)), to)
}

func (o *naive) lines(r *Request, rows []*tally, to int64) []string {
	lastDay := dayNumber(time.UnixMilli(to - 1).In(o.loc))
	values := map[*tally][]float64{}
	for _, t := range rows {
		for _, m := range r.Metrics {
			values[t] = append(values[t], o.metric(r, t, m, min(t.last, lastDay)))
		}
	}
	slices.SortFunc(rows, func(a, b *tally) int {
		for _, by := range append(slices.Clone(r.Order), append([]Order{{Column: "bucket"}}, orders(r.GroupBy)...)...) {
			c, sign := 0, 1
			if by.Desc {
				sign = -1
			}
			switch {
			case by.Column == "bucket":
				c = int(max(-1, min(1, a.order-b.order)))
			case slices.Contains(r.GroupBy, by.Column):
				i := slices.Index(r.GroupBy, by.Column)
				c = strings.Compare(a.group[i], b.group[i])
			default:
				i := slices.Index(r.Metrics, by.Column)
				x, y := values[a][i], values[b][i]
				switch {
				case math.IsNaN(x) && math.IsNaN(y):
				case math.IsNaN(x):
					return 1
				case math.IsNaN(y):
					return -1
				case x < y:
					c = -1
				case x > y:
					c = 1
				}
			}
			if c != 0 {
				return c * sign
			}
		}
		return 0
	})
	lines := []string{}
	for _, t := range rows {
		lines = append(lines, fmt.Sprint(t.label, t.group, values[t]))
	}
	if r.Limit > 0 {
		lines = lines[:min(r.Limit, len(lines))]
	}
	return lines
}

func orders(names []string) (list []Order) {
	for _, n := range names {
		list = append(list, Order{Column: n})
	}
	return list
}

func (o *naive) metric(r *Request, t *tally, name string, last int64) float64 {
	n := float64(t.sums[rollcall.Sessions])
	if n == 0 {
		n = math.NaN()
	}
	switch name {
	case "active_users":
		return float64(int64(len(t.users)) + t.sums[rollcall.Counted])
	case "wau":
		return o.trailing(r, t, last, 7)
	case "mau":
		return o.trailing(r, t, last, 30)
	case "new_users":
		return float64(t.sums[rollcall.NewUsers])
	case "sessions":
		return float64(t.sums[rollcall.Sessions])
	case "events":
		return float64(t.sums[rollcall.Events])
	case "bounces":
		return float64(t.sums[rollcall.Bounces])
	case "bounce_rate":
		return float64(t.sums[rollcall.Bounces]) / n
	case "avg_session_duration":
		return math.Round(float64(t.sums[rollcall.Duration])/n) / 1000
	case "total_session_duration":
		return float64(t.sums[rollcall.Duration]) / 1000
	case "events_per_session":
		return float64(t.sums[rollcall.Events]) / n
	}
	panic(name)
}

func (o *naive) trailing(r *Request, t *tally, last, days int64) float64 {
	users, counted := map[int]bool{}, 0
	for i := range o.facts {
		f := &o.facts[i]
		d := dayNumber(time.UnixMilli(f.Time).In(o.loc))
		if d > last || d <= last-days || !o.passes(r, f) || !slices.Equal(o.group(r, f), t.group) {
			continue
		}
		if f.User >= 0 {
			users[f.User] = true
		} else if f.NewUser {
			counted++
		}
	}
	return float64(len(users) + counted)
}
