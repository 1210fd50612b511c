//go:build unix

package redis

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
)

// listen counts what c hears until the test ends, and waits until it listens.
func listen(t *testing.T, c *Cache) *atomic.Int64 {
	t.Helper()
	var heard atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Listen(ctx, func() { heard.Add(1) }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Listen: %v", err)
		}
	})
	wantHeard(t, &heard, 1)
	return &heard
}

func wantHeard(t *testing.T, heard *atomic.Int64, n int64) {
	t.Helper()
	redistest.Eventually(t, "the listener hears", func() bool { return heard.Load() >= n })
}

func testAnnouncements(t *testing.T, addr, other string) {
	speaker, listener := open(t, patient(addr)), open(t, patient(other))
	own, heard := listen(t, speaker), listen(t, listener)
	for n := int64(2); n < 10; n++ {
		began := time.Now()
		speaker.Announce()
		wantHeard(t, heard, n)
		if took := time.Since(began); took > slack {
			t.Errorf("heard after %s", took)
		}
		wantHeard(t, own, n)
		time.Sleep(2 * announceGap) // so that the next is a message of its own
	}
	before := speaker.Stats().Announced
	began := time.Now()
	for range 10_000 {
		speaker.Announce()
	}
	took, last := time.Since(began), heard.Load()
	wantHeard(t, heard, last+1)
	if sent := speaker.Stats().Announced - before; sent > int64(took/announceGap)+2 {
		t.Errorf("a burst of %s took %d messages", took, sent)
	}
}

func TestAnnouncements(t *testing.T) {
	s := redistest.Start(t)
	testAnnouncements(t, s.Addr, s.Addr)
}

func TestPrefixesDoNotHearEachOther(t *testing.T) {
	s := redistest.Start(t)
	a, b := open(t, patient(s.Addr)), open(t, Config{Addr: s.Addr, Prefix: "b"})
	heardA, heardB := listen(t, a), listen(t, b)
	a.Announce()
	wantHeard(t, heardA, 2)
	b.Announce()
	wantHeard(t, heardB, 2)
	if heardB.Load() != 2 || heardA.Load() != 2 {
		t.Errorf("heard %d and %d times, want 2", heardA.Load(), heardB.Load())
	}
}

func TestListenHearsAfterRestart(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, quick(s.Addr))
	heard := listen(t, c)
	s.Kill()
	s.Restart()
	wantHeard(t, heard, 2)
	before := heard.Load()
	redistest.Eventually(t, "announcements are heard again", func() bool {
		c.Announce()
		return heard.Load() > before
	})
}

// A connection that swallows everything is found out by its pings.
func TestListenHearsAfterSilence(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	p := newProxy(t, s.Addr)
	c := open(t, quick(p.addr))
	heard := listen(t, c)
	p.mute.Store(true)
	before := p.joined.Load()
	redistest.Eventually(t, "a new connection is tried", func() bool { return p.joined.Load() > before })
	p.mute.Store(false)
	wantHeard(t, heard, 2)
}

func TestListenWithoutServer(t *testing.T) {
	s := redistest.Start(t)
	s.Kill()
	c := open(t, quick(s.Addr))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Listen(ctx, func() {}); err != nil {
		t.Error(err)
	}
	ended := make(chan error)
	go func() { ended <- c.Listen(t.Context(), func() {}) }()
	c.Close()
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := c.Listen(t.Context(), func() {}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// What was announced before Close is heard.
func TestCloseAnnounces(t *testing.T) {
	s := redistest.Start(t)
	speaker, listener := open(t, patient(s.Addr)), open(t, patient(s.Addr))
	heard := listen(t, listener)
	speaker.Announce()
	wantHeard(t, heard, 2)
	speaker.Announce() // within the gap
	speaker.Close()
	wantHeard(t, heard, 3)
}
