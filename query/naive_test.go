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
	loc     *time.Location
	dims    []string
	facts   []querytest.Fact
	leaders [][]string // nil when all groups stand for themselves
	clocks  map[string]map[string]int64
}

type tally struct {
	label string
	order int64
	last  int64 // unclipped last civil day
	at    int64 // an instant in it
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
		return tally{at: ms, label: s.Format(time.RFC3339), order: s.UnixMilli(), last: day.Unix() / 86400}
	case rollcall.Week:
		for first.Weekday() != time.Monday {
			first = first.AddDate(0, 0, -1)
		}
		last = first.AddDate(0, 0, 6)
	case rollcall.Month:
		first = time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
		last = first.AddDate(0, 1, -1)
	case rollcall.Total:
		return tally{at: ms, label: "total", last: 1 << 40}
	}
	return tally{at: ms, label: first.Format("2006-01-02"), order: first.Unix() / 86400, last: last.Unix() / 86400}
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
	if o.leaders != nil && o.leader(g) == len(o.leaders) {
		for i := range g {
			g[i] = "(everything else)"
		}
	}
	return g
}

func (o *naive) leader(g []string) int {
	for i, l := range o.leaders {
		if slices.Equal(l, g) {
			return i
		}
	}
	return len(o.leaders)
}

// answer gives the lines of the reply.
func (o *naive) answer(r *Request, from, to int64) []string {
	var lines []string
	rows, values := o.ordered(r, from, to)
	for i, t := range rows {
		lines = append(lines, fmt.Sprint(t.label, t.group, values[i]))
	}
	return lines
}

// ordered gives the rows and their figures.
func (o *naive) ordered(r *Request, from, to int64) ([]*tally, [][]float64) {
	if r.EverythingElse {
		whole := *r
		whole.Grain, whole.Fill, whole.EverythingElse = rollcall.Total, false, false
		if len(r.Order) == 0 {
			whole.Order = []Order{{r.Metrics[0], true}}
		}
		first, _ := o.ordered(&whole, from, to)
		o = &naive{loc: o.loc, dims: o.dims, facts: o.facts, leaders: [][]string{}}
		for _, t := range first {
			o.leaders = append(o.leaders, t.group)
		}
	}
	return o.sort(r, o.compared(r, from, to))
}

type known map[string]*tally

func (rows known) at(b tally, g []string) *tally {
	key := fmt.Sprintf("%d %s %q", b.order, b.label, g)
	if rows[key] == nil {
		b.group, b.users = g, map[int]bool{}
		rows[key] = &b
	}
	return rows[key]
}

func (o *naive) count(r *Request, from, to int64) known {
	rows := known{}
	for i := range o.facts {
		f := &o.facts[i]
		if f.Time < from || f.Time >= to || f.Finest > r.Grain || !o.passes(r, f) {
			continue
		}
		t := rows.at(o.bucket(r.Grain, f.Time), o.group(r, f))
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
				rows.at(o.bucket(r.Grain, ms), g)
				rows.at(o.bucket(r.Grain, to-1), g)
			}
		}
	}
	return rows
}

// compared gives each row its figures.
func (o *naive) compared(r *Request, from, to int64) map[*tally][]float64 {
	all := map[*tally][]float64{}
	rows, before := o.count(r, from, to), known{}
	from2, to2 := o.before(r, from, to)
	if r.Compare != "" && from2 < to2 {
		plain := *r
		plain.Fill = false
		before = o.count(&plain, from2, to2)
	}
	for _, t := range rows {
		var other *tally
		if r.Compare != "" && from2 < to2 {
			if b, ok := o.counterpart(r, t, from, to); ok {
				other = before.at(b, t.group)
			}
		}
		for _, m := range r.Metrics {
			now := o.metric(r, t, m, min(t.last, o.day(to-1)))
			all[t] = append(all[t], now)
			if r.Compare == "" {
				continue
			}
			was, change := math.NaN(), math.NaN()
			if other != nil {
				was = o.metric(r, other, m, min(other.last, o.day(to2-1)))
			}
			if was != 0 {
				change = (now - was) / was
			}
			all[t] = append(all[t], was, change)
		}
	}
	return all
}

func (o *naive) sort(r *Request, values map[*tally][]float64) ([]*tally, [][]float64) {
	rows := slices.Collect(maps.Keys(values))
	by := append(slices.Clone(r.Order), append([]Order{{Column: "bucket"}}, orders(r.GroupBy)...)...)
	var columns []string
	for _, m := range r.Metrics {
		if columns = append(columns, m); r.Compare != "" {
			columns = append(columns, m+"_previous", m+"_change")
		}
	}
	slices.SortFunc(rows, func(a, b *tally) int {
		if r.EverythingElse {
			return int(max(-1, min(1, a.order-b.order)))*1000 + o.leader(a.group) - o.leader(b.group)
		}
		for _, by := range by {
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
				i := slices.Index(columns, by.Column)
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
	if r.Limit > 0 && !r.EverythingElse {
		rows = rows[:min(r.Limit, len(rows))]
	}
	var figures [][]float64
	for _, t := range rows {
		figures = append(figures, values[t])
	}
	return rows, figures
}

func (o *naive) day(ms int64) int64 { return dayNumber(time.UnixMilli(ms).In(o.loc)) }

func (o *naive) midnight(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, o.loc).UnixMilli()
}

func (o *naive) whole(ms int64) bool { return o.midnight(time.UnixMilli(ms).In(o.loc)) == ms }

// before is the range compared with.
func (o *naive) before(r *Request, from, to int64) (int64, int64) {
	switch {
	case r.Compare == "previous_year":
		return o.yearBefore(from), o.yearBefore(to)
	case o.whole(from) && o.whole(to):
		return o.midnight(time.UnixMilli(from).In(o.loc).AddDate(0, 0, int(o.day(from)-o.day(to)))), from
	default:
		return from - (to - from), from
	}
}

func (o *naive) yearBefore(ms int64) int64 {
	t := time.UnixMilli(ms).In(o.loc)
	back := o.midnight(civilDay(t).AddDate(-1, 0, 0))
	for !o.whole(ms) && time.UnixMilli(back).In(o.loc).Format("15:04") < t.Format("15:04") {
		back += 60_000
	}
	return back
}

// counterpart finds the bucket of the range before that a row is compared with.
func (o *naive) counterpart(r *Request, t *tally, from, to int64) (tally, bool) {
	from2, to2 := o.before(r, from, to)
	days := o.whole(from) && o.whole(to) || r.Compare == "previous_year"
	now := civilDay(time.UnixMilli(t.at).In(o.loc))
	date := now.AddDate(0, 0, int(o.day(from)-o.day(to)))
	if r.Compare == "previous_year" {
		date = now.AddDate(-1, 0, 0)
		if r.Grain <= rollcall.Day && date.Day() != now.Day() {
			return tally{}, false
		}
	}
	var b tally
	switch {
	case r.Grain <= rollcall.Hour && days:
		layout := map[rollcall.Grain]string{rollcall.Hour: "15", rollcall.Minute: "15:04"}[r.Grain]
		at, ok := o.clock(date, layout)[time.UnixMilli(t.at).In(o.loc).Format(layout)]
		if !ok {
			return b, false
		}
		b = o.bucket(r.Grain, at)
	case r.Grain <= rollcall.Hour:
		b = o.bucket(r.Grain, t.order-(to-from))
	case r.Grain == rollcall.Day && days:
		b = o.bucket(r.Grain, o.midnight(date))
	default:
		before, place := o.buckets(r, from2, to2), slices.IndexFunc(o.buckets(r, from, to), func(b tally) bool { return b.order == t.order })
		if place >= len(before) {
			return b, false
		}
		return before[place], true
	}
	return b, b.order >= o.bucket(r.Grain, from2).order && b.order <= o.bucket(r.Grain, to2-1).order
}

// clock gives the first instant of a date for each thing that the clock shows.
func (o *naive) clock(date time.Time, layout string) map[string]int64 {
	key := date.Format("2006-01-02 ") + layout
	if o.clocks == nil {
		o.clocks = map[string]map[string]int64{}
	}
	if o.clocks[key] == nil {
		o.clocks[key] = map[string]int64{}
		for ms := o.midnight(date); ms < o.midnight(date.AddDate(0, 0, 1)); ms += 60_000 {
			shown := time.UnixMilli(ms).In(o.loc).Format(layout)
			if _, ok := o.clocks[key][shown]; !ok {
				o.clocks[key][shown] = ms
			}
		}
	}
	return o.clocks[key]
}

func (o *naive) buckets(r *Request, from, to int64) (all []tally) {
	for ms := from; ms < to+30*60_000; ms += 30 * 60_000 {
		b := o.bucket(r.Grain, min(ms, to-1))
		if len(all) == 0 || all[len(all)-1].order != b.order {
			all = append(all, b)
		}
	}
	return all
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
