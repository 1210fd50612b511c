package query

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/cache"
	"rollcall/query/querytest"
	"rollcall/store"
)

func simple(cal rollcall.Calendar, dates ...rollcall.Date) *querytest.Store {
	var facts []querytest.Fact
	for _, d := range dates {
		facts = append(facts, querytest.Fact{Time: cal.DayStart(d) + hourMS, User: 1, Finest: rollcall.Hour})
	}
	return querytest.Build(cal, nil, rollcall.Cuboids(0), 1, facts)
}

// An answer that is of a newer commit than the one its question was asked at says so.
func TestTailIsOfTheRows(t *testing.T) {
	cal, day := rollcall.NewCalendar(time.UTC), rollcall.Date(20_600)
	m := simple(cal, day)
	e := engineOver(m, cal, rollcall.Cuboids(0), cal.DayStart(day+1), time.Hour, time.Hour)
	ask := func() *Question {
		q, err := e.Ask(context.Background(), "x", func() (*Request, error) {
			return ParseValues(url.Values{"from": {day.String()}, "metrics": {"events"}})
		})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	q := ask()
	m.Header.Version, m.Header.Committed = m.Header.Version+1, m.Header.Committed+5_000
	a, err := q.Answer(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	tail := body(q, a, time.Time{})
	if want := time.UnixMilli(m.Header.Committed).UTC().Format(`"as_of":"2006-01-02T15:04:05.000Z"`); !strings.Contains(tail, want) {
		t.Fatalf("the rows are of the second commit, the tail is not: %s", tail)
	}
	if now := ask(); now.Tag != a.Tag {
		t.Fatal("the tag is not that of the rows")
	}
}

// failing is a store whose reads end as a context would, though the caller's goes on.
type failing struct {
	store.Viewer
	views int
}

func (f *failing) View(ctx context.Context) (store.View, error) {
	if f.views++; f.views > 1 {
		return nil, fmt.Errorf("the server was too slow: %w", context.DeadlineExceeded)
	}
	return f.Viewer.View(ctx)
}

// An answer whose making fails fails, also when the store's error looks like that of a reader who gave up.
func TestStoreThatTimesOut(t *testing.T) {
	cal, day := rollcall.NewCalendar(time.UTC), rollcall.Date(20_600)
	f := &failing{Viewer: simple(cal, day)}
	e := New(Config{Cuboids: rollcall.Cuboids(0), Calendar: cal}, cache.New(cache.Config{Poll: time.Hour}, cache.Deps{Store: f}))
	q, err := e.Ask(context.Background(), "x", func() (*Request, error) { return ParseValues(url.Values{"from": {day.String()}}) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Answer(context.Background()); !errors.Is(err, context.DeadlineExceeded) || f.views != 2 {
		t.Fatal(err, f.views)
	}
}

// The tag of the simple report covers all its days, however old, and comes from the state its rows come from.
func TestTagOfTheReport(t *testing.T) {
	cal, day := rollcall.NewCalendar(time.UTC), rollcall.Date(20_000)
	m := simple(cal, day, day+400)
	e := engineOver(m, cal, rollcall.Cuboids(0), cal.DayStart(day+1000), time.Hour, time.Hour)
	tag := func() string {
		q, err := e.AskReport(context.Background(), "report", func() (*Report, error) { return e.ParseReport(url.Values{}) })
		if err != nil {
			t.Fatal(err)
		}
		a, err := q.Answer(context.Background())
		if err != nil || a.Tag != q.Tag {
			t.Fatal(a, q.Tag, err)
		}
		return a.Tag
	}
	before := tag()
	if m.Header.Version++; tag() == before {
		t.Fatal("old days have changed, the tag has not")
	}
}

// What an answer shows at midnight is looked at again, also when midnight came while it was made.
func TestAnswerMadeAcrossMidnight(t *testing.T) {
	cal, day := rollcall.NewCalendar(time.UTC), rollcall.Date(20_600)
	midnight := time.UnixMilli(cal.DayStart(day + 1))
	parse := func() (*Request, error) { return ParseValues(url.Values{"fill": {"zero"}, "metrics": {"events"}}) }
	for before := range 12 { // looks at the clock
		e := engineOver(simple(cal, day), cal, rollcall.Cuboids(0), 0, time.Hour, time.Hour)
		looks := 0
		e.cfg.Now = func() time.Time {
			if looks++; looks <= before {
				return midnight.Add(-1)
			}
			return midnight
		}
		for {
			asked := e.cfg.Now()
			q, err := e.Ask(context.Background(), "x", parse)
			if err != nil {
				t.Fatal(err)
			}
			a, err := q.Answer(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if asked.Before(midnight) {
				continue
			}
			if !strings.Contains(string(a.rows), (day + 1).String()) {
				t.Fatalf("midnight after %d looks at the clock: asked then, the answer ends before", before)
			}
			break
		}
	}
}
