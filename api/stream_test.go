package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall"
	"rollcall/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func streaming(h Heads, change func(*Config)) http.Handler {
	return handler(sample(), func(c *Config) {
		c.Heads = h
		c.Freshness = func() time.Time { return noon }
		c.Calendar = rollcall.NewCalendar(time.FixedZone("", 9*3600))
		if change != nil {
			change(c)
		}
	})
}

func TestStreamTellsOfCommits(t *testing.T) {
	h := newHeads()
	e := listen(t, start(t, streaming(h, nil)))
	first := e.next("change")
	if first.id != "3-10" || first.Reset || len(first.Days)+len(first.Hours) != 0 || *first.AsOf != "2026-11-01T21:00:00.000+09:00" || *first.CompleteThrough != *first.AsOf {
		t.Fatalf("%+v", first)
	}
	for i := range 3 {
		h.commit(20_001, 20_700)
		got := e.next("change")
		if got.id != fmt.Sprintf("3-%d", 11+i) || !slices.Equal(got.Days, []string{"2024-10-05", "2026-09-04"}) ||
			!slices.Equal(got.Hours, []string{"2024-10-05T09:00:00+09:00", "2026-09-04T09:00:00+09:00"}) || got.Version != uint64(11+i) || got.Build != 3 {
			t.Fatalf("%+v", got)
		}
	}
}

// The server's limits of time are for whole requests: a stream outlives them.
func TestStreamOutlivesTheServersLimits(t *testing.T) {
	h := newHeads()
	e := listen(t, start(t, streaming(h, func(c *Config) { c.Deadline = 200 * time.Millisecond })))
	e.next("change")
	for range 2 {
		e.next("freshness") // noon is long ago: one each second
	}
	h.commit(20_001)
	e.next("change")
}

func TestStreamResumes(t *testing.T) {
	h := newHeads()
	s := start(t, streaming(h, nil))
	for _, c := range []struct {
		last  string
		days  []string
		reset bool
	}{
		{"3-8", []string{"2024-10-12", "2024-10-13"}, false},
		{"3-10", nil, false},
		{"3-11", nil, true}, // of a process that knew more
		{"2-8", nil, true},
		{"nonsense", nil, true},
	} {
		if got := listen(t, s, "Last-Event-ID", c.last).next("change"); got.id != "3-10" || got.Reset != c.reset || !slices.Equal(got.Days, c.days) {
			t.Errorf("%s: %+v", c.last, got)
		}
	}
	for d := range maxListed / 2 {
		h.commit(rollcall.Date(21_000 + d))
	}
	if got := listen(t, s, "Last-Event-ID", "3-10").next("change"); got.Reset || len(got.Days) != maxListed/2 || len(got.Hours) != maxListed/2 {
		t.Errorf("%d days, %d hours, %v", len(got.Days), len(got.Hours), got.Reset)
	}
	h.commit(22_000)
	if got := listen(t, s, "Last-Event-ID", "3-10").next("change"); !got.Reset || len(got.Days)+len(got.Hours) != 0 {
		t.Errorf("%+v", got)
	}
}

// However commits and events interleave, a listener knows every day that was touched, and no more events than commits.
func TestStreamCoalesces(t *testing.T) {
	h := newHeads()
	e := listen(t, start(t, streaming(h, nil)))
	e.next("change")
	const commits = 500
	for d := range commits {
		h.commit(rollcall.Date(21_000 + d%50))
	}
	told, events := map[string]bool{}, 0
	for version := uint64(0); version < 10+commits; events++ {
		got := e.next("change")
		if got.Version <= version || got.Reset {
			t.Fatalf("%+v after version %d", got, version)
		}
		version = got.Version
		for _, d := range got.Days {
			told[d] = true
		}
	}
	if len(told) != 50 || events > 20 {
		t.Fatalf("%d days in %d events", len(told), events)
	}
}

func TestStreamEncodesOnceForAll(t *testing.T) {
	h := newHeads()
	s := newServer(configured(sample(), func(c *Config) { c.Heads = h }))
	head, _ := h.Head(context.Background())
	a, b := s.changes.event(place{3, 4}, head), s.changes.event(place{3, 4}, head)
	if &a[0] != &b[0] {
		t.Fatal("encoded twice")
	}
	for v := range uint64(10 * maxKept) {
		s.changes.event(place{3, 1000 + v}, head)
	}
	if len(s.changes.events) > maxKept {
		t.Fatal(len(s.changes.events), "events are kept")
	}
}

// A client that never reads is cut off once its buffers are full; the others hear of every commit.
func TestStreamCutsSlowClients(t *testing.T) {
	h := newHeads()
	handler := newServer(configured(sample(), func(c *Config) { c.Heads, c.Pace = h, 300*time.Millisecond }))
	s := start(t, handler.handler())
	dial(t, s, "GET /api/v1/stream HTTP/1.1\nHost: x")
	e := listen(t, s)
	e.next("change")
	until(t, func() bool { return handler.listeners.now.Load() == 2 })
	var days []rollcall.Date
	for d := range maxListed / 2 {
		days = append(days, rollcall.Date(21_000+d))
	}
	for handler.listeners.cut.Load() == 0 {
		head, _ := h.Head(context.Background())
		h.commit(days...)
		if got := e.next("change"); got.Version != head.Version+1 || len(got.Days) != len(days) {
			t.Fatalf("version %d, %d days", got.Version, len(got.Days))
		}
	}
	until(t, func() bool { return handler.listeners.now.Load() == 1 })
}

func TestStreamHasAMostOfListeners(t *testing.T) {
	h := newHeads()
	server := newServer(configured(sample(), func(c *Config) { c.Heads, c.MaxListeners = h, 300 }))
	s := start(t, server.handler())
	ears := make([]*ear, 300)
	for i := range ears {
		ears[i] = listen(t, s)
		ears[i].next("change")
	}
	reply, err := s.Client().Get(s.URL + "/api/v1/stream")
	if err != nil || reply.StatusCode != 503 || reply.Header.Get("Retry-After") == "" {
		t.Fatal(err, reply)
	}
	reply.Body.Close()
	before := time.Now()
	h.commit(20_001)
	slowest := time.Duration(0)
	for _, e := range ears {
		slowest = max(slowest, e.next("change").at.Sub(before))
	}
	t.Logf("the last of %d listeners heard after %v", len(ears), slowest)
	for _, e := range ears {
		e.close()
	}
	until(t, func() bool { return server.listeners.now.Load() == 0 })
	listen(t, s).next("change")
}

// Streams end with the server, so that waiting for requests under way is not held up.
func TestStreamEndsAtShutdown(t *testing.T) {
	base, stop := context.WithCancel(context.Background())
	h := newHeads()
	s := start(t, streaming(h, func(c *Config) { c.Base = base }))
	s.Config.RegisterOnShutdown(stop)
	var ears []*ear
	for range 20 {
		ears = append(ears, listen(t, s))
		ears[len(ears)-1].next("change")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Config.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	for _, e := range ears {
		for range e.events { // until it is closed
		}
	}
}

func TestStreamHead(t *testing.T) {
	s := start(t, streaming(newHeads(), nil))
	reply, err := s.Client().Head(s.URL + "/api/v1/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != 200 || reply.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(err, reply)
	}
	if body, err := io.ReadAll(reply.Body); err != nil || len(body) > 0 {
		t.Fatal(err, body)
	}
}

// broken is a source of changes that fails.
type broken struct{ *heads }

func (broken) Next(context.Context, *store.Head) (*store.Head, error) {
	return nil, io.ErrUnexpectedEOF
}

func TestStreamEndsWhenItsSourceFails(t *testing.T) {
	e := listen(t, start(t, streaming(broken{newHeads()}, nil)))
	e.next("change")
	for one := range e.events {
		t.Errorf("%+v", one)
	}
}

func TestFreshnessIsToldOftenOnlyWhileBehind(t *testing.T) {
	through := noon
	s := newServer(configured(sample(), func(c *Config) { c.Freshness = func() time.Time { return through } }))
	event, behind := s.freshness.look(noon.Add(time.Second / 2))
	if behind || !strings.Contains(string(event), `"at":"2026-11-01T12:00:00.500Z","complete_through":"2026-11-01T12:00:00.000Z"`) {
		t.Fatalf("%v %s", behind, event)
	}
	if again, _ := s.freshness.look(noon.Add(time.Second/2 + shared - 1)); &again[0] != &event[0] {
		t.Error("encoded twice")
	}
	if _, behind := s.freshness.look(noon.Add(3 * time.Second)); !behind {
		t.Error("3 s are not behind")
	}
}

func until(t testing.TB, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came to be so")
		}
	}
}
