package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"rollcall/store"
)

// Heads tells of the newest state. It is called by every listener at once.
type Heads interface {
	// Head gives the newest head known. It is cheap.
	Head(ctx context.Context) (*store.Head, error)
	// Next waits until there is a head newer than after, and gives the newest. It waits failures of the store out: its
	// errors are the context's, or final.
	Next(ctx context.Context, after *store.Head) (*store.Head, error)
}

// minGap is the least time between two changes that a listener is sent: commits in between become one.
const minGap = 50 * time.Millisecond

// listeners counts those of the stream.
type listeners struct {
	most              int64
	now, refused, cut atomic.Int64
}

func (l *listeners) enter() bool {
	if l.now.Add(1) <= l.most {
		return true
	}
	l.now.Add(-1)
	l.refused.Add(1)
	return false
}

func (l *listeners) leave() { l.now.Add(-1) }

// listener is one client of the stream. It holds no queue: whatever it missed while it did not read is in the next
// event, which follows from the version it has come to.
type listener struct {
	server *server
	reply  http.ResponseWriter
	out    *http.ResponseController
	head   *store.Head // what it was told of
	told   time.Time   // when it was told of it
	sent   time.Time   // when anything was sent
}

// stream tells a client which buckets change, until it goes away or the server stops.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	if !s.listeners.enter() {
		w.Header().Set("Retry-After", "10")
		s.writeProblem(w, r, problem{Type: "about:blank", Status: http.StatusServiceUnavailable,
			Detail: "the stream has as many listeners as it takes, " + strconv.FormatInt(s.listeners.most, 10) + "; come back later, or poll /api/v1/query with If-None-Match"})
		return
	}
	defer s.listeners.leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.Base, cancel)()
	l := &listener{server: s, reply: w, out: http.NewResponseController(w)}
	if err := l.open(ctx); err != nil {
		s.fail(w, r, err)
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	if err := l.follow(ctx, since(r, l.head)); ctx.Err() == nil {
		s.lost(r, err)
	}
}

// since is the place a client goes on from: where it was, or the head.
func since(r *http.Request, head *store.Head) place {
	text := cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("last_event_id"))
	if text == "" {
		return placeOf(head)
	}
	if p, ok := parsePlace(text); ok {
		return p
	}
	return place{build: ^head.Build} // of no build: the client resets
}

// open reads the head, and lifts the limits that the server sets for whole requests.
func (l *listener) open(ctx context.Context) (err error) {
	first, cancel := context.WithTimeout(ctx, l.server.Deadline)
	defer cancel()
	if l.head, err = l.server.Heads.Head(first); err != nil {
		return err
	}
	if err := l.out.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	h := l.reply.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	return nil
}

// follow sends what has changed since, then each change, and the freshness in between, until one can't be sent.
func (l *listener) follow(ctx context.Context, since place) error {
	hello := append([]byte("retry: 1000\n"), l.server.changes.event(since, l.head)...)
	l.told = time.Now()
	for err := l.send(hello); ; {
		if err != nil {
			return err
		}
		err = l.step(ctx)
	}
}

// step waits for a change, but no longer than a tick.
func (l *listener) step(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, behindTick)
	defer cancel()
	head, err := l.server.Heads.Next(wait, l.head)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		return l.tell(ctx, head)
	case errors.Is(err, context.DeadlineExceeded):
		return l.beat()
	default:
		return err
	}
}

// tell sends a change, after the least gap.
func (l *listener) tell(ctx context.Context, head *store.Head) error {
	if gap := minGap - time.Since(l.told); gap > 0 {
		pause := time.NewTimer(gap)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		newest, err := l.server.Heads.Head(ctx)
		if err != nil {
			return err
		}
		head = newest
	}
	event := l.server.changes.event(placeOf(l.head), head)
	l.head, l.told = head, time.Now()
	return l.send(event)
}

// beat sends the freshness when the figures are behind, and after a long silence.
func (l *listener) beat() error {
	now := time.Now()
	event, behind := l.server.freshness.look(now)
	if !behind && now.Sub(l.sent) < heartbeat {
		return nil
	}
	return l.send(event)
}

// send writes an event and gives the client the pace to take it. A client that does not is cut off.
func (l *listener) send(event []byte) error {
	l.sent = time.Now()
	err := l.out.SetWriteDeadline(l.sent.Add(l.server.Pace))
	if err == nil || errors.Is(err, http.ErrNotSupported) {
		if _, err = l.reply.Write(event); err == nil {
			err = l.out.Flush()
		}
	}
	if timeout := interface{ Timeout() bool }(nil); errors.As(err, &timeout) && timeout.Timeout() {
		l.server.listeners.cut.Add(1)
	}
	return err
}
