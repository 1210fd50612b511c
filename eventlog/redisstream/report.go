package redisstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"rollcall"
	"rollcall/eventlog"
)

// trims remembers when each shard was trimmed by this process.
type trims struct {
	mu   sync.Mutex
	last map[int]time.Time
}

// Report shows the committed offsets as the position of the consumer group, so that XINFO GROUPS tells how far the store
// is behind, and trims what lies before the snapshots: they must be those of the slowest reader. The record before a
// snapshot is kept: by it a reader that begins there sees that nothing was lost. One round trip a shard.
func (l *Log) Report(ctx context.Context, progress []eventlog.Progress) error {
	var all error
	for _, p := range progress {
		if err := l.report(ctx, p); err != nil {
			all = errors.Join(all, fmt.Errorf("report shard %d at %d: %w", p.Shard, p.Committed, err))
		}
	}
	return all
}

func (l *Log) report(ctx context.Context, p eventlog.Progress) error {
	if p.Shard < 0 || p.Shard >= l.cfg.Shards {
		return fmt.Errorf("shard %d of %d", p.Shard, l.cfg.Shards)
	}
	if err := l.over(ctx); err != nil || p.Committed == 0 {
		return err
	}
	ctx, cancel := l.within(ctx)
	defer cancel()
	before, floor := l.trims.next(p, l.cfg.TrimEvery), ""
	if before > 0 {
		floor = l.floor(before)
	}
	trimmed, err := l.scripts.report.Exec(ctx, l.link.client, []string{l.keys.meta, l.keys.streams[p.Shard]},
		[]string{l.identity, l.cfg.Group, idOf(p.Committed - 1), floor}).AsInt64()
	if err != nil {
		return l.failure(err)
	}
	if trimmed > 0 {
		l.logger.Debug("log trimmed", "shard", p.Shard, "records", trimmed)
	}
	return nil
}

// floor is the last id before what must be kept: what the snapshot needs, and what is young enough.
func (l *Log) floor(snapshot rollcall.Offset) string {
	floor := snapshot - 1
	if l.cfg.Keep > 0 {
		floor = min(floor, rollcall.Offset(time.Now().Add(-l.cfg.Keep).UnixMilli())<<seqBits)
	}
	return idOf(floor)
}

// next gives the snapshot to trim behind, or 0 when there is none or it is not time.
func (t *trims) next(p eventlog.Progress, every time.Duration) rollcall.Offset {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if p.Snapshot == 0 || now.Sub(t.last[p.Shard]) < every {
		return 0
	}
	t.last[p.Shard] = now
	return p.Snapshot
}
