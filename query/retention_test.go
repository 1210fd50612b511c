package query

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/query/querytest"
)

// onlyFirsts makes the earliest fact of each user the one that makes him new.
func (w *world) onlyFirsts() {
	first := map[int]int{}
	for i, f := range w.facts {
		w.facts[i].NewUser = f.User < 0 && f.NewUser
		if at, ok := first[f.User]; !ok || f.Time < w.facts[at].Time {
			first[f.User] = i
		}
	}
	for user, i := range first {
		if user >= 0 {
			w.facts[i].NewUser = true
		}
	}
}

func (w *world) genRetention(t *rapid.T) *RetentionRequest {
	r := &RetentionRequest{Format: "json"}
	r.Cohort = rapid.SampledFrom([]rollcall.Grain{rollcall.Day, rollcall.Week}).Draw(t, "cohort")
	r.Periods = rapid.SampledFrom([]int{0, 1, 2, 7, 100, 400}).Draw(t, "periods")
	today := w.cal.Date(w.now)
	first := today - rollcall.Date(rapid.IntRange(-3, 90).Draw(t, "first"))
	if rapid.IntRange(0, 3).Draw(t, "from") > 0 {
		r.From = first.String()
	}
	if rapid.IntRange(0, 3).Draw(t, "to") > 0 {
		r.To = (first + rollcall.Date(rapid.IntRange(1, 120).Draw(t, "days"))).String()
	}
	for _, d := range w.dims {
		if rapid.IntRange(0, 3).Draw(t, "filter "+d) == 0 {
			r.Filters = append(r.Filters, Filter{Dimension: d, Not: rapid.Bool().Draw(t, "not"),
				Values: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", rollcall.NotSet, "", "never seen"}), 1, 3).Draw(t, "values")})
		}
	}
	return r
}

// retention answers a request from the plain facts; nil when the range is empty. It shares no code with the engine.
func (o *naive) retention(r *RetentionRequest, now int64) []string {
	monday := func(day int64) int64 { return day - (day+3)%7 }
	start, unit, units := func(day int64) int64 { return day }, int64(1), int64(30)
	if r.Cohort == rollcall.Week {
		start, unit, units = monday, 7, 12
	}
	today := dayNumber(time.UnixMilli(now).In(o.loc))
	day := func(text string, otherwise int64) int64 {
		if at, err := time.Parse("2006-01-02", text); err == nil {
			return dayNumber(at)
		}
		return otherwise
	}
	to := day(r.To, today+1)
	from := day(r.From, start(to-1)-(units-1)*unit)
	if from >= to {
		return nil
	}
	periods := int64(r.Periods)
	if periods == 0 {
		periods = units
	}
	lines := []string{}
	for cohort := start(from); cohort < to && cohort <= today; cohort += unit {
		members := map[int]bool{}
		for i := range o.facts {
			if f := &o.facts[i]; f.User >= 0 && f.NewUser && o.passes(&Request{Filters: r.Filters}, f) && start(o.day(f.Time)) == cohort {
				members[f.User] = true
			}
		}
		active, open := []int64{}, false
		for k := int64(0); k < periods && cohort+k*unit <= today; k++ {
			back := map[int]bool{}
			for i := range o.facts {
				if f := &o.facts[i]; members[f.User] && o.passes(&Request{Filters: r.Filters}, f) && start(o.day(f.Time)) == cohort+k*unit {
					back[f.User] = true
				}
			}
			active = append(active, int64(len(back)))
			open = start(today) == cohort+k*unit
		}
		lines = append(lines, fmt.Sprint(time.Unix(cohort*86400, 0).UTC().Format("2006-01-02"), len(members), active, open))
	}
	return lines
}

func TestRetentionEqualsCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t)
		w.onlyFirsts()
		m := querytest.Build(w.cal, w.dims, w.cuboids, rapid.IntRange(1, 3).Draw(t, "shards"), w.facts)
		e := engineOver(m, w.cal, w.cuboids, w.now, 0, 0)
		for range 8 {
			r := w.genRetention(t)
			res, err := e.Retention(context.Background(), r)
			want := (&naive{loc: w.loc, dims: w.dims, facts: w.facts}).retention(r, w.now)
			if want == nil {
				if b := (*BadRequest)(nil); !errors.As(err, &b) {
					t.Fatalf("%+v: want a BadRequest, have %v", r, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%+v: %v", r, err)
			}
			got := []string{}
			for _, row := range res.Rows {
				got = append(got, fmt.Sprint(row.Cohort, row.Users, row.Active, row.Open))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%+v\ngot\n%s\nwant\n%s", r, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

// retentionStore has three users of two days: one came twice, one came back on the next day.
func retentionStore() (*querytest.Store, *Engine) {
	cal := rollcall.NewCalendar(time.UTC)
	noon := time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)
	fact := func(day, user int, campaign string, first bool) querytest.Fact {
		return querytest.Fact{Time: noon.AddDate(0, 0, day-4).UnixMilli(), User: user, Dims: []string{campaign}, Finest: rollcall.Day, NewUser: first}
	}
	facts := []querytest.Fact{fact(2, 0, "a", true), fact(2, 0, "b", false), fact(3, 0, "b", false), fact(2, 1, "b", true), fact(4, 1, "a", false), fact(3, 2, "a", true)}
	m := querytest.Build(cal, []string{"campaign"}, rollcall.Cuboids(1), 2, facts)
	return m, engineOver(m, cal, rollcall.Cuboids(1), noon.UnixMilli(), 0, 0)
}

func askRetention(t *testing.T, e *Engine, text string) (*Question, string) {
	t.Helper()
	q, err := e.AskRetention(context.Background(), "retention "+text, func() (*RetentionRequest, error) {
		v, err := url.ParseQuery(text)
		if err != nil {
			return nil, err
		}
		return ParseRetention(v)
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := q.Answer(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if a.Tag != q.Tag {
		t.Fatalf("answer %s to question %s", a.Tag, q.Tag)
	}
	var body strings.Builder
	if err := q.Write(&body, a, time.Time{}); err != nil {
		t.Fatal(err)
	}
	return q, body.String()
}

func TestRetentionForms(t *testing.T) {
	_, e := retentionStore()
	const tail = `],
"as_of":"2023-11-14T22:13:20.123Z","complete_through":"2023-11-14T22:13:20.123Z","exact":true,"build":3}
`
	for text, want := range map[string]string{
		"from=2026-11-01": `{"cohort":"day","rows":[
{"cohort":"2026-11-01","users":0,"active":[0,0,0,0],"open":true},
{"cohort":"2026-11-02","users":2,"active":[2,1,1],"open":true},
{"cohort":"2026-11-03","users":1,"active":[1,0],"open":true},
{"cohort":"2026-11-04","users":0,"active":[0],"open":true}` + tail,
		"from=2026-11-02&to=2026-11-03&periods=2&filter.campaign=a": `{"cohort":"day","rows":[
{"cohort":"2026-11-02","users":1,"active":[1,0]}` + tail,
		"from=2026-11-02&to=2026-11-03&filter.campaign!=a": `{"cohort":"day","rows":[
{"cohort":"2026-11-02","users":1,"active":[1,0,0],"open":true}` + tail,
		"cohort=week&from=2026-11-01&to=2026-11-03": `{"cohort":"week","rows":[
{"cohort":"2026-10-26","users":0,"active":[0,0],"open":true},
{"cohort":"2026-11-02","users":3,"active":[3],"open":true}` + tail,
		"from=2026-12-01&to=2027-01-01":                      `{"cohort":"day","rows":[` + tail,
		"format=csv&from=2026-11-02&to=2026-11-03&periods=3": "cohort,users,period,active,open\r\n2026-11-02,2,0,2,false\r\n2026-11-02,2,1,1,false\r\n2026-11-02,2,2,1,true\r\n",
	} {
		if _, got := askRetention(t, e, text); got != want {
			t.Errorf("%s\n%s\nwant\n%s", text, got, want)
		}
	}
}

func TestRetentionTable(t *testing.T) {
	r := &Retention{Cohort: "week", Rows: []CohortRow{{"2026-10-26", 100_000, []int64{100_000, 99_999, 1}, false}, {"2026-11-02", 0, []int64{0}, true}}}
	var got strings.Builder
	if err := r.WriteTable(&got); err != nil {
		t.Fatal(err)
	}
	want := `week         users    0     1     2
2026-10-26  100000 100%  >99%   <1%
2026-11-02       0    -*

2 cohorts, exact, as of never (nothing was committed); * the week is not over
`
	if got.String() != want {
		t.Fatalf("%s\nwant\n%s", got.String(), want)
	}
}

func TestRetentionRefusals(t *testing.T) {
	_, e := retentionStore()
	for text, param := range map[string]string{
		"cohort=month": "cohort", "cohort=hour": "cohort", "cohort=x": "cohort", "periods=0": "periods", "periods=401": "periods", "periods=x": "periods",
		"from=2026-11-01T00:00:00Z": "from", "to=x": "to", "from=2026-11-03&to=2026-11-03": "from", "from=2020-01-01": "from", "colour=red": "colour",
		"filter.colour=red": "filter.colour", "format=xml": "format", "from=2026-11-01,2026-11-02": "from", "group_by=campaign": "group_by",
	} {
		v, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		req, err := ParseRetention(v)
		if err == nil {
			_, err = e.Retention(context.Background(), req)
		}
		if b := (*BadRequest)(nil); !errors.As(err, &b) || b.Param != param {
			t.Errorf("%s: %v", text, err)
		}
	}
	if req, err := ParseRetention(url.Values{"from": {"2020-01-01"}, "cohort": {"week"}, "to": {""}}); err != nil {
		t.Error(err)
	} else if res, err := e.Retention(context.Background(), req); err != nil || len(res.Rows) != 358 {
		t.Error(res, err)
	}
}

func TestCostlyRetentionIsRefused(t *testing.T) {
	m, e := retentionStore()
	for i := range m.Header.Shards {
		m.Header.Shards[i].Accepted = 30
	}
	for limit, refused := range map[int64]bool{0: false, 1: true, 1000: false} {
		e.cfg.MaxCost = limit
		_, err := e.Retention(context.Background(), &RetentionRequest{Cohort: rollcall.Day})
		if costly := (*TooCostly)(nil); errors.As(err, &costly) != refused || !refused && err != nil {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

// An answer is kept as long as nothing that it is made of has changed.
func TestRetentionIsKept(t *testing.T) {
	m, e := retentionStore()
	before, _ := askRetention(t, e, "from=2026-11-01")
	again, _ := askRetention(t, e, "from=2026-11-01")
	if again.kept != before.kept {
		t.Error("made again")
	}
	if other, _ := askRetention(t, e, "from=2026-11-01&periods=3"); other.Tag == before.Tag {
		t.Error("two questions, one tag")
	}
	m.Header.Version++
	if after, _ := askRetention(t, e, "from=2026-11-01"); after.Tag == before.Tag {
		t.Error("one tag in two states")
	}
}
