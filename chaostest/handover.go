//go:build unix

package chaostest

import (
	"context"
	"database/sql"
	"maps"
	"sync"
	"time"
)

// Handovers watches the positions of the shards in the store itself: from the last commit of an owner to the first of the
// next one.
type Handovers struct {
	mu    sync.Mutex
	last  map[int]position
	moved map[int]time.Duration // by shard, since Forget
}

// position is a shard's last commit.
type position struct {
	epoch, offset int64
	at            time.Time
}

// watchEvery is how exact the figures are.
const watchEvery = 10 * time.Millisecond

// Watch looks until ctx ends. An error of the store is a look missed.
func (h *Handovers) Watch(ctx context.Context, db *sql.DB) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		rows, err := db.QueryContext(ctx, "SELECT shard, epoch, next_offset FROM shards")
		if err == nil {
			h.read(rows)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (h *Handovers) read(rows *sql.Rows) {
	defer func() { _ = rows.Close() }()
	h.mu.Lock()
	defer h.mu.Unlock()
	for rows.Next() {
		var shard int
		now := position{at: time.Now()}
		if rows.Scan(&shard, &now.epoch, &now.offset) != nil {
			return
		}
		was, known := h.last[shard]
		if known && was.offset == now.offset {
			continue
		}
		if h.last[shard] = now; known && was.epoch != now.epoch {
			h.moved[shard] = max(h.moved[shard], now.at.Sub(was.at))
		}
	}
}

// Forget begins to measure anew.
func (h *Handovers) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved = map[int]time.Duration{}
}

// Moved gives, by shard, how long it took to go from one owner to the next.
func (h *Handovers) Moved() map[int]time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.moved)
}

// Committed tells whether each shard has a commit after a moment.
func (h *Handovers) Committed(shards int, since time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.last {
		if p.at.Before(since) {
			return false
		}
	}
	return len(h.last) == shards
}
