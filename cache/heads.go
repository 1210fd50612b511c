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
	viewer  store.Viewer
	poll    time.Duration
	now     func() time.Time
	moved   func(before, after *store.Head) // called with each newer head, one call at a time
	dirty   atomic.Bool                     // there is a commit that the head known may not show
	known   atomic.Pointer[known]
	refresh sync.Mutex

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with each newer head
}

// known is a head, when it was last found to be the newest, and when that was last tried in vain.
type known struct {
	head    *store.Head
	checked time.Time
	failed  time.Time // zero when the last check succeeded
}

// announce tells that there is a new commit.
func (h *heads) announce() { h.dirty.Store(true) }

// current gives a head that is not older than poll and holds every commit announced before the call. When the store can't
// be reached it gives the last one known, as stale.
func (h *heads) current(ctx context.Context) (*known, error) {
	k := h.known.Load()
	if k != nil && !h.dirty.Load() && h.now().Sub(k.checked) < h.poll {
		return k, nil
	}
	if k != nil && !k.failed.IsZero() && h.now().Sub(k.failed) < h.poll {
		return k, nil
	}
	return h.check(ctx)
}

// check asks the store for its head.
func (h *heads) check(ctx context.Context) (*known, error) {
	asked := h.now()
	h.refresh.Lock()
	defer h.refresh.Unlock()
	if k := h.known.Load(); k != nil && !h.dirty.Load() && k.failed.IsZero() && k.checked.After(asked) {
		return k, nil // another reader has just asked
	}
	h.dirty.Store(false)
	began := h.now()
	head, err := h.ask(ctx)
	if err != nil {
		h.dirty.Store(true)
		return h.cling(ctx, err)
	}
	return h.learn(head, began), nil
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
func (h *heads) cling(ctx context.Context, err error) (*known, error) {
	k := h.known.Load()
	if k == nil || ctx.Err() != nil {
		return nil, err
	}
	stale := &known{k.head, k.checked, h.now()}
	h.known.Store(stale)
	return stale, nil
}

// learn takes a head in that was the newest at the time given; the caller holds refresh.
func (h *heads) learn(head *store.Head, at time.Time) *known {
	before := h.known.Load()
	if before != nil && !newer(head, before.head) {
		head = before.head
	}
	k := &known{head: head, checked: at}
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
