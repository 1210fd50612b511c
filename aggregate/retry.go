package aggregate

import (
	"context"
	"errors"
	"time"

	"rollcall/block"
	"rollcall/store"
)

// persist repeats an operation of the store with growing pauses until it succeeds, fails for good, or ctx ends.
func (a *Aggregator) persist(ctx context.Context, operation func(context.Context) error) error {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := operation(ctx)
		if err == nil || ctx.Err() != nil || final(err) {
			return err
		}
		a.stats.retries.Add(1)
		a.deps.Logger.Warn("the store failed and is asked again", "error", err, "wait", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// final tells an error that no repetition mends: another owner, another build, damaged data.
func final(err error) bool {
	return errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrRetired) || errors.Is(err, block.ErrCorrupt)
}
