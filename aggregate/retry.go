package aggregate

import (
	"context"
	"errors"
	"time"

	"rollcall/block"
	"rollcall/store"
)

// stopRetrying is how long a store's failure is still waited out once the aggregator is told to stop.
const stopRetrying = 20 * time.Second

// persist repeats an operation of the store with growing pauses until it succeeds, fails for good (another owner,
// damaged data), or the aggregator was told to stop some time ago. The operation itself is not cancelled: what a worker
// has begun to fold it must finish.
func (a *Aggregator) persist(ctx context.Context, operation func(context.Context) error) error {
	var stopped time.Time
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := operation(context.WithoutCancel(ctx))
		if err == nil || errors.Is(err, store.ErrFenced) || errors.Is(err, block.ErrCorrupt) {
			return err
		}
		if ctx.Err() != nil && stopped.IsZero() {
			stopped = time.Now()
		}
		if !stopped.IsZero() && time.Since(stopped) > stopRetrying {
			return err
		}
		a.stats.retries.Add(1)
		a.deps.Logger.Warn("the store failed and is asked again", "error", err, "wait", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			time.Sleep(min(wait, 200*time.Millisecond))
		}
	}
}
