package eventlog

import (
	"context"
	"sync"
)

// gather collects the Appends made while the frame before theirs is written.
type gather struct {
	limit int
	wake  chan struct{}

	mu      sync.Mutex
	frame   *frame
	refusal error // why nobody may join any more
}

func newGather(limit int) *gather {
	return &gather{limit: limit, wake: make(chan struct{}, 1), frame: newFrame(nil)}
}

// join adds an Append of at most size bytes to a frame. It waits while the frame is full.
func (g *gather) join(ctx context.Context, size int, records []Record, mark *Mark) (*frame, error) {
	for {
		f, joined, err := g.try(size, records, mark)
		if err != nil {
			return nil, err
		}
		if joined {
			g.signal()
			return f, nil
		}
		select {
		case <-f.taken:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// end lets the next frame begin a segment.
func (g *gather) end() (*frame, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusal != nil {
		return nil, g.refusal
	}
	g.frame.ends = true
	g.frame.appends++
	g.signal()
	return g.frame, nil
}

func (g *gather) try(size int, records []Record, mark *Mark) (f *frame, joined bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusal != nil {
		return nil, false, g.refusal
	}
	if g.frame.appends > 0 && len(g.frame.buf)+size > g.limit {
		return g.frame, false, nil
	}
	g.frame.add(records, mark)
	return g.frame, true, nil
}

// take waits for a frame with something in it. It gives nil when there is none and will be none.
func (g *gather) take() *frame {
	for {
		f, ended := g.swap()
		if f != nil || ended {
			return f
		}
		<-g.wake
	}
}

func (g *gather) swap() (f *frame, ended bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f = g.frame; f.appends == 0 {
		return nil, g.refusal != nil
	}
	g.frame = f.follower()
	close(f.taken)
	return f, false
}

// refuse lets nobody join any more. That the log is closed hides any other reason.
func (g *gather) refuse(reason error) {
	g.mu.Lock()
	if g.refusal != ErrClosed { //nolint:errorlint // it is set bare
		g.refusal = reason
	}
	g.mu.Unlock()
	g.signal()
}

func (g *gather) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}
