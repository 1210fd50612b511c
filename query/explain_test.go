package query

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/query/querytest"
	"rollcall/store"
)

// The figures of an explanation and its cells are what counting the events of the day gives.
func TestExplainedCellsEqualCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		w.cuboids = rollcall.Cuboids(len(w.dims))
		m := querytest.Build(w.cal, w.dims, w.cuboids, rapid.IntRange(1, 3).Draw(t, "shards"), w.facts)
		e := engineOver(m, w.cal, w.cuboids, w.now, w.minuteRetention, w.hourRetention)
		o := &naive{loc: w.loc, dims: w.dims, facts: w.facts}
		for range 4 {
			day := w.cal.Date(w.now) - rollcall.Date(rapid.IntRange(-1, 5).Draw(t, "back"))
			r := &ExplainRequest{Day: day.String(), Metrics: MetricNames(), Filters: w.genRetention(t).Filters}
			x, err := e.Explain(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			from, to := w.cal.DayStart(day), w.cal.DayStart(day+1)
			asked := r.query(day, r.Metrics, nil)
			asked.Fill = true
			want := o.answer(asked, from, to)
			if got := []string{fmt.Sprint(x.Day, []string{}, figuresOf(x))}; !slices.Equal(got, want) {
				t.Fatalf("%+v: %v, want %v", r, got, want)
			}
			cells := r.query(day, cellMetrics, x.Cuboid)
			cells.Order = append([]Order{{"events", true}}, orders(x.Cuboid)...)
			checkCellsOf(t, x, o.answer(cells, from, to))
		}
	})
}

func figuresOf(x *Explanation) (values []float64) {
	for _, f := range x.Figures {
		values = append(values, math.NaN())
		if f.Value != nil {
			values[len(values)-1] = *f.Value
		}
	}
	return values
}

// checkCellsOf compares the cells that come one by one, and counts the others.
func checkCellsOf(t *rapid.T, x *Explanation, want []string) {
	var got []string
	for _, c := range x.Cells {
		got = append(got, fmt.Sprint(x.Day, append([]string{}, c.Values...), []float64{float64(c.Events), float64(c.Sessions), float64(c.Bounces), c.Duration,
			float64(c.NewUsers), float64(c.ActiveUsers)}))
	}
	rest := 0
	if x.Rest != nil {
		rest = x.Rest.Cells
	}
	if one := min(len(want), maxCells); !slices.Equal(got, want[:one]) || rest != len(want)-one {
		t.Fatalf("%d cells\n%s\nand %d; want %d\n%s", len(got), strings.Join(got, "\n"), rest, len(want), strings.Join(want, "\n"))
	}
}

const testDay = rollcall.Date(20_000)

// dayWorld is a day with one event of each of n campaigns, and a history.
func dayWorld(t *testing.T, n int, now int64, changes ...store.Change) *Explanation {
	t.Helper()
	cal := rollcall.NewCalendar(time.UTC)
	var facts []querytest.Fact
	for i := range n {
		facts = append(facts, querytest.Fact{Time: cal.DayStart(testDay) + hourMS, User: i, Dims: []string{fmt.Sprintf("c%03d\x1b", i)}, Finest: rollcall.Day,
			Session: true, Length: 1001})
	}
	dims := []string{"campaign"}
	m := querytest.Build(cal, dims, rollcall.Cuboids(1), 2, facts)
	m.Past.Changes = changes
	if len(changes) > 0 {
		m.Past.Begins = changes[0].Hour
	}
	m.Rows = []store.LedgerRow{{Hour: cal.DayStart(testDay), Count: int64(n), Duplicates: 2}, {Shard: 1, Hour: cal.DayStart(testDay), Late: 1}}
	e := New(Config{Dimensions: dims, Cuboids: rollcall.Cuboids(1), Calendar: cal, Now: func() time.Time { return time.UnixMilli(now) }}, m.Cache())
	x, err := e.Explain(context.Background(), &ExplainRequest{Metrics: []string{"active_users", "events", "bounce_rate"}, Day: testDay.String(),
		Filters: []Filter{{Dimension: "campaign", Not: true, Values: []string{"none"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// change is what commits of an hour, counted from midnight, did to the day.
func change(hour int64, events, retracted int64) store.Change {
	at := rollcall.NewCalendar(time.UTC).DayStart(testDay) + hour*hourMS
	c := store.Change{Day: testDay, Hour: at, Commits: 1, FirstVersion: uint64(hour), LastVersion: uint64(hour), First: at + 1, Last: at + 2, Retracted: retracted}
	c.Counters = rollcall.Counters{rollcall.Events: events, rollcall.Sessions: events, rollcall.Duration: 1001 * events, rollcall.Active: events}
	return c
}

func kinds(x *Explanation) (kinds []string) {
	for _, s := range x.Steps {
		kinds = append(kinds, fmt.Sprintf("%s %d", s.Kind, s.Events))
	}
	return kinds
}

// A day has changed when commits after its end, or after it was first counted, did something to it.
func TestVerdictOfADay(t *testing.T) {
	midnight := rollcall.NewCalendar(time.UTC).DayStart(testDay + 1)
	drops := change(1, 10, 0)
	drops.Duplicates, drops.Late = 2, 1
	late := change(30, 0, 0)
	late.Duplicates, late.Late = 2, 1
	for name, c := range map[string]struct {
		now     int64
		changes []store.Change
		verdict string
		steps   []string
	}{
		"by its end":     {midnight, []store.Change{drops, change(23, 0, 1)}, verdictUnchanged, []string{"day 10"}},
		"going on":       {midnight - 1, []store.Change{drops}, verdictOpen, []string{"day 10"}},
		"later":          {midnight, []store.Change{drops, change(24, 2, 0), change(31, -2, 0)}, verdictUnchanged, []string{"day 10", "later 2", "later -2"}},
		"more":           {midnight, []store.Change{change(23, 7, 0), change(24, 2, 0), drops3(31)}, verdictChanged, []string{"day 7", "later 2", "later 1"}},
		"moved only":     {midnight, []store.Change{drops, change(40, 0, 1)}, verdictChanged, []string{"day 10", "later 0"}},
		"first later":    {midnight, []store.Change{drops3(48), change(49, 9, 0)}, verdictChanged, []string{"first 1", "later 9"}},
		"imported":       {midnight, []store.Change{change(48, 10, 0), late}, verdictUnchanged, []string{"first 10", "later 0"}},
		"no history":     {midnight, nil, verdictUnchanged, []string{"before_history 10"}},
		"history begins": {midnight, []store.Change{drops3(48)}, verdictChanged, []string{"before_history 9", "later 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			x := dayWorld(t, 10, c.now, c.changes...)
			if x.Verdict != c.verdict || !slices.Equal(kinds(x), c.steps) {
				t.Errorf("%s %v, want %s %v", x.Verdict, kinds(x), c.verdict, c.steps)
			}
		})
	}
	if x := dayWorld(t, 0, midnight); x.Verdict != verdictEmpty || len(x.Steps) != 1 { // its duplicates came before the history
		t.Errorf("%s %v", x.Verdict, kinds(x))
	}
}

// drops3 is one event in an hour, with all that was dropped.
func drops3(hour int64) store.Change {
	c := change(hour, 1, 0)
	c.Duplicates, c.Late = 2, 1
	return c
}

// The steps of any history add up to the day, in the order of time, and there are only so many of them.
func TestStepsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var history store.History
		total := store.Change{}
		hour := rapid.Int64Range(-50, 50).Draw(t, "first")
		for range rapid.SampledFrom([]int{0, 1, 3, maxSteps, 3 * maxSteps}).Draw(t, "hours") {
			c := change(hour, rapid.Int64Range(-2, 5).Draw(t, "events"), 1)
			hour += rapid.Int64Range(1, 3).Draw(t, "gap")
			history.Changes = append(history.Changes, c)
			total.Counters.Add(&c.Counters)
		}
		missing := rapid.Int64Range(0, 1).Draw(t, "missing")
		total.Counters[rollcall.Events] += missing
		x := &Explanation{Over: true}
		x.setSteps(&history, total, rollcall.NewCalendar(time.UTC).DayStart(testDay+1), time.UTC)
		events, commits, at := int64(0), int64(0), time.Time{}
		for _, s := range x.Steps {
			events, commits = events+s.Events, commits+s.Commits
			if s.From.Before(at) || s.To.Before(s.From) {
				t.Fatalf("%+v", x.Steps)
			}
			at = s.To
		}
		if events != total.Counters[rollcall.Events] || commits != int64(len(history.Changes)) || len(x.Steps) > maxSteps+2 {
			t.Fatalf("%d events in %d steps, want %d", events, len(x.Steps), total.Counters[rollcall.Events])
		}
	})
}

// The first line of the table says whether the day changed, and nothing in it reaches a terminal unescaped.
func TestExplanationForPeople(t *testing.T) {
	x := dayWorld(t, 60, rollcall.NewCalendar(time.UTC).DayStart(testDay+2), change(23, 58, 0), drops3(33), change(34, 1, 2))
	var text strings.Builder
	if err := x.WriteTable(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2024-10-04 has changed since it was counted: +2 events, +2 sessions, 2 sessions taken back, +2.002 s in sessions, +2 active users, " +
			"2 duplicates dropped, 1 late event in quarantine, in 2 commits, the last at 2024-10-05T10:00:00.002Z.\n",
		"active_users 60, events 60, bounce_rate 0\n",
		"by the end of the day: +58 events",
		"later, 2024-10-05 09:00: +1 events, +1 sessions, +1.001 s in sessions, +1 active users, 2 duplicates dropped, 1 late event in quarantine (1 commit, versions 33 to 33)\n",
		"c000\uFFFD", "and 10 cells with 10 events, 10 sessions, 0 bounces, 10.01 s, 0 new users",
		"2024-10-04T00:00:00Z        60           2     1",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "\x1b") {
		t.Error("a control character")
	}
}

func TestParseExplain(t *testing.T) {
	r, err := ParseExplain(url.Values{"day": {"2026-11-27"}, "metrics": {"wau,events"}, "filter.age!": {"a"}, "filter.campaign": {`a\,b,c`}})
	if err != nil || r.Day != "2026-11-27" || !slices.Equal(r.Metrics, []string{"wau", "events"}) || len(r.Filters) != 2 ||
		!slices.Equal(r.Filters[1].Values, []string{"a,b", "c"}) || !r.Filters[0].Not {
		t.Fatalf("%+v %v", r, err)
	}
	for _, v := range []url.Values{{"days": {"x"}}, {"day": {"x"}}, {"day": {"2026-01-01", "2026-01-02"}}, {"metrics": {"wau,wau"}}, {"grain": {"day"}}} {
		if _, err := ParseExplain(v); err == nil {
			t.Errorf("%v was taken", v)
		}
	}
}
