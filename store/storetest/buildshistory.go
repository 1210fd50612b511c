package storetest

import (
	"context"
	"errors"
	"flag"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/store"
)

// buildModel is a build in memory.
type buildModel struct {
	*model
	shown  store.Build
	values []string // of dimension 0, by number
	was    int      // letters that it had when it became active
	ever   bool     // it was active
}

// buildsHistory is a random life of a data set beside its model.
type buildsHistory struct {
	t       *testing.T
	rig     BuildsRig
	builds  map[uint32]*buildModel
	active  uint32
	last    uint32 // number given
	version uint64 // of the active build at its last view
	at      int64  // of the last letter
}

const (
	historyShards = 2
	mostBuilds    = 3
)

// testBuildsHistory: whatever is done to builds in whatever order, each holds exactly what was committed to it.
func testBuildsHistory(t *testing.T, open OpenBuilds) {
	fewer(t)
	rapid.Check(t, func(rt *rapid.T) {
		h := &buildsHistory{t: t, rig: open(t, dims, historyShards), active: 1, last: 1}
		h.builds = map[uint32]*buildModel{1: {model: newModel(historyShards), shown: listed(rt, h.rig)[0], values: fixedValues(), ever: true}}
		rt.Repeat(map[string]func(*rapid.T){
			"commit":     h.commit,
			"commit too": h.commit,
			"letters":    h.letters,
			"intern":     h.intern,
			"begin":      h.begin,
			"activate":   h.activate,
			"drop":       h.drop,
			"":           h.check,
		})
	})
}

func fixedValues() []string { return []string{rollcall.NotSet, rollcall.Other} }

// any draws a build.
func (h *buildsHistory) any(t *rapid.T) uint32 {
	return rapid.SampledFrom(slices.Sorted(maps.Keys(h.builds))).Draw(t, "build")
}

// on opens a build for one action.
func (h *buildsHistory) on(number uint32, do func(Store, *buildModel)) {
	b := h.builds[number]
	s, done := h.rig.Handle(h.t, b.shown, number != h.active)
	defer done()
	do(s, b)
}

func (h *buildsHistory) commit(t *rapid.T) {
	h.on(h.any(t), func(s Store, b *buildModel) {
		for i := range b.shards {
			b.shards[i] = acquire(t, s, i)
		}
		c := genCommit(t, b.shards)
		must(t, s.Commit(context.Background(), c))
		b.apply(c)
	})
}

// catchUp moves a build on to where the active one is.
func (h *buildsHistory) catchUp(t *rapid.T, number uint32) {
	to := h.builds[h.active].shards
	h.on(number, func(s Store, b *buildModel) {
		c := &store.Commit{At: 1}
		for i := range b.shards {
			if b.shards[i] = acquire(t, s, i); b.shards[i].Offset < to[i].Offset {
				c.Shards = append(c.Shards, advance(b.shards[i], int(to[i].Offset-b.shards[i].Offset)))
			}
		}
		must(t, s.Commit(context.Background(), c))
		b.apply(c)
	})
}

func (h *buildsHistory) letters(t *rapid.T) {
	h.at = time.Now().UnixMilli()
	l := store.DeadLetter{At: h.at, Raw: []byte("raw"),
		Reason: rapid.SampledFrom([]string{"syntax", "", store.ReasonLate, store.ReasonForeign}).Draw(t, "reason")}
	h.on(h.active, func(s Store, b *buildModel) {
		must(t, s.Quarantine(context.Background(), []store.DeadLetter{l}))
		b.model.letters = append(b.model.letters, l)
	})
}

func (h *buildsHistory) intern(t *rapid.T) {
	text := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "text")
	h.on(h.any(t), func(s Store, b *buildModel) {
		numbers, err := s.Intern(context.Background(), 0, []string{text})
		must(t, err)
		if !slices.Contains(b.values, text) {
			b.values = append(b.values, text)
		}
		if b.values[numbers[0]] != text {
			t.Fatalf("%q has the number %d, want %q", text, numbers[0], b.values)
		}
	})
}

func (h *buildsHistory) begin(t *rapid.T) {
	if len(h.builds) == mostBuilds {
		return
	}
	made := begin(t, h.rig, alike(historyShards))
	if made.Number <= h.last {
		t.Fatalf("number %d after %d", made.Number, h.last)
	}
	h.last = made.Number
	h.builds[made.Number] = &buildModel{model: newModel(historyShards), shown: made, values: fixedValues()}
}

func (h *buildsHistory) drop(t *rapid.T) {
	number := h.any(t)
	err := h.rig.Builds.Drop(context.Background(), number)
	if (err != nil) != (number == h.active) {
		t.Fatalf("drop build %d, %d is active: %v", number, h.active, err)
	}
	if err == nil {
		delete(h.builds, number)
	}
}

func (h *buildsHistory) activate(t *rapid.T) {
	from, to := h.active, h.any(t)
	if rapid.IntRange(0, 3).Draw(t, "from another") == 0 {
		from = h.any(t)
	}
	if from == to {
		return
	}
	if rapid.IntRange(0, 3).Draw(t, "behind") > 0 {
		h.catchUp(t, to)
	}
	passed(h.at)
	err := h.rig.Builds.Activate(context.Background(), from, to)
	behind := (*store.BehindError)(nil)
	switch a, b := h.builds[from], h.builds[to]; {
	case from != h.active:
		if !errors.Is(err, store.ErrRetired) {
			t.Fatalf("from build %d, %d is active: %v", from, h.active, err)
		}
	case isBehind(b.shards, a.shards):
		if !errors.As(err, &behind) {
			t.Fatalf("build %d is behind: %v", to, err)
		}
	default:
		must(t, err)
		b.takeLetters(a)
		raise(a.model)
		raise(b.model)
		h.active, b.ever = to, true
	}
}

func isBehind(next, active []store.Position) bool {
	for i := range next {
		if next[i].Offset < active[i].Offset {
			return true
		}
	}
	return false
}

func (b *buildModel) takeLetters(from *buildModel) {
	came := from.model.letters
	if b.ever {
		came = came[from.was:]
	}
	for _, l := range came {
		if l.Reason != store.ReasonLate && l.Reason != store.ReasonForeign {
			b.model.letters = append(b.model.letters, l)
		}
	}
	b.was = len(b.model.letters)
}

func (h *buildsHistory) check(t *rapid.T) {
	want := map[uint32]store.BuildState{}
	identities := map[uint64]bool{}
	for number, b := range h.builds {
		want[number] = store.Building
		if b.ever {
			want[number] = store.Kept
		}
		h.on(number, func(s Store, b *buildModel) {
			checkHandle(t, s, b.model)
			v := viewOf(t, s)
			defer func() { must(t, v.Close()) }()
			head := v.Head()
			if head.Build != number || identities[head.Identity] || !slices.Equal(head.Values[0], b.values) {
				t.Fatalf("build %d: %+v, want the values %q", number, head, b.values)
			}
			identities[head.Identity] = true
			if number == h.active {
				if head.Version < h.version {
					t.Fatalf("version %d after %d", head.Version, h.version)
				}
				h.version = head.Version
			}
		})
	}
	want[h.active] = store.Active
	checkStates(t, h.rig, want)
}

// fewer takes a fifth of the draws of a property whose draws cost a second. -rapid.checks overrules it.
func fewer(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() != checks.DefValue {
		return
	}
	must(t, flag.Set(checks.Name, "20"))
	t.Cleanup(func() { must(t, flag.Set(checks.Name, checks.DefValue)) })
}
