package main

import (
	"context"
	"sync/atomic"
	"time"

	"rollcall/store"
)

const (
	trackEvery = 500 * time.Millisecond
	trackTime  = 5 * time.Second // for one look at the log and the store
)

// tracker keeps the moment up to which every event that was acknowledged is in the figures, as last seen.
type tracker struct{ ms atomic.Int64 }

// positions gives the committed position of every shard, whoever owns it.
func (n *node) positions(ctx context.Context) ([]store.Position, error) {
	head, err := n.cache.Head(ctx)
	if err != nil {
		return nil, err
	}
	return head.Shards, nil
}

// freshness is the moment up to which every event that was acknowledged is committed.
func (n *node) freshness() time.Time {
	if n.embedded == nil {
		return time.UnixMilli(n.through.ms.Load())
	}
	through := time.Now()
	shards := n.embedded.Stats().Shards
	for _, p := range n.aggregator.Status().Shards {
		through = behindOf(&p, shards[p.Shard].Next > p.Offset, through)
	}
	return through
}

// behindOf gives the moment up to which a shard is complete, if that is before through: received never falls within a shard, so
// what is not committed was received at that of the last one or later.
func behindOf(p *store.Position, behind bool, through time.Time) time.Time {
	if at := time.UnixMilli(p.Received - 1); behind && at.Before(through) {
		return at
	}
	return through
}

// track looks again and again how far the store is behind a log that others write and fold too. What can't be seen leaves
// the moment seen last.
func (n *node) track(ctx context.Context) {
	tick := time.NewTicker(trackEvery)
	defer tick.Stop()
	for {
		n.report(ctx, "look how far the figures are", n.look(ctx))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look takes the log's ends before the store's: what is acknowledged before lies before those ends.
func (n *node) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, trackTime)
	defer cancel()
	through := time.Now()
	ends := make([]uint64, n.cfg.LogShards)
	for shard := range ends {
		_, next, err := n.log.Bounds(ctx, shard)
		if err != nil {
			return err
		}
		ends[shard] = uint64(next)
	}
	shards, err := n.positions(ctx)
	if err != nil {
		return err
	}
	for i := range shards {
		p := &shards[i]
		through = behindOf(p, ends[p.Shard] > uint64(p.Offset), through)
	}
	if ms := through.UnixMilli(); ms > n.through.ms.Load() {
		n.through.ms.Store(ms)
	}
	return nil
}

// totals are the sums of the positions of all shards.
type totals struct{ Accepted, Duplicates, Late int64 }

func (n *node) totals(ctx context.Context) (t totals, err error) {
	shards, err := n.positions(ctx)
	for _, p := range shards {
		t.Accepted, t.Duplicates, t.Late = t.Accepted+p.Accepted, t.Duplicates+p.Duplicates, t.Late+p.Late
	}
	return t, err
}
