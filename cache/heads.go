package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/store"
)

// heads knows the newest head of the store.
type heads struct {
	viewer    store.Viewer
	poll      time.Duration
	now       func() time.Time
	moved     func(before, after *store.Head) // called with each newer head, one call at a time
	announced atomic.Uint64                   // how many commits were announced
	known     atomic.Pointer[known]
	turn      chan struct{} // holds one thing while somebody asks the store

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with each newer head
}

// known is a head, when it was last found to be the newest, and what came of the last attempt to find a newer one.
type known struct {
	head    *store.Head
	checked time.Time
	failed  time.Time // when the last attempt had failed; zero when it succeeded
	heard   uint64    // announcements before the last attempt began
}

func newHeads(viewer store.Viewer, poll time.Duration, now func() time.Time, moved func(before, after *store.Head)) *heads {
	return &heads{viewer: viewer, poll: poll, now: now, moved: moved, turn: make(chan struct{}, 1), changed: make(chan struct{})}
}

// announce tells that there is a new commit.
func (h *heads) announce() { h.announced.Add(1) }

// current gives a head that is not older than poll and holds every commit announced before the call. When the store can't
// be reached it gives the last one known, as stale.
func (h *heads) current(ctx context.Context) (*known, error) {
	if k := h.known.Load(); k != nil && k.heard == h.announced.Load() && h.now().Sub(k.tried()) < h.poll {
		return k, nil
	}
	return h.check(ctx)
}

// tried is when the store was last asked.
func (k *known) tried() time.Time {
	if k.failed.IsZero() {
		return k.checked
	}
	return k.failed
}

// check asks the store for its head, unless another has since the call.
func (h *heads) check(ctx context.Context) (*known, error) {
	asked := h.now()
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("look for commits: %w", ctx.Err())
	}
	defer func() { <-h.turn }()
	if k := h.known.Load(); k != nil && k.heard == h.announced.Load() && k.tried().After(asked) {
		return k, nil
	}
	heard, began := h.announced.Load(), h.now() // before the store is asked: what comes meanwhile may not be in its answer
	head, err := h.ask(ctx)
	if err != nil {
		return h.cling(ctx, heard, err)
	}
	return h.learn(head, began, heard), nil
}

func (h *heads) ask(ctx context.Context) (head *store.Head, err error) {
	view, err := h.viewer.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for commits: %w", err)
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	return view.Head(), nil
}

// cling keeps to the head known while the store can't be reached. A reader that gave up says nothing about the store.
func (h *heads) cling(ctx context.Context, heard uint64, err error) (*known, error) {
	k := h.known.Load()
	if k == nil || ctx.Err() != nil {
		return nil, err
	}
	stale := &known{k.head, k.checked, h.now(), heard}
	h.known.Store(stale)
	return stale, nil
}

// learn takes a head in that was the newest at the time given, after so many announcements; the caller has the turn.
func (h *heads) learn(head *store.Head, at time.Time, heard uint64) *known {
	before := h.known.Load()
	if before != nil && !newer(head, before.head) {
		head = before.head
	}
	k := &known{head: head, checked: at, heard: heard}
	h.known.Store(k)
	if before == nil || before.head != head {
		if before != nil {
			h.moved(before.head, head)
		}
		h.mu.Lock()
		close(h.changed)
		h.changed = make(chan struct{})
		h.mu.Unlock()
	}
	return k
}

// newer tells whether a shows what b does not.
func newer(a, b *store.Head) bool {
	return a.Identity != b.Identity || a.Build > b.Build || a.Build == b.Build && a.Version > b.Version
}

// next waits for a head newer than after.
func (h *heads) next(ctx context.Context, after *store.Head) (*store.Head, error) {
	for {
		h.mu.Lock()
		changed := h.changed
		h.mu.Unlock()
		if k := h.known.Load(); k != nil && (after == nil || newer(k.head, after)) {
			return k.head, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
