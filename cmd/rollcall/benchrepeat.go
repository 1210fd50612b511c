package main

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// repeat asks a question over all connections at once, for Duration.
func (b *bench) repeat(ctx context.Context, f *figure, t *timings) error {
	c := b.target.server()
	request, err := c.plain(ctx, f.question.path, f.question.values)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for range b.Connections {
		g.Go(func() error {
			samples, err := c.hammer(ctx, request, start.Add(b.Duration))
			mu.Lock()
			defer mu.Unlock()
			t.whole = append(t.whole, samples...)
			return err
		})
	}
	err = g.Wait()
	t.busy += time.Since(start)
	return err
}

// hammer sends a request over one connection until a time, and gives how long each reply took.
func (c *client) hammer(ctx context.Context, request []byte, until time.Time) (samples []time.Duration, err error) {
	conn, err := dial(ctx, c.base)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	for {
		start := time.Now()
		if err := conn.exchange(request); err != nil {
			return samples, err
		}
		end := time.Now()
		samples = append(samples, end.Sub(start))
		if end.After(until) || ctx.Err() != nil {
			return samples, ctx.Err()
		}
	}
}
