package aggregate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"rollcall/eventlog"
	"rollcall/store"
)

// retake is the pause before a shard is taken again that this process owns and that another has fenced off: as a rule one
// that took it late, because it slept, and lets go of it as soon as it hears that it is not its own. It is longer than an owner
// that slept needs to hear that it owns nothing any more: else that one would fence the rightful owner off.
const retake = 3 * time.Second

// errGrace ends Run when the last commit could not be made in time.
var errGrace = errors.New("the store did not take the last commit in time; what it lacks is folded again from the log")

// owner is one Run of an aggregator: it takes shards up and lets them go as its ownership says.
type owner struct {
	a        *Aggregator
	work     context.Context         // ends when nothing more can be done
	fail     context.CancelCauseFunc // ends it
	workers  sync.WaitGroup
	releases chan release
	assigned []bool // by shard; the aggregator's lock guards it
}

// release asks the committer for a last commit of some shards.
type release struct {
	shards []int
	done   chan struct{}
}

func newOwner(ctx context.Context, a *Aggregator) *owner {
	o := &owner{a: a, releases: make(chan release), assigned: make([]bool, len(a.workers))}
	o.work, o.fail = context.WithCancelCause(context.WithoutCancel(ctx))
	return o
}

func (o *owner) run(ctx context.Context, ownership eventlog.Ownership) error {
	own, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(o.work, stop)()
	defer context.AfterFunc(own, func() {
		select {
		case <-time.After(o.a.cfg.Grace):
			o.fail(errGrace)
		case <-o.work.Done():
		}
	})()
	var committer sync.WaitGroup
	committer.Go(func() {
		if err := o.commitLoop(); err != nil {
			o.fail(err)
		}
	})
	err := ownership.Own(own, o)
	o.fail(err) // the first to fail says why
	committer.Wait()
	o.Lose(o.all())
	o.workers.Wait()
	if cause := context.Cause(o.work); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

func (o *owner) all() []int {
	all := make([]int, len(o.assigned))
	for i := range all {
		all[i] = i
	}
	return all
}

// Take takes shards up: each is acquired, its state loaded, and what it lacks replayed, beside the others.
func (o *owner) Take(shards []int) {
	a := o.a
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, shard := range shards {
		o.assigned[shard] = true
		if a.workers[shard] == nil {
			o.start(shard)
		}
	}
}

// start begins the work on a shard. The caller holds the aggregator's lock.
func (o *owner) start(shard int) {
	w := newWorker(o.work, o.a, shard)
	o.a.workers[shard] = w
	o.a.owned.Add(1)
	o.workers.Go(func() {
		defer close(w.ended)
		defer w.cancel()
		err := w.work()
		switch {
		case err == nil || w.ctx.Err() != nil:
		case errors.Is(err, store.ErrFenced):
			o.fenced(w, err)
		default:
			o.fail(err)
		}
	})
}

// Release commits what is folded of some shards, with a snapshot, and lets them go.
func (o *owner) Release(ctx context.Context, shards []int) {
	o.a.mu.Lock()
	for _, shard := range shards {
		o.assigned[shard] = false
		if w := o.a.workers[shard]; w != nil {
			w.stopFetching()
		}
	}
	o.a.mu.Unlock()
	r := release{shards, make(chan struct{})}
	select {
	case o.releases <- r:
		select {
		case <-r.done:
		case <-ctx.Done():
		case <-o.work.Done():
		}
	case <-ctx.Done():
	case <-o.work.Done():
	}
	o.Lose(shards)
}

// Lose lets shards go as they are.
func (o *owner) Lose(shards []int) {
	o.a.mu.Lock()
	defer o.a.mu.Unlock()
	for _, shard := range shards {
		o.assigned[shard] = false
		if w := o.a.workers[shard]; w != nil {
			o.drop(w)
		}
	}
}

// drop ends the work of a worker. The caller holds the aggregator's lock.
func (o *owner) drop(w *worker) {
	w.cancel()
	if o.a.workers[w.shard] == w {
		o.a.workers[w.shard] = nil
		o.a.owned.Add(-1)
	}
}

// fenced lets go of a shard that another process has taken, and takes it again if it is still this one's.
func (o *owner) fenced(w *worker, err error) {
	if o.a.deps.Ownership == nil {
		o.fail(fmt.Errorf("commit: %w", err))
		return
	}
	o.a.deps.Logger.Warn("another process has taken a shard over", "shard", w.shard, "error", err)
	o.a.stats.fenced.Add(1)
	o.a.mu.Lock()
	current := o.a.workers[w.shard] == w
	o.drop(w)
	o.a.mu.Unlock()
	if current {
		o.workers.Go(func() { o.takeAgain(w.shard) })
	}
}

func (o *owner) takeAgain(shard int) {
	select {
	case <-time.After(retake):
	case <-o.work.Done():
		return
	}
	o.a.mu.Lock()
	defer o.a.mu.Unlock()
	if o.assigned[shard] && o.a.workers[shard] == nil {
		o.start(shard)
	}
}
