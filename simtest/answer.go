package simtest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
)

// tally is the figures of one row.
type tally struct {
	bucket                      bucket
	group                       []string
	events, sessions, bounces   int64
	duration, newUsers, counted int64
	users                       map[string]bool
}

// Answer computes the rows of a query.
func (o *Oracle) Answer(q Query) []Row {
	if q.EverythingElse {
		q.leaders = o.leaders(q)
	}
	return o.rows(&q, slices.Collect(maps.Values(o.count(&q))))
}

func (o *Oracle) count(q *Query) map[string]*tally {
	tallies := map[string]*tally{}
	for _, f := range o.facts {
		if o.matches(q, f) {
			at(tallies, o.bucket(q.Grain, f.time), o.group(q, f)).event(f)
		}
	}
	for _, s := range o.sessions {
		if o.matches(q, s.entry) {
			at(tallies, o.bucket(q.Grain, s.entry.time), o.group(q, s.entry)).session(s)
		}
	}
	for _, f := range o.firsts {
		if o.matches(q, f) {
			at(tallies, o.bucket(q.Grain, f.time), o.group(q, f)).newUsers++
		}
	}
	if q.Fill {
		o.fill(tallies, q)
	}
	return tallies
}

func (t *tally) event(f *fact) {
	t.events++
	if f.user != "" {
		t.users[f.user] = true
	} else if f.newUser {
		t.counted++
	}
}

func (t *tally) session(s session) {
	t.sessions++
	t.duration += s.duration
	if s.bounce {
		t.bounces++
	}
}

func at(tallies map[string]*tally, b bucket, group []string) *tally {
	key := fmt.Sprintf("%s %q", b.label, group)
	if tallies[key] == nil {
		tallies[key] = &tally{bucket: b, group: group, users: map[string]bool{}}
	}
	return tallies[key]
}

// matches tells whether an event lies in the range, the grain and the filter of a query.
func (o *Oracle) matches(q *Query, f *fact) bool {
	return f.time >= q.From && f.time < q.To && o.within(f, q.Grain) && o.passes(q, f)
}

func (o *Oracle) passes(q *Query, f *fact) bool {
	for _, filter := range q.Filters {
		have := f.dims[o.dimension(filter.Dimension)]
		found := slices.ContainsFunc(filter.Values, func(v string) bool { return valueText(v) == have })
		if found == filter.Not {
			return false
		}
	}
	return true
}

func (o *Oracle) dimension(name string) int {
	i := slices.Index(o.Dimensions, name)
	if i < 0 {
		panic("oracle: unknown dimension " + name)
	}
	return i
}

func (o *Oracle) group(q *Query, f *fact) []string {
	group := make([]string, len(q.GroupBy))
	for i, name := range q.GroupBy {
		group[i] = f.dims[o.dimension(name)]
	}
	return q.named(group)
}

func (o *Oracle) belongs(q *Query, f *fact, group []string) bool {
	return slices.Equal(o.group(q, f), group)
}

// fill adds the empty buckets of each group that has any.
func (o *Oracle) fill(tallies map[string]*tally, q *Query) {
	groups := map[string][]string{}
	for _, t := range tallies {
		groups[fmt.Sprintf("%q", t.group)] = t.group
	}
	if len(q.GroupBy) == 0 {
		groups = map[string][]string{"": nil}
	}
	for _, b := range o.buckets(q.Grain, q.From, q.To) {
		for _, group := range groups {
			at(tallies, b, group)
		}
	}
}

func (o *Oracle) rows(q *Query, tallies []*tally) []Row {
	slices.SortFunc(tallies, func(a, b *tally) int {
		if c := cmp.Compare(a.bucket.order, b.bucket.order); c != 0 {
			return c
		}
		if q.EverythingElse {
			return cmp.Compare(q.rank(a.group), q.rank(b.group))
		}
		return slices.Compare(a.group, b.group)
	})
	before := o.past(q)
	rows := make([]Row, len(tallies))
	for i, t := range tallies {
		row := Row{"bucket": t.bucket.label}
		for g, name := range q.GroupBy {
			row[name] = t.group[g]
		}
		for _, metric := range q.Metrics {
			row[metric] = o.metric(q, t, metric)
			before.compare(row, t, metric)
		}
		rows[i] = row
	}
	if q.EverythingElse {
		return rows
	}
	sortRows(rows, q.Order, bucketOrder(tallies))
	if q.Limit > 0 {
		rows = rows[:min(q.Limit, len(rows))]
	}
	return rows
}

func (o *Oracle) metric(q *Query, t *tally, name string) any {
	switch name {
	case "active_users":
		return float64(int64(len(t.users)) + t.counted)
	case "wau":
		return o.trailing(q, t, 7)
	case "mau":
		return o.trailing(q, t, 30)
	case "new_users":
		return float64(t.newUsers)
	case "sessions":
		return float64(t.sessions)
	case "events":
		return float64(t.events)
	case "bounces":
		return float64(t.bounces)
	case "total_session_duration":
		return float64(t.duration) / 1000
	case "bounce_rate", "avg_session_duration", "events_per_session":
		return t.rate(name)
	}
	panic("oracle: unknown metric " + name)
}

// rate gives a figure per session, nil without sessions.
func (t *tally) rate(name string) any {
	n := float64(t.sessions)
	switch {
	case n == 0:
		return nil
	case name == "bounce_rate":
		return float64(t.bounces) / n
	case name == "events_per_session":
		return float64(t.events) / n
	default:
		return math.Round(float64(t.duration)/n) / 1000
	}
}

// trailing counts the distinct users of the days that end with the last day of the row's bucket in the range.
func (o *Oracle) trailing(q *Query, t *tally, days int64) float64 {
	last := min(t.bucket.last, o.date(q.To-1))
	users, counted := map[string]bool{}, 0
	for date := last - days + 1; date <= last; date++ {
		for _, f := range o.byDate[date] {
			if !o.passes(q, f) || !o.belongs(q, f, t.group) {
				continue
			}
			if f.user != "" {
				users[f.user] = true
			} else if f.newUser {
				counted++
			}
		}
	}
	return float64(len(users) + counted)
}
