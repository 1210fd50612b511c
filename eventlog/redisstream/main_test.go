//go:build unix

package redisstream_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall"
	"rollcall/cache/redis/redistest"
	"rollcall/eventlog"
	"rollcall/eventlog/redisstream"
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

// durable starts a server that syncs each write to its file before it replies.
func durable(t testing.TB) *redistest.Server {
	t.Helper()
	s := redistest.Start(t)
	s.Kill()
	s.RestartWith("--appendonly", "yes", "--appendfsync", "always")
	return s
}

func open(t testing.TB, cfg redisstream.Config) *redisstream.Log {
	t.Helper()
	l, err := redisstream.Open(t.Context(), cfg, redisstream.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func rec(shard int, format string, args ...any) eventlog.Record {
	return eventlog.Record{Shard: shard, Count: 1, Payload: fmt.Appendf(nil, format, args...)}
}

func put(t testing.TB, l *redisstream.Log, records ...eventlog.Record) {
	t.Helper()
	must(t, l.Append(t.Context(), records, nil))
}

// all reads what a shard holds from an offset on.
func all(t testing.TB, l *redisstream.Log, shard int, from rollcall.Offset) (records []eventlog.Record) {
	t.Helper()
	_, next, err := l.Bounds(t.Context(), shard)
	must(t, err)
	for from < next {
		some, err := l.Fetch(t.Context(), shard, from, 0, 1<<20, nil)
		must(t, err)
		records, from = append(records, some...), some[len(some)-1].Next
	}
	return records
}

func payloads(records []eventlog.Record) (texts []string) {
	for _, r := range records {
		texts = append(texts, string(r.Payload))
	}
	return texts
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
