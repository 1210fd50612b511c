package query

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/query/querytest"
)

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Seoul"}

// clockChanges are days near which the zones above change their clocks.
var clockChanges = []string{"2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04", "2026-06-15", "2024-02-29"}

type world struct {
	loc     *time.Location
	cal     rollcall.Calendar
	dims    []string
	cuboids []rollcall.Cuboid
	facts   []querytest.Fact
	now     int64
	anchor  int64 // Unix ms; facts lie around it

	minuteRetention, hourRetention time.Duration
}

func genWorld(t *rapid.T) *world {
	loc, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{loc: loc, cal: rollcall.NewCalendar(loc)}
	w.dims = []string{"campaign", "age", "country", "device", "plan"}[:rapid.IntRange(0, 5).Draw(t, "dims")]
	w.cuboids = rollcall.Cuboids(len(w.dims))
	if rapid.IntRange(0, 3).Draw(t, "few cuboids") == 0 {
		w.cuboids = []rollcall.Cuboid{rollcall.Full(len(w.dims))}
	}
	day, err := rollcall.ParseDate(rapid.SampledFrom(clockChanges).Draw(t, "anchor"))
	if err != nil {
		t.Fatal(err)
	}
	w.minuteRetention, w.hourRetention = 48*time.Hour, 20*24*time.Hour
	if rapid.IntRange(0, 5).Draw(t, "long retention") == 0 {
		w.minuteRetention, w.hourRetention = 900*24*time.Hour, 900*24*time.Hour
	}
	w.anchor = w.cal.DayStart(day)
	w.now = w.anchor + 26*hourMS
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	for range rapid.SampledFrom([]int{0, 3, 30, 120, 250}).Draw(t, "facts") {
		w.facts = append(w.facts, w.genFact(rng))
	}
	return w
}

// genFact draws a fact: many near now, users and values that meet often. Rapid would draw too few of them that meet.
func (w *world) genFact(rng *rand.Rand) querytest.Fact {
	back := [...]int64{8 * hourMS, 3 * 24 * hourMS, 24 * 24 * hourMS, 80 * 24 * hourMS}[rng.IntN(4)]
	f := querytest.Fact{Time: w.now + hourMS - rng.Int64N(back), User: rng.IntN(6) - 1, Finest: rollcall.Day}
	if rng.IntN(5) == 0 { // a year before
		f.Time = time.UnixMilli(f.Time).AddDate(-1, 0, 0).UnixMilli()
	}
	switch rng.IntN(4) {
	case 0: // at the edge of a bucket
		f.Time = w.cal.HourStart(f.Time)
	case 1:
		f.Time = w.cal.DayStart(w.cal.Date(f.Time)) - rng.Int64N(2)
	}
	switch age := time.Duration(w.now-f.Time) * time.Millisecond; { // received some time before now, at its own time at least
	case age < w.minuteRetention:
		f.Finest = rollcall.Minute
	case age < w.hourRetention || rng.IntN(2) == 0:
		f.Finest = rollcall.Hour
	}
	for range w.dims {
		f.Dims = append(f.Dims, []string{"a", "a", "a", "b", "b", "c,d", `é"\`, rollcall.NotSet, rollcall.Other}[rng.IntN(9)])
	}
	f.NewUser = rng.IntN(2) == 0
	if f.Session = rng.IntN(2) == 0; f.Session {
		f.Bounce, f.Length = rng.IntN(2) == 0, rng.Int64N(5_000)
	}
	return f
}

// genRange draws a range that can be answered at some grain.
func (w *world) genRange(t *rapid.T) (from, to int64) {
	today := w.cal.Date(w.anchor)
	switch rapid.IntRange(0, 3).Draw(t, "range") {
	case 0: // hours
		hours := append(w.cal.Hours(today), w.cal.Hours(today+1)...)
		i := rapid.IntRange(0, len(hours)-2).Draw(t, "from hour")
		return hours[i], hours[rapid.IntRange(i+1, len(hours)-1).Draw(t, "to hour")]
	case 1: // minutes
		from = w.anchor + minuteMS*rapid.Int64Range(-600, 1600).Draw(t, "from minute")
		return from, from + minuteMS*rapid.Int64Range(1, 300).Draw(t, "minutes")
	default:
		first := today - rollcall.Date(rapid.IntRange(-1, 75).Draw(t, "from day"))
		return w.cal.DayStart(first), w.cal.DayStart(first + rollcall.Date(rapid.IntRange(1, 76).Draw(t, "days")))
	}
}

func (w *world) genRequest(t *rapid.T) (r *Request, from, to int64) {
	from, to = w.genRange(t)
	show := func(ms int64) string { return time.UnixMilli(ms).In(w.loc).Format(time.RFC3339) }
	r = &Request{From: show(from), To: show(to), Format: "csv"}
	r.Grain = rapid.SampledFrom([]rollcall.Grain{rollcall.Minute, rollcall.Hour, rollcall.Day, rollcall.Week, rollcall.Month, rollcall.Total}).Draw(t, "grain")
	r.Metrics = rapid.Permutation(MetricNames()).Draw(t, "metrics")[:rapid.IntRange(1, len(metrics)).Draw(t, "asked")]
	r.GroupBy = rapid.Permutation(w.dims).Draw(t, "group")[:min(len(w.dims), rapid.SampledFrom([]int{0, 0, 1, 1, 2, 5}).Draw(t, "groups"))]
	for _, d := range w.dims {
		if rapid.IntRange(0, 3).Draw(t, "filter "+d) == 0 {
			r.Filters = append(r.Filters, Filter{Dimension: d, Not: rapid.Bool().Draw(t, "not"),
				Values: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c,d", rollcall.NotSet, rollcall.Other, "", "never seen"}), 1, 3).Draw(t, "values")})
		}
	}
	short := to-from <= 2*24*hourMS || r.Grain > rollcall.Hour // the naive way is slow over many buckets
	r.Fill = short && rapid.IntRange(0, 3).Draw(t, "fill") == 0
	columns := append(append([]string{"bucket"}, r.GroupBy...), r.Metrics...)
	if r.Compare = rapid.SampledFrom([]string{"", "", "previous_period", "previous_year"}).Draw(t, "compare"); r.Compare != "" {
		for _, m := range r.Metrics {
			columns = append(columns, m+"_previous", m+"_change")
		}
	}
	for range rapid.IntRange(0, 2).Draw(t, "orders") {
		r.Order = append(r.Order, Order{rapid.SampledFrom(columns).Draw(t, "column"), rapid.Bool().Draw(t, "desc")})
	}
	r.Limit = rapid.SampledFrom([]int{0, 0, 0, 0, 5}).Draw(t, "limit")
	if r.EverythingElse = len(r.GroupBy) > 0 && rapid.IntRange(0, 2).Draw(t, "everything else") == 0; r.EverythingElse {
		r.Limit = rapid.IntRange(1, 4).Draw(t, "leaders")
	}
	return r, from, to
}

func lines(r *Result) []string {
	lines := []string{}
	for i := range r.Len() {
		group, values := []string{}, []float64{}
		for d := range r.texts {
			group = append(group, r.Value(i, d))
		}
		for m := range r.values {
			values = append(values, r.Metric(i, m))
		}
		lines = append(lines, fmt.Sprint(r.Bucket(i), group, values))
	}
	return lines
}

// allAnswerable tells whether all ranges and grains that a request needs can be answered.
func (w *world) allAnswerable(r *Request, from, to int64) bool {
	ok := w.answerable(r, from, to)
	compared := slices.ContainsFunc(r.Order, func(o Order) bool {
		return strings.HasSuffix(o.Column, "_previous") || strings.HasSuffix(o.Column, "_change")
	})
	if r.EverythingElse {
		total := Request{Grain: rollcall.Total}
		if compared {
			total.Compare = r.Compare
		}
		ok = ok && w.allAnswerable(&total, from, to)
	}
	if r.Compare != "" {
		if from2, to2 := (&naive{loc: w.loc}).before(r, from, to); from2 < to2 {
			ok = ok && w.answerable(r, from2, to2)
		}
	}
	return ok
}

// answerable repeats the rule for ranges that do not begin and end on a day.
func (w *world) answerable(r *Request, from, to int64) bool {
	day := func(ms int64) bool { return w.cal.DayStart(w.cal.Date(ms)) == ms }
	hour := func(ms int64) bool { return w.cal.HourStart(ms) != w.cal.HourStart(ms-1) }
	within := func(d time.Duration) bool { return from > w.now-d.Milliseconds() }
	switch {
	case r.Grain == rollcall.Minute:
		return to > w.now-w.minuteRetention.Milliseconds()
	case r.Grain == rollcall.Hour && hour(from) && hour(to):
		return to > w.now-w.hourRetention.Milliseconds()
	case r.Grain >= rollcall.Day && day(from) && day(to):
		return true
	case hour(from) && hour(to) && r.Grain > rollcall.Hour:
		return within(w.hourRetention)
	default:
		return within(w.minuteRetention)
	}
}

func TestAnswersEqualCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		m := querytest.Build(w.cal, w.dims, w.cuboids, rapid.IntRange(1, 3).Draw(t, "shards"), w.facts)
		e := engineOver(m, w.cal, w.cuboids, w.now, w.minuteRetention, w.hourRetention)
		if err := m.Split(rapid.IntRange(1, 3).Draw(t, "parts")); err != nil {
			t.Fatal(err)
		}
		e.maxUnited = rapid.SampledFrom([]int{0, 2, maxUnited}).Draw(t, "united")
		for range 12 {
			r, from, to := w.genRequest(t)
			res, err := e.Query(context.Background(), r)
			if !w.allAnswerable(r, from, to) {
				if b := (*BadRequest)(nil); !errors.As(err, &b) {
					t.Fatalf("%+v: want a BadRequest, have %v", r, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%+v: %v", r, err)
			}
			want := (&naive{loc: w.loc, dims: w.dims, facts: w.facts}).answer(r, from, to)
			if got := lines(res); !slices.Equal(got, want) {
				t.Fatalf("%+v\ngot\n%s\nwant\n%s", r, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

func engineOver(m *querytest.Store, cal rollcall.Calendar, cuboids []rollcall.Cuboid, now int64, minute, hour time.Duration) *Engine {
	return New(Config{Dimensions: m.Header.Dimensions, Cuboids: cuboids, Calendar: cal, MinuteRetention: minute,
		HourRetention: hour, Now: func() time.Time { return time.UnixMilli(now) }}, m.Cache())
}
