package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// heads is a source of changes that a test commits to.
type heads struct {
	mu      sync.Mutex
	head    *store.Head
	changed chan struct{}
}

func newHeads() *heads {
	h := &heads{head: &store.Head{Build: 3, Version: 10, Committed: noon.UnixMilli()}, changed: make(chan struct{})}
	for i := range 10 {
		h.head.Stamps[store.DayClock] = append(h.head.Stamps[store.DayClock], store.Stamp{Period: block.Period(20_000 + i), Version: uint64(i + 1)})
	}
	return h
}

func (h *heads) Head(context.Context) (*store.Head, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.head, nil
}

func (h *heads) Next(ctx context.Context, after *store.Head) (*store.Head, error) {
	for {
		h.mu.Lock()
		head, changed := h.head, h.changed
		h.mu.Unlock()
		if head != after {
			return head, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// commit touches days and the hours that begin at them.
func (h *heads) commit(days ...rollcall.Date) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := *h.head
	next.Version++
	for c := range next.Stamps {
		next.Stamps[c] = slices.Clone(next.Stamps[c])
	}
	for _, d := range days {
		touch(&next, store.DayClock, block.Period(d))
		touch(&next, store.MinuteClock, block.Period(d)*24*60)
	}
	h.head = &next
	close(h.changed)
	h.changed = make(chan struct{})
}

func touch(h *store.Head, c store.Clock, p block.Period) {
	stamps := slices.DeleteFunc(h.Stamps[c], func(s store.Stamp) bool { return s.Period == p })
	stamps = append(stamps, store.Stamp{Period: p, Version: h.Version})
	slices.SortFunc(stamps, func(a, b store.Stamp) int { return int(a.Period - b.Period) })
	h.Stamps[c] = stamps
}

// small keeps the buffers of connections small, so that a client that does not read is felt.
type small struct{ net.Listener }

func (l small) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(4 << 10)
	}
	return c, err
}

// start serves h on a real port; the server's own limits of time are shorter than the tests.
func start(t testing.TB, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Listener = small{s.Listener}
	s.Config.ReadTimeout, s.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// dial sends a request over a connection of its own, and reads nothing.
func dial(t testing.TB, s *httptest.Server, request string) *net.TCPConn {
	t.Helper()
	d := net.Dialer{Timeout: 10 * time.Second}
	c, err := d.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	conn := c.(*net.TCPConn)
	if err := conn.SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte(strings.ReplaceAll(request, "\n", "\r\n") + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	return conn
}

// ear is a client of the stream.
type ear struct {
	t      testing.TB
	events chan event // closed when the stream ends
	close  func()
}

type event struct {
	id, kind string
	at       time.Time
	change
}

func listen(t testing.TB, s *httptest.Server, header ...string) *ear {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/api/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	reply, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reply.Body.Close() })
	if reply.StatusCode != 200 || reply.Header.Get("Content-Type") != "text/event-stream" || reply.Header.Get("X-Accel-Buffering") != "no" {
		t.Fatal(reply.StatusCode, reply.Header)
	}
	e := &ear{t, make(chan event, 1000), cancel}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(e.events)
		e.read(bufio.NewScanner(reply.Body))
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return e
}

func (e *ear) read(lines *bufio.Scanner) {
	var one event
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			one.id = value
		case "event":
			one.kind = value
		case "data":
			if err := json.Unmarshal([]byte(value), &one.change); err != nil {
				e.t.Error(err)
			}
		case "":
			one.at = time.Now()
			e.events <- one
			one = event{}
		}
	}
}

// next waits for an event of a kind.
func (e *ear) next(kind string) event {
	e.t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case one, more := <-e.events:
			if !more {
				e.t.Fatal("the stream has ended")
			}
			if one.kind == kind {
				return one
			}
		case <-late:
			e.t.Fatalf("no %s event came", kind)
		}
	}
}
