package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// front is the HTTP server of a process. It stays while the process goes over to another build: requests wait meanwhile.
type front struct {
	listener net.Listener
	server   *http.Server
	patience time.Duration // of a request that waits for somebody to answer it

	mu      sync.Mutex
	handler http.Handler  // nil while there is nobody to answer
	busy    int           // requests that handlers have
	idle    chan struct{} // closed when busy comes to 0; nil while nobody waits for that
	changed chan struct{} // closed and replaced with each handler
}

const patienceOfFront = 30 * time.Second

func newFront(l net.Listener) *front {
	f := &front{listener: l, patience: patienceOfFront, changed: make(chan struct{})}
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: readTime, WriteTimeout: writeTime,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	return f
}

// ServeHTTP hands a request to whoever answers at the time.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, _ := f.take()
	if h == nil {
		h = f.await(r.Context())
	}
	if h == nil {
		unavailable(w, r)
		return
	}
	defer f.done()
	h.ServeHTTP(w, r)
}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "5")
	http.Error(w, "nobody answers at the moment; try again", http.StatusServiceUnavailable)
}

// take gives the handler, which is busy until done is called, or nil and what tells of the next one.
func (f *front) take() (h http.Handler, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.handler != nil {
		f.busy++
	}
	return f.handler, f.changed
}

// await waits for a handler, and takes it; nil for none in time.
func (f *front) await(ctx context.Context) http.Handler {
	patience, cancel := context.WithTimeout(ctx, f.patience)
	defer cancel()
	for {
		h, changed := f.take()
		if h != nil {
			return h
		}
		select {
		case <-changed:
		case <-patience.Done():
			return nil
		}
	}
}

func (f *front) done() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy--; f.busy == 0 && f.idle != nil {
		close(f.idle)
		f.idle = nil
	}
}

// answer lets a handler answer.
func (f *front) answer(h http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handler = h
	close(f.changed)
	f.changed = make(chan struct{})
}

// now is the handler that answers.
func (f *front) now() http.Handler {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.handler
}

// pause keeps new requests waiting, and returns when those under way are answered or ctx is done.
func (f *front) pause(ctx context.Context) {
	f.answer(nil)
	f.mu.Lock()
	if f.busy > 0 && f.idle == nil {
		f.idle = make(chan struct{})
	}
	idle := f.idle
	f.mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// during takes connections in while do works. Its ctx ends when they can't be taken in.
func (f *front) during(e *world, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(e.ctx)
	defer cancel(nil)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := f.server.Serve(f.listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(err)
		}
	}()
	fmt.Fprintf(e.err, "listening on %s\n", f.address())
	err := do(ctx)
	f.answer(http.HandlerFunc(unavailable)) // those that wait
	drain, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer stop()
	err = errors.Join(err, f.close(drain))
	<-ended
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

func (f *front) address() string { return "http://" + displayed(f.listener.Addr()) }

// close lets requests under way finish.
func (f *front) close(ctx context.Context) error { return f.server.Shutdown(ctx) }
