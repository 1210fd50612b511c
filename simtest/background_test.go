package simtest_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math"
	"math/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall"
	"rollcall/simtest"
	"rollcall/store"
	"rollcall/verify"
)

// watched is a pipeline whose closed days are verified in the background.
type watched struct {
	*pipeline
	logged lines
	now    time.Time
}

// lines keeps what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// until verifies in the background until the standing is as wanted.
func (w *watched) until(t *testing.T, maxDays int, is func(verify.Standing) bool) verify.Standing {
	t.Helper()
	c := w.world.Config
	calendar := rollcall.NewCalendar(c.Location)
	b := verify.NewBackground(verify.BackgroundConfig{Config: verify.Config{Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: calendar, Gap: c.Gap, Earlier: c.Earlier,
		Passive: c.Passive, MinuteRetention: always, HourRetention: always, PassEvents: 50}, Look: time.Millisecond, Share: 0.9, MaxDays: maxDays},
		verify.BackgroundDeps{Source: verify.Log{Fetcher: w.log}, Store: w.store, Mine: func() bool { return true }, Now: func() time.Time { return w.now },
			Logger: slog.New(slog.NewTextHandler(&w.logged, nil))})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	ended := make(chan struct{})
	go func() { defer close(ended); b.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for {
		view, err := w.store.View(ctx)
		if err != nil {
			t.Fatal(err)
		}
		head := view.Head()
		kept, err := w.store.Verified(ctx)
		if err := errors.Join(err, view.Close()); err != nil {
			t.Fatal(err)
		}
		if s := verify.StandingOf(head, kept, math.MinInt32, calendar.Date(w.now.UnixMilli())); is(s) {
			return s
		}
	}
}

// TestBackground lets a store be verified while it grows; a counter that is flipped is found once its day is committed to
// again, and told with its day; a late event makes its day be verified again.
func TestBackground(t *testing.T) {
	w := simtest.RecentWorld(rand.New(rand.NewSource(5)), time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC))
	p, err := openPipeline(t, w)
	if err != nil {
		t.Fatal(err)
	}
	v := &watched{pipeline: p, now: time.Date(2026, time.December, 20, 12, 0, 0, 0, time.UTC)}
	half := len(w.Events) / 2
	if err := errors.Join(p.Append(w.Events[:half]), p.caughtUp(t.Context())); err != nil {
		t.Fatal(err)
	}
	all := func(s verify.Standing) bool { return s.Days > 0 && s.Good == s.Days }
	first := v.until(t, 2, all) // two days at a time
	if first.Through == nil || len(first.Bad)+len(first.Pending) > 0 {
		t.Fatalf("%+v", first)
	}
	if err := p.Append(w.Events[half:]); err != nil { // beside it
		t.Fatal(err)
	}
	v.until(t, 100, func(verify.Standing) bool { return p.caughtUp(t.Context()) == nil })
	v.until(t, 100, all)
	if text := v.logged.String(); strings.Contains(text, "ERROR") {
		t.Fatal(text)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	s := &spoiled{pipeline: p, dir: p.dir}
	s.flipCounter(t)
	s.database(t, func(db *sql.DB) {
		if _, err := db.Exec("DELETE FROM verified WHERE day = (SELECT max(day) FROM verified) OR day > -1000"); err != nil {
			t.Fatal(err)
		}
	})
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	bad := v.until(t, 100, func(s verify.Standing) bool { return len(s.Pending) == 0 })
	if len(bad.Bad) != 1 || bad.Bad[0].Day.String() != s.bucket || bad.Through != nil && *bad.Through >= bad.Bad[0].Day {
		t.Errorf("spoiled on %s: %+v", s.bucket, bad)
	}
	if text := v.logged.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "day="+s.bucket) || !strings.Contains(text, "bounces is") {
		t.Error(text)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestBriefVerify verifies without a transaction that stays open, beside the writer: nothing differs, and what moved is told.
func TestBriefVerify(t *testing.T) {
	w := simtest.RecentWorld(rand.New(rand.NewSource(6)), time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC))
	p, err := openPipeline(t, w)
	if err != nil {
		t.Fatal(err)
	}
	half := len(w.Events) / 2
	if err := errors.Join(p.Append(w.Events[:half]), p.caughtUp(t.Context())); err != nil {
		t.Fatal(err)
	}
	c := w.Config
	appended := false
	r, err := verify.Run(t.Context(), verify.Config{Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: rollcall.NewCalendar(c.Location), Gap: c.Gap, Earlier: c.Earlier, Passive: c.Passive,
		MinuteRetention: always, HourRetention: always, Days: verify.Days{All: true}, Limit: 5, Brief: true, Workers: 1},
		verify.Deps{Source: verify.Log{Fetcher: p.log}, Store: p.store, Now: func() time.Time { return time.UnixMilli(0) }, Pace: func(ctx context.Context) error {
			if appended {
				return nil
			}
			appended = true
			return errors.Join(p.Append(w.Events[half:]), p.caughtUp(ctx))
		}})
	if err != nil || !r.Equal || len(r.Moved) == 0 {
		t.Fatalf("%v %s", err, wrong{r})
	}
	if found := r.Verified(nil, 1, 1); len(found) != 1 || found[0].Day != store.WholeLog || found[0].Differences != 0 {
		t.Errorf("%+v", found)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
