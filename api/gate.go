package api

import (
	"context"
	"errors"
	"net/http"
)

// gate bounds the heavy replies under construction and the large ones being sent, and so the memory they hold.
type gate struct {
	building, sending chan struct{}
}

func newGate(building, sending int) *gate {
	return &gate{make(chan struct{}, building), make(chan struct{}, sending)}
}

// enter waits for a place under construction until ctx ends.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.building <- struct{}{}:
		return nil
	default:
	}
	select {
	case g.building <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) leave() { <-g.building }

// send takes a place among the replies being sent; false when there is none.
func (g *gate) send() bool {
	select {
	case g.sending <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g *gate) sent() { <-g.sending }

// busy refuses a request that found no place within its deadline.
func (s *server) busy(w http.ResponseWriter, r *http.Request) {
	if r.Context().Err() != nil && !errors.Is(r.Context().Err(), context.DeadlineExceeded) {
		return // the client has gone
	}
	w.Header().Set("Retry-After", "2")
	s.writeProblem(w, r, problem{Type: "about:blank", Status: http.StatusServiceUnavailable,
		Detail: "as many answers are being worked out as fit; ask again in a moment"})
}
