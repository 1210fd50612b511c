package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/query"
	"rollcall/store"
)

// serving runs one handler as a heavy route of a server.
func serving(s *server, handle http.HandlerFunc) http.Handler {
	return s.served(&route{method: "GET", path: "/", weight: heavy, handle: handle, tally: s.routes[0].tally})
}

// large writes a reply of n bytes.
func large(s *server, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := w.Write(make([]byte, n))
		s.broken(r, err)
	}
}

// A client that reads a byte now and then is cut off, whatever it was sent; its place goes to others.
func TestSlowReadersAreCutOff(t *testing.T) {
	s := newServer(configured(sample(), func(c *Config) { c.Pace, c.MaxHeavy = 300*time.Millisecond, 1 }))
	web := start(t, serving(s, large(s, 64<<20)))
	c := dial(t, web, "GET / HTTP/1.1\nHost: x")
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for one := make([]byte, 1); ctx.Err() == nil; <-tick.C {
			if _, err := c.Read(one); err != nil {
				return
			}
		}
	}()
	until(t, func() bool { return s.routes[0].tally.statuses[0].Load() == 1 })
	stop()
	<-ended
	if len(s.gate.building)+len(s.gate.sending) != 0 {
		t.Error("places are still held")
	}
}

// A large reply that is read slowly, but not too slowly, comes whole, and keeps nobody from being answered.
func TestSlowReadersKeepNobodyWaiting(t *testing.T) {
	s := newServer(configured(sample(), func(c *Config) { c.MaxHeavy, c.MaxSending = 1, 1 }))
	const size = 8 << 20
	web := start(t, serving(s, large(s, size)))
	reply, err := web.Client().Get(web.URL) // its body is not read yet
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	until(t, func() bool { return len(s.gate.sending) == 1 && len(s.gate.building) == 0 })
	quick := start(t, serving(s, large(s, 10)))
	other, err := quick.Client().Get(quick.URL)
	if err != nil || other.StatusCode != 200 {
		t.Fatal(err, other)
	}
	other.Body.Close()
	another, err := web.Client().Get(web.URL)
	if err == nil {
		_, err = io.ReadAll(another.Body)
		another.Body.Close()
	}
	if err == nil {
		t.Error("a second large reply was sent beside the most there may be")
	}
	if n, err := io.Copy(io.Discard, reply.Body); n != size || err != nil {
		t.Fatal(n, err)
	}
	until(t, func() bool { return len(s.gate.sending) == 0 })
}

// Requests beyond those under construction wait, and are refused at their deadline.
func TestHeavyRequestsWaitForTheirTurn(t *testing.T) {
	s := newServer(configured(sample(), func(c *Config) { c.MaxHeavy, c.Deadline = 1, time.Second/2 }))
	turn := make(chan struct{})
	h := serving(s, func(w http.ResponseWriter, _ *http.Request) { <-turn; writeText(w, 200, "done") })
	codes := make(chan int, 2)
	ask := func() { codes <- do(h, "GET", "/", "").Code }
	go ask()
	until(t, func() bool { return len(s.gate.building) == 1 })
	if w := do(h, "GET", "/", ""); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Fatal(w.Code, w.Body)
	}
	go ask()
	close(turn)
	if a, b := <-codes, <-codes; a != 200 || b != 200 {
		t.Fatal(a, b)
	}
}

func TestCostlyRequestsAreRefused(t *testing.T) {
	w := do(handler(failing{&query.TooCostly{Estimate: 7e9, Limit: 1e9, Hint: "ask for a shorter range"}}, nil), "GET", "/api/v1/query", "")
	if w.Code != 422 || !strings.Contains(w.Body.String(), `"estimate":7000000000`) || !strings.Contains(w.Body.String(), `"limit":1000000000`) ||
		!strings.Contains(w.Body.String(), "shorter range") {
		t.Fatal(w.Code, w.Body)
	}
}

func TestMethods(t *testing.T) {
	s := full(func(c *Config) {
		c.Page = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, 200, "page") })
	})
	h := s.handler()
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"DELETE", "/api/v1/query", 405, "GET, HEAD, POST, OPTIONS"},
		{"OPTIONS", "/api/v1/query", 204, "GET, HEAD, POST, OPTIONS"},
		{"GET", "/v1/events", 405, "POST, OPTIONS"},
		{"OPTIONS", "/v1/events", 204, "POST, OPTIONS"},
		{"POST", "/healthz", 405, "GET, HEAD, OPTIONS"},
		{"POST", "/api/v1/dimensions/age", 405, "GET, HEAD, OPTIONS"},
		{"HEAD", "/api/v1/query", 200, ""},
		{"HEAD", "/healthz", 200, ""},
		{"GET", "/", 200, ""},
		{"PUT", "/", 405, "GET, HEAD, OPTIONS"},
		{"GET", "/api/v1/nothing", 404, ""},
		{"POST", "/v1/nothing", 404, ""},
	} {
		w := do(h, c.method, c.path, "")
		if w.Code != c.status || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, w.Code, w.Header().Get("Allow"))
		}
		if c.status >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %s", c.method, c.path, w.Body)
		}
	}
	web := start(t, h)
	reply, err := web.Client().Head(web.URL + "/api/v1/query")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.Header.Get("ETag") == "" || reply.Header.Get("Content-Type") != "application/json" {
		t.Fatal(err, reply)
	}
}

// A view that can't be had is not the client's fault, nor the handler's; a deadline is told as one.
func TestTheDeadlineIsConfigured(t *testing.T) {
	w := do(handler(stuck{}, func(c *Config) { c.Deadline = 20 * time.Millisecond }), "GET", "/api/v1/query", "")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "20ms") {
		t.Fatal(w.Code, w.Body)
	}
}

// stuck is a store that answers no sooner than the deadline.
type stuck struct{}

func (stuck) View(ctx context.Context) (store.View, error) {
	<-ctx.Done()
	return nil, errors.New("interrupted")
}
