package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"rollcall/store"
)

// ErrMoved tells that the store has gone on beyond the view's head, and a block of that state is gone.
var ErrMoved = errors.New("the store has gone on")

// View reads blocks of one state of the store. It may be used by several goroutines.
type View struct {
	cache *Cache
	ctx   context.Context // of the whole read: what a part of it opened may outlive the part
	head  *store.Head
	stale time.Time // when the store was last reached; zero when the head is the newest

	mu       sync.Mutex
	admitted bool
	under    store.View // opened by the first miss
}

// Head tells what the view holds.
func (v *View) Head() *store.Head { return v.head }

// Stale tells that the store can't be reached, and since when; zero when the view is of the newest state.
func (v *View) Stale() time.Time { return v.stale }

// admit waits until the reader may open a view of the store. It comes before the reader says which blocks it fetches: else
// those who hold all views could wait for blocks of one who waits for a view.
func (v *View) admit() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.admitted {
		return nil
	}
	select {
	case v.cache.readers <- struct{}{}:
		v.admitted = true
		return nil
	case <-v.ctx.Done():
		return fmt.Errorf("read from the store: %d readers are at work: %w", cap(v.cache.readers), v.ctx.Err())
	}
}

// open gives the view of the store that misses are read from; the reader has been admitted.
func (v *View) open() (store.View, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.under == nil {
		under, err := v.cache.deps.Store.View(v.ctx)
		if err != nil {
			return nil, fmt.Errorf("read from the store: %w", err)
		}
		v.under = under
	}
	return v.under, nil
}

// renew lets a view that was not used yet be of the newest state, and holds that.
func (v *View) renew() error {
	if err := v.admit(); err != nil {
		return err
	}
	under, err := v.open()
	if err == nil {
		v.head = under.Head()
	}
	return err
}

func (v *View) close() (err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.under != nil {
		err = v.under.Close()
	}
	if v.admitted {
		<-v.cache.readers
	}
	v.under, v.admitted = nil, false
	return err
}
