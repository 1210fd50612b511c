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
	head  *store.Head
	stale time.Time // when the store was last reached; zero when the head is the newest

	mu    sync.Mutex
	under store.View // opened by the first miss
}

// Head tells what the view holds.
func (v *View) Head() *store.Head { return v.head }

// Stale tells that the store can't be reached, and since when; zero when the view is of the newest state.
func (v *View) Stale() time.Time { return v.stale }

// open gives the view of the store that misses are read from.
func (v *View) open(ctx context.Context) (store.View, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.under == nil {
		under, err := v.cache.deps.Store.View(ctx)
		if err != nil {
			return nil, fmt.Errorf("read from the store: %w", err)
		}
		v.under = under
	}
	return v.under, nil
}

func (v *View) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.under == nil {
		return nil
	}
	return v.under.Close()
}
