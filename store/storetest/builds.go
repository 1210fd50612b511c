package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"rollcall"
	"rollcall/store"
)

// BuildsRig is a data set with build 1, which is active and empty.
type BuildsRig struct {
	Builds store.Builds
	// Handle opens a build, beside the active one or as that, and gives what closes it.
	Handle func(t *testing.T, b store.Build, beside bool) (s Store, done func())
}

// OpenBuilds makes a data set for a test and closes it when the test ends.
type OpenBuilds func(t *testing.T, dims []string, shards int) BuildsRig

// RunBuilds runs the suite of builds.
func RunBuilds(t *testing.T, open OpenBuilds) {
	for name, test := range map[string]func(*testing.T, OpenBuilds){
		"begun empty":     testBegunEmpty,
		"other shape":     testOtherShape,
		"activation":      testActivation,
		"behind":          testBehind,
		"retired":         testRetired,
		"letters go over": testLettersGoOver,
		"numbers":         testNumbers,
		"under way":       testActivationUnderWay,
		"history":         testBuildsHistory,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// alike is a build of the same shape as build 1.
func alike(shards int) store.Build {
	return store.Build{Dimensions: dims, Shards: shards, Settings: map[string]string{"timezone": "UTC"}}
}

func begin(t fatal, r BuildsRig, b store.Build) store.Build {
	t.Helper()
	made, err := r.Builds.Begin(context.Background(), b)
	must(t, err)
	return made
}

func listed(t fatal, r BuildsRig) []store.Build {
	t.Helper()
	list, err := r.Builds.Builds(context.Background())
	must(t, err)
	return list
}

// checkStates compares the list with numbers and states.
func checkStates(t fatal, r BuildsRig, want map[uint32]store.BuildState) {
	t.Helper()
	list := listed(t, r)
	for i, b := range list {
		if want[b.Number] != b.State || i > 0 && list[i-1].Number >= b.Number {
			t.Fatalf("builds %+v, want %v", list, want)
		}
	}
	if len(list) != len(want) {
		t.Fatalf("builds %+v, want %v", list, want)
	}
}

// commitFull commits something of everything to shard 0 and gives the position after it.
func commitFull(t fatal, s Store, m *model) {
	t.Helper()
	c := &store.Commit{At: 7, Shards: []store.ShardCommit{full(m.shards[0])}}
	must(t, s.Commit(context.Background(), c))
	m.apply(c)
}

// checkHandle compares a handle with its model.
func checkHandle(t fatal, s Store, m *model) {
	t.Helper()
	v := viewOf(t, s)
	m.check(t, v)
	must(t, v.Close())
	m.checkRest(t, s)
}

// testBegunEmpty: a new build is empty, and it and the active one share nothing.
func testBegunEmpty(t *testing.T, open OpenBuilds) {
	r := open(t, dims, 2)
	one := listed(t, r)[0]
	if one.Number != 1 || one.State != store.Active || !slices.Equal(one.Dimensions, dims) || one.Shards != 2 {
		t.Fatalf("%+v", one)
	}
	active, done := r.Handle(t, one, false)
	defer done()
	m, n := newModel(2), newModel(2)
	m.shards[0] = acquire(t, active, 0)
	commitFull(t, active, m)
	_, err := active.Intern(context.Background(), 0, []string{"a", "b"})
	must(t, err)
	two := begin(t, r, alike(2))
	if two.Number != 2 || two.State != store.Building || two.Begun == 0 || two.Activated != 0 || two.Settings["timezone"] != "UTC" {
		t.Fatalf("%+v", two)
	}
	if got := listed(t, r)[1]; got.Settings["timezone"] != "UTC" || !slices.Equal(got.Dimensions, dims) || got.Shards != 2 {
		t.Fatalf("%+v", got)
	}
	checkStates(t, r, map[uint32]store.BuildState{1: store.Active, 2: store.Building})
	beside, doneBeside := r.Handle(t, two, true)
	defer doneBeside()
	checkHandle(t, beside, n)
	n.shards[0] = acquire(t, beside, 0)
	for range 2 {
		commitFull(t, beside, n)
		checkHandle(t, active, m)
		commitFull(t, active, m)
		checkHandle(t, beside, n)
	}
	numbers, err := beside.Intern(context.Background(), 0, []string{"b"})
	must(t, err)
	if numbers[0] != rollcall.FirstValue {
		t.Fatalf("the first value of a build has the number %d", numbers[0])
	}
	a, b := viewOf(t, active), viewOf(t, beside)
	defer func() { must(t, errors.Join(a.Close(), b.Close())) }()
	if a.Head().Identity == b.Head().Identity || a.Head().Build != 1 || b.Head().Build != 2 || len(a.Head().Values[0]) != 4 || len(b.Head().Values[0]) != 3 {
		t.Fatalf("heads %+v\n%+v", a.Head(), b.Head())
	}
}

// testOtherShape: a build of other dimensions and shards becomes active without regard to positions.
func testOtherShape(t *testing.T, open OpenBuilds) {
	r := open(t, dims, 2)
	active, done := r.Handle(t, listed(t, r)[0], false)
	defer done()
	m := newModel(2)
	m.shards[0] = acquire(t, active, 0)
	commitFull(t, active, m)
	two := begin(t, r, store.Build{Dimensions: []string{"country", "age", "device"}, Shards: 3})
	must(t, r.Builds.Activate(context.Background(), 1, 2))
	s, doneNew := r.Handle(t, two, false)
	defer doneNew()
	v := viewOf(t, s)
	defer func() { must(t, v.Close()) }()
	if h := v.Head(); h.Build != 2 || len(h.Shards) != 3 || !slices.Equal(h.Dimensions, two.Dimensions) || len(h.Values) != 3 {
		t.Fatalf("%+v", h)
	}
	acquire(t, s, 2)
}

// testActivation: states, epochs and versions change as they should, there and back.
func testActivation(t *testing.T, open OpenBuilds) {
	r := open(t, dims, 2)
	one := listed(t, r)[0]
	s, done := r.Handle(t, one, false)
	m, n := newModel(2), newModel(2)
	m.shards[0] = acquire(t, s, 0)
	commitFull(t, s, m)
	two := begin(t, r, alike(2))
	other, doneOther := r.Handle(t, two, true)
	n.shards[0] = acquire(t, other, 0)
	for range 2 {
		commitFull(t, other, n)
	}
	version := versionOf(t, s)
	done()
	doneOther()
	must(t, r.Builds.Activate(context.Background(), 1, 2))
	if err := r.Builds.Activate(context.Background(), 1, 2); !errors.Is(err, store.ErrRetired) {
		t.Fatalf("activated twice: %v", err)
	}
	checkStates(t, r, map[uint32]store.BuildState{1: store.Kept, 2: store.Active})
	if got := listed(t, r)[1]; got.Activated == 0 {
		t.Fatalf("%+v", got)
	}
	raise(m)
	raise(n)
	s, done = r.Handle(t, one, true)
	other, doneOther = r.Handle(t, two, false)
	checkHandle(t, s, m)
	checkHandle(t, other, n)
	if got := versionOf(t, other); got <= version {
		t.Fatalf("version %d after %d", got, version)
	}
	version = versionOf(t, other)
	commitFull(t, s, m) // a kept one is caught up before one goes back to it
	done()
	doneOther()
	must(t, r.Builds.Activate(context.Background(), 2, 1))
	raise(m)
	checkStates(t, r, map[uint32]store.BuildState{1: store.Active, 2: store.Kept})
	s, done = r.Handle(t, one, false)
	defer done()
	checkHandle(t, s, m)
	if got := versionOf(t, s); got <= version {
		t.Fatalf("version %d after %d", got, version)
	}
}

// raise has the epochs go up, as an activation does.
func raise(m *model) {
	for i := range m.shards {
		m.shards[i].Epoch++
	}
}

func versionOf(t fatal, s Store) uint64 {
	t.Helper()
	v := viewOf(t, s)
	defer func() { must(t, v.Close()) }()
	return v.Head().Version
}

// testBehind: a build that has not come as far is refused, and nothing has changed.
func testBehind(t *testing.T, open OpenBuilds) {
	r := open(t, dims, 2)
	s, done := r.Handle(t, listed(t, r)[0], false)
	defer done()
	m, n := newModel(2), newModel(2)
	m.shards[0] = acquire(t, s, 0)
	commitFull(t, s, m)
	must(t, s.Quarantine(context.Background(), []store.DeadLetter{{At: 1, Reason: "syntax"}}))
	m.letters = append(m.letters, store.DeadLetter{At: 1, Reason: "syntax"})
	two := begin(t, r, alike(2))
	other, doneOther := r.Handle(t, two, true)
	defer doneOther()
	err := r.Builds.Activate(context.Background(), 1, 2)
	behind := (*store.BehindError)(nil)
	if !errors.As(err, &behind) || behind.Shard != 0 || behind.At != 0 || behind.Want != m.shards[0].Offset {
		t.Fatalf("%v", err)
	}
	checkStates(t, r, map[uint32]store.BuildState{1: store.Active, 2: store.Building})
	checkHandle(t, s, m)
	checkHandle(t, other, n)
	commitFull(t, s, m)
	n.shards[0] = acquire(t, other, 0)
	commitFull(t, other, n)
}

// testNumbers: a number is never given again, and only a build that is not active can go.
func testNumbers(t *testing.T, open OpenBuilds) {
	r, ctx := open(t, dims, 1), context.Background()
	two, three := begin(t, r, alike(1)), begin(t, r, alike(1))
	must(t, r.Builds.Drop(ctx, three.Number))
	must(t, r.Builds.Drop(ctx, three.Number))
	must(t, r.Builds.Drop(ctx, 99))
	four := begin(t, r, alike(1))
	if two.Number != 2 || three.Number != 3 || four.Number != 4 {
		t.Fatalf("%d, %d, %d", two.Number, three.Number, four.Number)
	}
	checkStates(t, r, map[uint32]store.BuildState{1: store.Active, 2: store.Building, 4: store.Building})
	if err := r.Builds.Drop(ctx, 1); err == nil {
		t.Fatal("the active build was dropped")
	}
	for _, to := range []uint32{1, 3, 99} {
		if err := r.Builds.Activate(ctx, 1, to); err == nil {
			t.Fatalf("activated build %d", to)
		}
	}
	if err := r.Builds.Activate(ctx, 2, 4); !errors.Is(err, store.ErrRetired) {
		t.Fatal(err)
	}
	must(t, r.Builds.Activate(ctx, 1, 4))
	must(t, r.Builds.Drop(ctx, 1))
	checkStates(t, r, map[uint32]store.BuildState{2: store.Building, 4: store.Active})
	s, done := r.Handle(t, four, false)
	defer done()
	checkHandle(t, s, &model{shards: []store.Position{{Epoch: 1}}})
}
