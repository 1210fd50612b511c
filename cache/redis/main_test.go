//go:build unix

package redis

import (
	"bytes"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall/cache/redis/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logged keeps what is logged.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// open starts a cache that is closed, and has left nothing behind, when the test ends.
func open(t testing.TB, cfg Config) *Cache {
	t.Helper()
	return openLogged(t, cfg, nil)
}

func openLogged(t testing.TB, cfg Config, l *slog.Logger) *Cache {
	t.Helper()
	ignore := []goleak.Option{goleak.IgnoreCurrent(), // and servers that the test starts again
		goleak.IgnoreAnyFunction("rollcall/cache/redis/redistest.(*Server).run.func1"),
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).writerDescriptor.func1")}
	c, err := New(cfg, Deps{Logger: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if err := goleak.Find(ignore...); err != nil {
			t.Errorf("after Close: %v", err)
		}
	})
	return c
}

// patient is a Config whose Gets wait for long, for tests on a busy machine that are not about time.
func patient(addr string) Config { return Config{Addr: addr, Timeout: 10 * time.Second} }

func put(t testing.TB, c *Cache, blobs map[string][]byte) {
	t.Helper()
	before := c.Stats()
	c.Put(blobs)
	redistest.Eventually(t, "blobs are put", func() bool {
		s := c.Stats()
		if s.DroppedPuts > before.DroppedPuts {
			t.Fatalf("puts were dropped: %+v", s)
		}
		return s.Puts >= before.Puts+int64(len(blobs))
	})
}

func keysOf(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("1/day/2026-11-%02d/%d", i%30+1, i)
	}
	return keys
}

// sized gives a blob of size bytes for each key, all different.
func sized(keys []string, size int) map[string][]byte {
	blobs := make(map[string][]byte, len(keys))
	for i, key := range keys {
		blob := make([]byte, size)
		for j := range blob {
			blob[j] = byte(i*7 + j*j>>3)
		}
		blobs[key] = blob
	}
	return blobs
}

func wantBlobs(t testing.TB, c *Cache, keys []string, want map[string][]byte) {
	t.Helper()
	for i, blob := range c.Get(t.Context(), keys) {
		if w, found := want[keys[i]]; found != (blob != nil) || !bytes.Equal(blob, w) {
			t.Errorf("key %q: %d bytes, found %t; want %d bytes, found %t", keys[i], len(blob), blob != nil, len(w), found)
		}
	}
}
