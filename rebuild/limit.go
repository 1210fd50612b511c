package rebuild

import (
	"context"

	"golang.org/x/time/rate"

	"rollcall"
	"rollcall/eventlog"
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
