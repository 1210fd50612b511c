package api

import (
	"context"
	"errors"
	"net/http"
	"time"
)

const (
	piece   = 64 << 10         // of a reply, that a client has to take within the pace
	longest = 10 * time.Minute // for a client to take a large reply, whatever its pace
)

var errSending = errors.New("too many large replies are being sent")

// reply is the writer of one reply. It knows the status, gives the client a new deadline for each piece, and holds the
// request's place among those under construction until the first piece is over: from then on it has one among those
// being sent, so that slow readers of large replies are bounded and keep nobody else waiting.
type reply struct {
	http.ResponseWriter
	server  *server
	status  int       // 0 before the header
	left    int       // bytes until the deadline is renewed
	last    time.Time // when a large reply must be over
	begun   bool      // a piece was
	done    bool      // the handler has come to its end
	built   bool      // holds a place among those under construction
	sending bool      // holds a place among those being sent
}

// code is the status for the metrics; 0 for a reply that was broken off.
func (w *reply) code() int {
	switch {
	case !w.done:
		return 0
	case w.status == 0:
		return http.StatusOK
	}
	return w.status
}

// enter waits for a place under construction until ctx ends.
func (w *reply) enter(ctx context.Context) (err error) {
	err = w.server.gate.enter(ctx)
	w.built = err == nil
	return err
}

// end gives the places back.
func (w *reply) end() {
	if w.built {
		w.server.gate.leave()
	}
	if w.sending {
		w.server.gate.sent()
	}
	*w = reply{}
}

func (w *reply) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write gives the client the pace for each piece of p. Its errors are those of the connection, or errSending.
func (w *reply) Write(p []byte) (n int, err error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	for first := true; first || len(p) > 0; first = false {
		if w.left == 0 {
			if err := w.next(); err != nil {
				return n, err
			}
		}
		part := p[:min(len(p), w.left)]
		m, err := w.ResponseWriter.Write(part)
		n, w.left, p = n+m, w.left-m, p[len(part):]
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// next begins a piece.
func (w *reply) next() error {
	if w.begun && !w.sending {
		if !w.server.gate.send() {
			return errSending
		}
		w.sending, w.last = true, time.Now().Add(longest)
		if w.built {
			w.built = false
			w.server.gate.leave()
		}
	}
	w.left, w.begun = piece, true
	return w.within(w.server.Pace)
}

// within gives the client d to take what is written next. A writer without deadlines, as in tests, has none.
func (w *reply) within(d time.Duration) error {
	if to, ok := w.ResponseWriter.(interface{ SetWriteDeadline(time.Time) error }); ok {
		at := time.Now().Add(d)
		if w.sending && w.last.Before(at) {
			at = w.last
		}
		return to.SetWriteDeadline(at)
	}
	return nil
}

// replyOf finds the reply below what packs it; nil when there is none, as in tests.
func replyOf(w http.ResponseWriter) *reply {
	for {
		switch below := w.(type) {
		case *reply:
			return below
		case interface{ Unwrap() http.ResponseWriter }:
			w = below.Unwrap()
		default:
			return nil
		}
	}
}

// Unwrap is for http.ResponseController.
func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }
