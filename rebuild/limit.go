package rebuild

import (
	"context"
	"fmt"

	"golang.org/x/time/rate"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/eventlog"
	"rollcall/store"
)

// limited gives a log that is read at so many events/s, without end for 0.
func limited(log eventlog.Fetcher, perSecond int64) eventlog.Fetcher {
	if perSecond <= 0 {
		return log
	}
	return &limiter{log, rate.NewLimiter(rate.Limit(perSecond), int(max(perSecond/4, 1)))}
}

type limiter struct {
	eventlog.Fetcher
	tokens *rate.Limiter
}

// Fetch waits until the events it has read may be given.
func (l *limiter) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	records, err := l.Fetcher.Fetch(ctx, shard, from, until, maxBytes, buf)
	events := 0
	for i := range records {
		events += records[i].Count
	}
	for err == nil && events > 0 {
		some := min(events, l.tokens.Burst())
		err = l.tokens.WaitN(ctx, some)
		events -= some
	}
	return records, err
}

// whole makes sure that the log still has what the build lacks.
func whole(ctx context.Context, deps aggregate.Deps, v store.Viewer) error {
	view, err := v.View(ctx)
	if err != nil {
		return err
	}
	shards := view.Head().Shards
	if err := view.Close(); err != nil {
		return err
	}
	for _, p := range shards {
		first, _, err := deps.Log.Bounds(ctx, p.Shard)
		if err != nil {
			return err
		}
		if first > p.Snapshot {
			return fmt.Errorf("shard %d: the build needs the log from offset %d on, and it begins at %d: %w", p.Shard, p.Snapshot, first, eventlog.ErrTrimmed)
		}
	}
	return nil
}
