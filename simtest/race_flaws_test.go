package simtest_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/cache"
	"rollcall/store"
	"rollcall/store/sqlite"
)

// oldHead shows a head of a while ago over blocks of now: a cache that did not compare stamps would be as this.
type oldHead struct {
	store.Viewer
	mu    sync.Mutex
	head  *store.Head
	since time.Time
}

func (o *oldHead) View(ctx context.Context) (store.View, error) {
	v, err := o.Viewer.View(ctx)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.head == nil || time.Since(o.since) > 50*time.Millisecond {
		o.head, o.since = v.Head(), time.Now()
	}
	return &oldView{v, o.head}, nil
}

type oldView struct {
	store.View
	head *store.Head
}

func (v *oldView) Head() *store.Head { return v.head }

// TestRaceFindsFlaws plants flaws that the race must find.
func TestRaceFindsFlaws(t *testing.T) {
	lie := func(v store.Viewer) store.Viewer {
		if _, polled := v.(*sqlite.Reader); polled {
			return &oldHead{Viewer: v}
		}
		return v
	}
	for name, flaw := range map[string]struct {
		plant func(*race)
		told  []string
	}{
		"the stamps of the store's view are not compared": {func(r *race) { r.viewer = lie }, []string{"\nwant"}},
		"announcements are not heard":                     {func(r *race) { r.announce = func(*cache.Cache) {} }, []string{"announced", "complete through", "of no commit", "304"}},
		"commits are looked for too seldom":               {func(r *race) { r.poll = 3 * racePoll }, []string{"the next had been there", "304", "of no commit"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRace(t)
			flaw.plant(r)
			wrong := r.run(t, 30*time.Second)
			if !slices.ContainsFunc(flaw.told, func(text string) bool { return strings.Contains(strings.Join(wrong, " "), text) }) {
				t.Fatalf("not found: %s", wrong)
			}
			t.Log(wrong[0])
		})
	}
}
