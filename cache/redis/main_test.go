//go:build unix

package redis

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall/cache/redis/redistest"
)

// TestMain fails when a goroutine is left. The library lets some sleep for up to five seconds after the end of a Cluster's
// client.
func TestMain(m *testing.M) {
	code := m.Run()
	err := goleak.Find()
	for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); {
		err = goleak.Find()
	}
	if code == 0 && err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

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

// open starts a cache that is closed when the test ends.
func open(t testing.TB, cfg Config) *Cache {
	t.Helper()
	return openLogged(t, cfg, nil)
}

func openLogged(t testing.TB, cfg Config, l *slog.Logger) *Cache {
	t.Helper()
	c, err := New(cfg, Deps{Logger: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
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
