package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"rollcall/generate"
)

// liveCampaigns is the default of rollcall generate.
const liveCampaigns = 200

// ingest is live events that are taken in while questions are asked.
type ingest struct {
	traffic *traffic
	settle  func(context.Context) error
	events  atomic.Int64
	time    time.Duration
}

// begin starts live traffic, if it is wanted, and takes enough in that today has data.
func (b *bench) begin(ctx context.Context) (*ingest, error) {
	if b.Ingest == 0 {
		return nil, nil
	}
	dims, err := b.target.dimensions(ctx)
	if err != nil {
		return nil, err
	}
	live := &ingest{}
	to, settle := b.target.ingest(dims)
	live.settle = settle
	model := generate.Config{Seed: 1, Users: b.Users, Campaigns: liveCampaigns, Dimensions: dims}
	if live.traffic, err = newTraffic(to, model, b.Ingest, func(n int64) { live.events.Add(n) }); err != nil {
		return nil, err
	}
	if err := live.during(ctx, func(ctx context.Context) error { return pause(ctx, time.Second) }); err != nil {
		return nil, err
	}
	live.events.Store(0)
	live.time = 0
	return live, nil
}

// during lets events come in while do goes on, and waits until they are in the figures.
func (g *ingest) during(ctx context.Context, do func(context.Context) error) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	start := time.Now()
	go func() {
		err := g.traffic.flow(inner, 0)
		if err != nil {
			stop() // measuring without ingest would tell nothing
		}
		ended <- err
	}()
	err := do(inner)
	stop()
	if failed := <-ended; failed != nil {
		return errors.Join(failed, ctx.Err())
	}
	g.time += time.Since(start)
	if err != nil {
		return err
	}
	return g.settle(ctx)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err()
}
