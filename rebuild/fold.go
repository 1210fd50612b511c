package rebuild

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/store"
)

// Handle is what a rebuild needs of a build.
type Handle interface {
	store.Writer
	store.Viewer
	store.Keeper
	Close() error
}

// folding is an aggregator at work on a build beside the active one.
type folding struct {
	deps       aggregate.Deps
	handle     Handle
	aggregator *aggregate.Aggregator
	stop       context.CancelFunc
	ended      chan struct{}
	err        error // once ended
	folded     atomic.Int64
}

// compactEvery is the pause between compactions of what is committed.
const compactEvery = 2 * time.Second

// fold begins to fold. It goes on until finish.
func fold(ctx context.Context, cfg aggregate.Config, deps aggregate.Deps, handle Handle) (*folding, error) {
	deps.Store = handle
	a, err := aggregate.New(ctx, cfg, deps)
	if err != nil {
		return nil, err
	}
	f := &folding{deps: deps, handle: handle, aggregator: a, ended: make(chan struct{})}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop = stop
	go func() {
		defer close(f.ended)
		var house sync.WaitGroup
		house.Go(func() { f.compact(run) })
		f.err = a.Run(run)
		stop()
		house.Wait()
	}()
	return f, nil
}

// compact merges what commits add, as it comes. Figures do not depend on it.
func (f *folding) compact(ctx context.Context) {
	tick := time.NewTicker(compactEvery)
	defer tick.Stop()
	commits := int64(0)
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		s := f.aggregator.Status()
		if s.Commits == commits {
			continue
		}
		commits = s.Commits
		if _, err := f.handle.Compact(ctx, false, aggregate.MergeState); err != nil && ctx.Err() == nil {
			f.deps.Logger.Error("compact the new build", "error", err)
		}
	}
}

// reach returns once everything that is in the log at the call is committed.
func (f *folding) reach(ctx context.Context) error {
	next, err := ends(ctx, f.deps)
	if err != nil {
		return err
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-f.ended:
			cancel()
		case <-within.Done():
		}
	}()
	err = f.aggregator.Wait(within, next)
	select {
	case <-f.ended:
		return errors.Join(f.err, err)
	default:
		return err
	}
}

// ends gives the offset behind the last record of each shard.
func ends(ctx context.Context, deps aggregate.Deps) (next []rollcall.Offset, err error) {
	next = make([]rollcall.Offset, deps.Shards)
	for shard := range next {
		if _, next[shard], err = deps.Log.Bounds(ctx, shard); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// events is how many events of the log are in the build.
func (f *folding) events() int64 {
	n := int64(0)
	for _, p := range f.aggregator.Status().Shards {
		n += p.Accepted + p.Duplicates + p.Late
	}
	for {
		last := f.folded.Load()
		if n <= last { // its end lets go of the shards
			return last
		}
		if f.folded.CompareAndSwap(last, n) {
			return n
		}
	}
}

// finish commits what is folded, with a snapshot, and ends.
func (f *folding) finish() error {
	f.events()
	f.stop()
	<-f.ended
	return f.err
}
