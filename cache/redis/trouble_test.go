//go:build unix

package redis

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall/cache/redis/redistest"
)

// The machine may be busy: what must end at once ends within atOnce, what must end in time within slack after it.
const (
	atOnce = 100 * time.Millisecond
	slack  = 750 * time.Millisecond
)

func timed(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

// wantBounded makes Gets one after the other for a while and checks what they cost together: a Timeout for each of the
// failures that open the breaker and for one in each pause, and nothing otherwise.
func wantBounded(t *testing.T, c *Cache, for_ time.Duration) {
	t.Helper()
	began, waits, openings := time.Now(), 0, c.Stats().Openings
	for time.Since(began) < for_ {
		took := timed(func() {
			if c.Get(t.Context(), []string{"a"})[0] != nil {
				t.Error("a blob from nowhere")
			}
		})
		if took > c.cfg.Timeout+slack {
			t.Errorf("a Get took %s", took)
		}
		if took > c.cfg.Timeout/2 {
			waits++
		} else {
			time.Sleep(time.Millisecond)
		}
	}
	allowed := c.cfg.Failures + int(time.Since(began)/c.cfg.Pause) + 1
	if waits > allowed {
		t.Errorf("%d Gets waited, want at most %d", waits, allowed)
	}
	if s := c.Stats(); s.Breaker == "closed" || s.Openings != openings+1 {
		t.Errorf("%+v", s)
	}
}

func wantRecovery(t *testing.T, c *Cache) {
	t.Helper()
	redistest.Eventually(t, "Gets find what is put", func() bool {
		c.Put(map[string][]byte{"again": []byte("1")})
		return c.Get(t.Context(), []string{"again"})[0] != nil
	})
	redistest.Eventually(t, "the breaker is closed", func() bool { return c.Stats().Breaker == "closed" })
}

func quick(addr string) Config {
	return Config{Addr: addr, Timeout: 200 * time.Millisecond, Pause: 300 * time.Millisecond}
}

func TestMuteServerCostsOneTimeoutAPause(t *testing.T) {
	s := redistest.Start(t)
	var l logged
	c := openLogged(t, quick(s.Addr), l.logger())
	wantRecovery(t, c)
	s.Freeze()
	wantBounded(t, c, 1500*time.Millisecond)
	dropped := c.Stats().DroppedPuts
	if took := timed(func() { c.Put(map[string][]byte{"a": {1}}); c.Delete([]string{"b"}); c.Announce() }); took > atOnce {
		t.Errorf("Put, Delete and Announce took %s", took)
	}
	if s := c.Stats(); s.DroppedPuts != dropped+1 || s.DroppedDeletes != 1 {
		t.Errorf("while open: %+v", s)
	}
	s.Thaw()
	wantRecovery(t, c)
	if text := l.String(); strings.Count(text, "redis does not answer") != 1 || strings.Count(text, "redis answers again") != 1 {
		t.Errorf("log:\n%s", text)
	}
}

func TestSlowServer(t *testing.T) {
	s := redistest.Start(t)
	p := newProxy(t, s.Addr)
	c := open(t, quick(p.addr))
	wantRecovery(t, c)
	p.delay.Store(int64(time.Second))
	wantBounded(t, c, 1500*time.Millisecond)
	p.delay.Store(0)
	wantRecovery(t, c)
}

// Of a Get that is too large for its Timeout, what came is found.
func TestLargeGetInPart(t *testing.T) {
	s := redistest.Start(t)
	p := newProxy(t, s.Addr)
	cfg := quick(p.addr)
	cfg.Timeout = 2 * time.Second
	c := open(t, cfg)
	keys := keysOf(500)
	blobs := sized(keys, 100_000)
	put(t, c, blobs)
	p.left.Store(20 << 20) // of 48 MiB
	found, began := 0, time.Now()
	for i, blob := range c.Get(t.Context(), keys) {
		if blob != nil {
			found++
			if !bytes.Equal(blob, blobs[keys[i]]) {
				t.Errorf("key %q: another blob", keys[i])
			}
		}
	}
	if took := time.Since(began); found == 0 || found == len(keys) || took > cfg.Timeout+slack || c.Stats().Timeouts != 1 {
		t.Errorf("%d of %d found in %s: %+v", found, len(keys), took, c.Stats())
	}
}

func TestSwallowedAndCutConnections(t *testing.T) {
	s := redistest.Start(t)
	p := newProxy(t, s.Addr)
	c := open(t, quick(p.addr))
	wantRecovery(t, c)
	p.mute.Store(true)
	wantBounded(t, c, 1500*time.Millisecond)
	p.mute.Store(false)
	p.cut()
	wantRecovery(t, c)
}

// While the breaker is open the server is asked nothing by Gets.
func TestOpenBreakerAsksNothing(t *testing.T) {
	s := redistest.Start(t)
	p := newProxy(t, s.Addr)
	c := open(t, Config{Addr: p.addr, Timeout: 50 * time.Millisecond, Pause: time.Hour})
	p.mute.Store(true)
	for range 3 {
		c.Get(t.Context(), []string{"a"})
	}
	before := p.asked.Load()
	for range 1000 {
		c.Get(t.Context(), []string{"a"})
	}
	if asked := p.asked.Load() - before; asked > 10 { // pings and INFO
		t.Errorf("%d requests by 1000 Gets", asked)
	}
}

func TestDeadServerAtStart(t *testing.T) {
	s := redistest.Start(t)
	s.Kill()
	var l logged
	var c *Cache
	if took := timed(func() { c = openLogged(t, quick(s.Addr), l.logger()) }); took > startWait+slack {
		t.Errorf("New took %s", took)
	}
	if st := c.Stats(); st.Connected || st.Breaker != "open" {
		t.Errorf("%+v", st)
	}
	if took := timed(func() { c.Get(t.Context(), []string{"a"}) }); took > atOnce {
		t.Errorf("a Get without server took %s", took)
	}
	s.Restart()
	wantRecovery(t, c)
	if text := l.String(); strings.Count(text, "can't connect to redis") != 1 || strings.Count(text, "connected to redis") != 1 {
		t.Errorf("log:\n%s", text)
	}
}

func TestMuteServerAtStart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var c *Cache
	if took := timed(func() { c = open(t, quick(l.Addr().String())) }); took > startWait+slack {
		t.Errorf("New took %s", took)
	}
	if took := timed(func() { c.Get(t.Context(), []string{"a"}) }); took > atOnce {
		t.Errorf("a Get without server took %s", took)
	}
	if took := timed(c.Close); took > drainTime+dialTimeout {
		t.Errorf("Close took %s", took)
	}
}

func TestServerDiesAndComesBack(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, quick(s.Addr))
	wantRecovery(t, c)
	s.Kill()
	wantBounded(t, c, 1500*time.Millisecond)
	s.Restart()
	wantRecovery(t, c)
}

// Close takes a bounded time and leaves no goroutine even when nothing answers.
func TestCloseWithMuteServer(t *testing.T) {
	s := redistest.Start(t)
	ignore := goleak.IgnoreCurrent()
	c := open(t, quick(s.Addr))
	wantRecovery(t, c)
	listening := make(chan error)
	go func() { listening <- c.Listen(t.Context(), func() {}) }()
	s.Freeze()
	before := c.Stats().DroppedPuts
	c.Put(sized(keysOf(1000), 1000))
	if took := timed(c.Close); took > drainTime+slack+time.Second {
		t.Errorf("Close took %s", took)
	}
	st := c.Stats()
	if st.Pending != 0 || st.DroppedPuts < before+1000 || c.Get(t.Context(), []string{"a"})[0] != nil {
		t.Errorf("after Close: %+v", st)
	}
	c.Close()
	<-listening
	redistest.Eventually(t, "no goroutine is left", func() bool { return goleak.Find(ignore) == nil })
	s.Thaw()
}

func TestCloseWritesWhatIsPending(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, patient(s.Addr))
	c.Put(sized(keysOf(1000), 1000))
	c.Close()
	if n := s.Do("DBSIZE"); n != "1000" {
		t.Errorf("%s blobs at the server", n)
	}
}

// What the server refuses is counted, and its Gets go on.
func TestFullServer(t *testing.T) {
	s := redistest.Start(t, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
	c := open(t, patient(s.Addr))
	keys := keysOf(100)
	c.Put(sized(keys, 100_000))
	redistest.Eventually(t, "all puts are done or refused", func() bool {
		s := c.Stats()
		return s.Puts+s.DroppedPuts == 100
	})
	st := c.Stats()
	if st.Puts == 0 || st.DroppedPuts == 0 || st.Breaker != "closed" {
		t.Errorf("%+v", st)
	}
	found := 0
	for _, blob := range c.Get(t.Context(), keys) {
		if blob != nil {
			found++
		}
	}
	if int64(found) != st.Puts {
		t.Errorf("%d found of %d put", found, st.Puts)
	}
}

func TestPutsBeyondTheRoomAreDropped(t *testing.T) {
	s := redistest.Start(t)
	p := newProxy(t, s.Addr)
	c := open(t, Config{Addr: p.addr, Timeout: 10 * time.Second, MaxPending: 10, MaxPendingBytes: 5000})
	p.mute.Store(true)
	for _, key := range keysOf(1000) {
		c.Put(map[string][]byte{key: make([]byte, 700)})
	}
	if st := c.Stats(); st.PendingBytes > 5000 || st.Pending > 10 || st.DroppedPuts < 900 {
		t.Errorf("%+v", st)
	}
}

func TestLastCallPrevails(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, patient(s.Addr))
	for i := range 200 {
		c.Put(map[string][]byte{"a": {byte(i)}, "b": {byte(i)}})
		c.Delete([]string{"a"})
	}
	redistest.Eventually(t, "all is written", func() bool {
		// What is no longer pending may still be on its way.
		return c.Stats().Pending == 0 && s.Do("DBSIZE") == "1" && bytes.Equal(c.Get(t.Context(), []string{"b"})[0], []byte{199})
	})
	wantBlobs(t, c, []string{"a", "b"}, map[string][]byte{"b": {199}})
}
