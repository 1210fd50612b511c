package storetest

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall"
	"rollcall/store"
)

// testRetired: each call on a handle tells that its build is no longer what it was opened as, and changes nothing.
func testRetired(t *testing.T, open OpenBuilds) {
	r := open(t, dims, 1)
	one := listed(t, r)[0]
	old, done := r.Handle(t, one, false)
	defer done()
	m, n := newModel(1), newModel(1)
	m.shards[0] = acquire(t, old, 0)
	commitFull(t, old, m)
	_, err := old.Intern(context.Background(), 0, []string{"known"})
	must(t, err)
	beside, doneBeside := r.Handle(t, begin(t, r, alike(1)), true)
	defer doneBeside()
	n.shards[0] = acquire(t, beside, 0)
	commitFull(t, beside, n)
	_, err = beside.Intern(context.Background(), 0, []string{"known"})
	must(t, err)
	must(t, r.Builds.Activate(context.Background(), 1, 2))
	for name, call := range writes(m.shards[0]) {
		if err := call(old); !errors.Is(err, store.ErrRetired) {
			t.Errorf("%s on the old one: %v", name, err)
		}
	}
	for name, call := range besideWrites(n.shards[0]) {
		if err := call(beside); !errors.Is(err, store.ErrRetired) {
			t.Errorf("%s on the one beside: %v", name, err)
		}
	}
	raise(m)
	raise(n)
	done()
	doneBeside()
	for number, want := range map[uint32]*model{1: m, 2: n} {
		s, done := r.Handle(t, listed(t, r)[number-1], number == 1)
		checkHandle(t, s, want)
		done()
	}
}

// besideWrites are the calls that tell that the build has become active.
func besideWrites(p store.Position) map[string]func(Store) error {
	ctx := context.Background()
	return map[string]func(Store) error{
		"acquire":      func(s Store) error { _, err := s.Acquire(ctx, 0); return err },
		"commit":       func(s Store) error { return s.Commit(ctx, &store.Commit{At: 1, Shards: []store.ShardCommit{full(p)}}) },
		"intern":       func(s Store) error { _, err := s.Intern(ctx, 0, []string{"new"}); return err },
		"intern known": func(s Store) error { _, err := s.Intern(ctx, 0, []string{"known"}); return err },
		"stale commit": func(s Store) error {
			p.Epoch--
			return s.Commit(ctx, &store.Commit{Shards: []store.ShardCommit{full(p)}})
		},
		"commit nobody": func(s Store) error { return s.Commit(ctx, &store.Commit{At: 1}) },
	}
}

// writes are the calls that tell that another build is active.
func writes(p store.Position) map[string]func(Store) error {
	ctx := context.Background()
	calls := besideWrites(p)
	calls["view"] = func(s Store) error { _, err := s.View(ctx); return err }
	calls["quarantine"] = func(s Store) error { return s.Quarantine(ctx, []store.DeadLetter{{At: 1, Reason: "syntax"}}) }
	calls["delete letters"] = func(s Store) error { _, err := s.DeleteLetters(ctx, []int64{1}); return err }
	calls["compact"] = func(s Store) error { _, err := s.Compact(ctx, true, join); return err }
	calls["expire"] = func(s Store) error { return s.Expire(ctx, rollcall.Day, 1<<30) }
	calls["expire nothing"] = func(s Store) error { return s.Expire(ctx, rollcall.Day, -1<<30) }
	return calls
}

// testLettersGoOver: letters that no commit brought go over once, in their order; going back, those that came since.
func testLettersGoOver(t *testing.T, open OpenBuilds) {
	r, ctx := open(t, dims, 1), context.Background()
	begin(t, r, alike(1))
	letter := func(at int64, reason string) store.DeadLetter {
		return store.DeadLetter{At: at, Source: "\xff", Reason: reason, Detail: "d", Raw: []byte{0, byte(at)}}
	}
	want := map[uint32]*model{1: newModel(1), 2: newModel(1)}
	active := uint32(1)
	for range 4 {
		s, done := r.Handle(t, listed(t, r)[active-1], false)
		m, other := want[active], want[3-active]
		var came []store.DeadLetter
		at := time.Now().UnixMilli() // not before it became active
		for range 3 {
			came = append(came, letter(at, "syntax"), letter(at, store.ReasonLate), letter(at, ""), letter(at, store.ReasonForeign))
		}
		must(t, s.Quarantine(ctx, came))
		m.letters = append(m.letters, came...)
		for _, l := range came {
			if l.Reason != store.ReasonLate && l.Reason != store.ReasonForeign {
				other.letters = append(other.letters, l)
			}
		}
		done()
		passed(at)
		must(t, r.Builds.Activate(ctx, active, 3-active))
		raise(want[1])
		raise(want[2])
		active = 3 - active
		for _, b := range listed(t, r) {
			s, done := r.Handle(t, b, b.Number != active)
			checkHandle(t, s, want[b.Number])
			done()
		}
	}
}

// passed waits until the clock is beyond a time: letters of one millisecond are before an activation, or after it.
func passed(at int64) {
	for time.Now().UnixMilli() <= at {
		runtime.Gosched()
	}
}

// testActivationUnderWay: while commits are made to both and views are opened, builds take turns. Each commit is told of
// truly, each view is of one build, and versions rise.
func testActivationUnderWay(t *testing.T, open OpenBuilds) {
	const flips = 6
	r := open(t, dims, 2)
	begin(t, r, alike(2))
	models := map[uint32]*model{1: newModel(2), 2: newModel(2)}
	active := uint32(1)
	var version uint64
	for range flips {
		var all, begun sync.WaitGroup
		stop := make(chan struct{})
		var closers []func()
		ahead := slices.Clone(models[active].shards) // before anybody commits
		for number, m := range models {
			s, done := r.Handle(t, listed(t, r)[number-1], number != active)
			closers = append(closers, done)
			for i := range m.shards {
				m.shards[i] = acquire(t, s, i)
			}
			if number == active {
				all.Go(func() { readUntilRetired(t, s, number, version) })
			} else {
				leap(t, s, m, ahead)
			}
			begun.Add(1)
			all.Go(func() { commitUntilRetired(t, s, m, sync.OnceFunc(begun.Done), stop) })
		}
		begun.Wait() // so that the activation falls among commits
		if err := r.Builds.Activate(context.Background(), active, 3-active); err != nil {
			t.Error(err)
			close(stop)
		}
		all.Wait()
		for _, done := range closers {
			done()
		}
		if t.Failed() {
			return
		}
		for _, m := range models {
			raise(m)
		}
		active = 3 - active
		s, done := r.Handle(t, listed(t, r)[active-1], false)
		got := versionOf(t, s)
		if got <= version {
			t.Fatalf("version %d after %d", got, version)
		}
		version = got
		done()
		for number, m := range models {
			s, done := r.Handle(t, listed(t, r)[number-1], number != active)
			checkHandle(t, s, m)
			done()
		}
	}
}

// leap moves a build on so far beyond the other one that it will not be behind.
func leap(t *testing.T, s Store, m *model, other []store.Position) {
	c := &store.Commit{At: 1}
	for i, p := range m.shards {
		c.Shards = append(c.Shards, advance(p, 1_000_000+int(max(0, other[i].Offset-p.Offset))))
	}
	must(t, s.Commit(context.Background(), c))
	m.apply(c)
}

// commitUntilRetired commits to both shards, and has the model hold what was acknowledged. It tells of the first.
func commitUntilRetired(t *testing.T, s Store, m *model, begun func(), stop chan struct{}) {
	defer begun()
	for {
		select {
		case <-stop:
			return
		default:
		}
		c := &store.Commit{At: 1}
		for _, p := range m.shards {
			part := advance(p, 1)
			part.State = full(p).State
			part.Ledger = full(p).Ledger
			c.Shards = append(c.Shards, part)
		}
		switch err := s.Commit(context.Background(), c); {
		case errors.Is(err, store.ErrRetired):
			return
		case err != nil:
			t.Error(err)
			return
		}
		m.apply(c)
		begun()
	}
}

// readUntilRetired opens views; each is of the build, and whole: its ledger counts what its positions do.
func readUntilRetired(t *testing.T, s Store, number uint32, version uint64) {
	for {
		v, err := s.View(context.Background())
		if errors.Is(err, store.ErrRetired) {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		h := v.Head()
		rows, err := v.Ledger(context.Background(), -1<<50, 1<<50, false)
		if err != nil || h.Build != number || h.Version < version || len(rows) == 2 && rows[0].Count != rows[1].Count {
			t.Errorf("build %d version %d after %d: ledger %+v, %v", h.Build, h.Version, version, rows, err)
		}
		version = h.Version
		if err := v.Close(); err != nil {
			t.Error(err)
			return
		}
	}
}
