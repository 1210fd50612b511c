package rebuild_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/eventlog"
	"rollcall/rebuild"
	"rollcall/record"
	"rollcall/store"
	"rollcall/store/sqlite"
)

// place is a log and builds, of which build 1 is active and holds nothing.
type place struct {
	log    *eventlog.Log
	builds *sqlite.Builds
	now    time.Time
	steps  []string
}

func open(t *testing.T, change func(*eventlog.Config)) *place {
	t.Helper()
	dir, quiet := t.TempDir(), slog.New(slog.DiscardHandler)
	p := &place{now: time.UnixMilli(1_700_000_000_000)}
	c := eventlog.Config{Dir: filepath.Join(dir, "log"), Shards: 1, SegmentBytes: 1 << 10}
	if change != nil {
		change(&c)
	}
	var err error
	if p.log, err = eventlog.Open(c, eventlog.Deps{Now: func() time.Time { return p.now }, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ok(t, p.log.Close()) })
	if p.builds, err = sqlite.OpenBuilds(dir, nil, quiet); err != nil {
		t.Fatal(err)
	}
	_, err = p.builds.Begin(t.Context(), store.Build{Shards: 1})
	ok(t, err)
	return p
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// add appends records of one event each.
func (p *place) add(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		e := record.NewEncoder(nil)
		e.Add(&rollcall.Event{User: fmt.Appendf(nil, "user-%0100d", i), Time: p.now.UnixMilli()})
		ok(t, p.log.Append(t.Context(), []eventlog.Record{{Count: 1, Payload: e.Bytes()}}, nil))
	}
}

func (p *place) deps() rebuild.Deps {
	return rebuild.Deps{
		Builds: p.builds,
		Open: func(ctx context.Context, b store.Build) (rebuild.Handle, error) {
			return p.builds.Open(ctx, b.Number, true, nil)
		},
		Hold: func(context.Context) (func(), error) { return func() {}, nil },
		Aggregate: aggregate.Deps{Log: p.log, Shards: 1, Logger: slog.New(slog.DiscardHandler), Step: func(name string) {
			if slices.Contains(rebuild.Steps[:], name) {
				p.steps = append(p.steps, name)
			}
		}},
	}
}

func with(gap string) rebuild.Config {
	return rebuild.Config{Build: store.Build{Shards: 1, Settings: map[string]string{"session_gap": gap}},
		Aggregate: aggregate.Config{Calendar: rollcall.NewCalendar(time.UTC), CommitInterval: time.Millisecond}}
}

// states are those of all builds, by number.
func (p *place) states(t *testing.T) (all map[uint32]store.BuildState) {
	t.Helper()
	list, err := p.builds.Builds(t.Context())
	ok(t, err)
	all = map[uint32]store.BuildState{}
	for _, b := range list {
		all[b.Number] = b.State
	}
	return all
}

func (p *place) want(t *testing.T, want map[uint32]store.BuildState) {
	t.Helper()
	if got := p.states(t); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("builds %v, want %v", got, want)
	}
}

// accepted is how many events a build holds.
func (p *place) accepted(t *testing.T, number uint32, beside bool) int64 {
	t.Helper()
	s, err := p.builds.Open(t.Context(), number, beside, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.View(t.Context())
	ok(t, err)
	n := v.Head().Shards[0].Accepted
	ok(t, errors.Join(v.Close(), s.Close()))
	return n
}

// A rebuild passes its steps in their order, and has all of the log.
func TestSteps(t *testing.T) {
	p := open(t, nil)
	p.add(t, 30)
	deps := p.deps()
	deps.Verify = func(context.Context, store.Build, store.Viewer) error { return nil }
	made, before, err := rebuild.Run(t.Context(), with("1h"), deps)
	if err != nil || made.Number != 2 || before.Number != 1 {
		t.Fatalf("%+v in place of %+v: %v", made, before, err)
	}
	if !slices.Equal(p.steps, rebuild.Steps[:]) {
		t.Error(p.steps)
	}
	p.want(t, map[uint32]store.BuildState{1: store.Kept, 2: store.Active})
	if n := p.accepted(t, 2, false); n != 30 {
		t.Errorf("%d events", n)
	}
}

// A log whose beginning is gone makes no build, and the active one stays.
func TestTrimmedLog(t *testing.T) {
	p := open(t, func(c *eventlog.Config) { c.MaxAge = time.Hour })
	p.add(t, 30)
	_, next, err := p.log.Bounds(t.Context(), 0)
	ok(t, err)
	ok(t, p.log.Report(t.Context(), []eventlog.Progress{{Snapshot: next}}))
	if n, err := p.log.Retain(p.now.Add(2 * time.Hour)); n == 0 || err != nil {
		t.Fatalf("%d segments were deleted, %v", n, err)
	}
	made, _, err := rebuild.Run(t.Context(), with("1h"), p.deps())
	if !errors.Is(err, eventlog.ErrTrimmed) {
		t.Fatal(err)
	}
	p.want(t, map[uint32]store.BuildState{1: store.Active, 2: store.Building})
	if n := p.accepted(t, made.Number, true); n != 0 {
		t.Errorf("%d events", n)
	}
}

// A build that its proof refuses is not activated; the next rebuild of these settings goes on with it, one of others drops it, and so
// does one that begins anew.
func TestGoesOnOrBeginsAnew(t *testing.T) {
	p := open(t, nil)
	p.add(t, 10)
	refused := errors.New("a difference")
	refusing := p.deps()
	refusing.Verify = func(_ context.Context, b store.Build, v store.Viewer) error {
		view, err := v.View(t.Context())
		ok(t, err)
		if h := view.Head(); h.Build != b.Number || h.Shards[0].Accepted != 10 {
			t.Errorf("the proof is shown %+v", h)
		}
		ok(t, view.Close())
		return refused
	}
	for _, c := range []struct {
		gap   string
		fresh bool
		made  uint32
	}{{"1h", false, 2}, {"1h", false, 2}, {"2h", false, 3}, {"2h", true, 4}, {"2h", false, 4}} {
		cfg := with(c.gap)
		cfg.Fresh = c.fresh
		made, _, err := rebuild.Run(t.Context(), cfg, refusing)
		if !errors.Is(err, refused) || made.Number != c.made {
			t.Fatalf("%+v: build %d, %v", c, made.Number, err)
		}
		p.want(t, map[uint32]store.BuildState{1: store.Active, c.made: store.Building})
	}
	made, _, err := rebuild.Run(t.Context(), with("2h"), p.deps())
	if err != nil || made.Number != 4 {
		t.Fatal(made, err)
	}
	p.want(t, map[uint32]store.BuildState{1: store.Kept, 4: store.Active})
}

// Of two rebuilds at once one is told that the other was faster.
func TestAnotherWasFaster(t *testing.T) {
	p := open(t, nil)
	p.add(t, 3)
	deps := p.deps()
	deps.Hold = func(ctx context.Context) (func(), error) {
		_, err := p.builds.Begin(ctx, store.Build{Shards: 1})
		ok(t, errors.Join(err, p.builds.Activate(ctx, 1, 3)))
		return func() {}, nil
	}
	if _, _, err := rebuild.Run(t.Context(), with("1h"), deps); !errors.Is(err, store.ErrRetired) {
		t.Error(err)
	}
}

// A rate bounds how fast the log is read.
func TestRate(t *testing.T) {
	const events, rate = 60, 100
	p := open(t, nil)
	p.add(t, events)
	cfg := with("1h")
	cfg.Rate = rate
	begun := time.Now()
	if _, _, err := rebuild.Run(t.Context(), cfg, p.deps()); err != nil {
		t.Fatal(err)
	}
	if least := time.Duration(events-rate/4) * time.Second / rate; time.Since(begun) < least {
		t.Errorf("%d events at %d a second took %v, less than %v", events, rate, time.Since(begun), least)
	}
	if n := p.accepted(t, 2, false); n != events {
		t.Errorf("%d events", n)
	}
}

// Nothing can be made anew where nothing was made.
func TestNoBuild(t *testing.T) {
	builds, err := sqlite.OpenBuilds(t.TempDir(), nil, slog.New(slog.DiscardHandler))
	ok(t, err)
	if _, _, err := rebuild.Run(t.Context(), with("1h"), rebuild.Deps{Builds: builds}); err == nil {
		t.Error("made")
	}
	p := open(t, nil)
	cfg := with("1h")
	cfg.Build.Number = 9
	if _, _, err := rebuild.Run(t.Context(), cfg, p.deps()); err == nil {
		t.Error("went back to a build that is not there")
	}
}
