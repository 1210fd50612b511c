package aggregate

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/fold"
	"rollcall/record"
	"rollcall/store"
)

const fetchBytes = 256 << 10

// worker folds one shard for as long as it is owned. Its fields belong to its goroutine, but for those said otherwise.
type worker struct {
	ctx          context.Context // ends when the shard is no longer owned
	cancel       context.CancelFunc
	fetching     context.Context // ends when nothing more is to be folded
	stopFetching context.CancelFunc
	ended        chan struct{}

	a         *Aggregator
	shard     int
	fold      *fold.Shard
	keys      keyCache
	resolver  resolver
	replaying bool
	begun     bool // something was folded

	epoch    uint64
	cutAt    rollcall.Offset // where the last cut ended
	next     rollcall.Offset // next record to fold
	received int64
	snapshot rollcall.Offset

	live      bool           // recovered; the aggregator's lock guards it
	committed store.Position // likewise
	fetched   chan *fetched
	free      chan *fetched
	cuts      chan cutRequest
	durable   chan durable
	fresh     int64              // events since the last cut
	letters   []store.DeadLetter // since the last cut
	limits    *record.Limits     // that the store does not have; nil when it does

	snapshotClock uint64 // the committer's: number of the last snapshot committed
}

// fetched is some records on their way from the log to the fold.
type fetched struct {
	records []eventlog.Record
	batches []*fold.Batch
}

type cutRequest struct {
	snapshot bool
	reply    chan *part
}

// durable tells a worker which of its cuts are in the store.
type durable struct{ cut, snapshot uint64 }

// part is a worker's share of a commit.
type part struct {
	w       *worker
	from    rollcall.Offset
	to      store.Position
	delta   *fold.Delta
	state   *fold.State        // nil without a snapshot
	letters []store.DeadLetter // of records that are none
	limits  *record.Limits     // in force from here on; nil when the store has them
}

func newWorker(ctx context.Context, a *Aggregator, shard int) *worker {
	w := &worker{a: a, shard: shard, fetched: make(chan *fetched, 2), free: make(chan *fetched, 3), cuts: make(chan cutRequest),
		durable: make(chan durable, 1), ended: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.fetching, w.stopFetching = context.WithCancel(w.ctx)
	for range cap(w.free) {
		w.free <- &fetched{}
	}
	return w
}

// work takes the shard over and folds it until its context ends.
func (w *worker) work() error {
	if err := w.recover(w.ctx); err != nil {
		return err
	}
	w.a.mu.Lock()
	w.live = true
	w.a.news()
	w.a.mu.Unlock()
	w.a.deps.Announce() // of what the owner before has committed
	g, ctx := errgroup.WithContext(w.ctx)
	g.Go(func() error { return w.fetch(w.fetching) })
	g.Go(func() error { defer w.stopFetching(); return w.run(ctx) })
	return g.Wait()
}

// fetch reads and decodes ahead of the fold.
func (w *worker) fetch(ctx context.Context) error {
	next := w.next
	for {
		var f *fetched
		select {
		case f = <-w.free:
		case <-ctx.Done():
			return nil
		}
		if err := w.read(ctx, f, next, 0); err != nil {
			if ctx.Err() != nil || errors.Is(err, eventlog.ErrClosed) {
				return nil
			}
			return err
		}
		next = f.records[len(f.records)-1].Next
		select {
		case w.fetched <- f:
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *worker) read(ctx context.Context, f *fetched, next, until rollcall.Offset) error {
	var err error
	f.records, err = w.a.deps.Log.Fetch(ctx, w.shard, next, until, fetchBytes, f.records[:0])
	if err != nil {
		return fmt.Errorf("shard %d: fetch at %d: %w", w.shard, next, err)
	}
	for len(f.batches) < len(f.records) {
		f.batches = append(f.batches, &fold.Batch{})
	}
	for i := range f.records {
		r, b := &f.records[i], f.batches[i]
		if r.Count == 0 || r.Foreign {
			continue
		}
		if err := b.Decode(r.Payload); err != nil {
			return fmt.Errorf("shard %d: record at offset %d: %w", w.shard, r.Offset, err)
		}
		b.Rename(w.a.cfg.Renamed)
		b.Offset, b.Received = r.Offset, r.Received
	}
	return nil
}

// run folds what is fetched and cuts when asked.
func (w *worker) run(ctx context.Context) error {
	defer func() { w.a.folded.Add(-w.fresh) }()
	for {
		input := w.fetched
		if w.a.folded.Load() > 3*w.a.cfg.CommitEvents || w.fetching.Err() != nil {
			input = nil // the committer is behind, or nothing more is to be folded
		}
		select {
		case f := <-input:
			if err := w.foldAll(ctx, f); err != nil {
				return err
			}
			w.free <- f
		case c := <-w.cuts:
			c.reply <- w.cut(c.snapshot)
		case d := <-w.durable:
			w.keys.committed(d.snapshot)
			w.evict(d)
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *worker) foldAll(ctx context.Context, f *fetched) error {
	for i := range f.records {
		r, b := &f.records[i], f.batches[i]
		if r.Next <= w.next {
			continue
		}
		if r.Count == 0 || r.Foreign {
			w.pass(r)
			continue
		}
		if err := w.foldBatch(ctx, b); err != nil {
			return fmt.Errorf("shard %d: fold record at offset %d: %w", w.shard, r.Offset, err)
		}
		w.next, w.received = r.Next, r.Received
		n := int64(len(b.Rows))
		w.fresh += n
		b.Release()
		r.Payload = nil
		if w.a.folded.Add(n) > w.a.cfg.CommitEvents {
			w.a.nudge()
		}
	}
	w.a.deps.Step(Steps[0])
	if !w.begun { // a shard that has moved was without commits: it does not wait for the next tick
		w.begun = true
		w.a.nudge()
	}
	return nil
}

// pass goes on behind a record that holds no events. What others wrote into the log becomes a dead letter.
func (w *worker) pass(r *eventlog.Record) {
	if w.next, w.received = r.Next, max(w.received, r.Received); !r.Foreign {
		return
	}
	w.letters = append(w.letters, store.DeadLetter{At: w.a.deps.Now().UnixMilli(), Source: fmt.Sprintf("shard %d offset %d", w.shard, r.Offset), Reason: store.ReasonForeign,
		Detail: "the log takes batches of events only; write to a topic of its own and name it as the source", Raw: bytes.Clone(r.Payload)})
	if w.fresh++; w.a.folded.Add(1) > w.a.cfg.CommitEvents {
		w.a.nudge()
	}
}

// foldBatch folds one record, loading the state it turns out to need.
func (w *worker) foldBatch(ctx context.Context, b *fold.Batch) error {
	if err := w.a.persist(ctx, func(ctx context.Context) error { return w.resolver.resolve(ctx, w.a.values, b) }); err != nil {
		return err
	}
	if err := w.lookUp(ctx, b); err != nil {
		return err
	}
	for done := 0; done < len(b.Rows); {
		var need fold.Need
		if done, need = w.fold.Fold(b, done); done < len(b.Rows) {
			if err := w.load(ctx, need); err != nil {
				return err
			}
		}
	}
	return nil
}

// cut takes the worker's share of a commit; nil when there is nothing to commit.
func (w *worker) cut(snapshot bool) *part {
	if w.next == w.cutAt && (!snapshot || w.next == w.snapshot) {
		return nil
	}
	p := &part{w: w, from: w.cutAt, delta: w.fold.Cut(), letters: w.letters, limits: w.limits}
	w.letters, w.limits = nil, nil
	if snapshot {
		p.state = w.fold.Snapshot()
		w.snapshot = w.next
		w.keys.snapshot(p.state)
	}
	c := p.delta.Counts
	p.to = store.Position{Shard: w.shard, Epoch: w.epoch, Offset: w.next, Snapshot: w.snapshot, Received: w.received,
		Accepted: c.Accepted, Duplicates: c.Duplicates, Late: c.Late, MaxTime: c.MaxTime, Users: c.Users}
	w.cutAt = w.next
	w.a.folded.Add(-w.fresh)
	w.fresh = 0
	return p
}

func (w *worker) evict(d durable) {
	budget := w.a.cfg.StateBytes / max(w.a.owned.Load(), 1)
	left := w.fold.Evict(budget, d.cut, d.snapshot)
	if left > budget+budget/4 {
		w.a.stats.over.Store(true)
	}
}
