//go:build unix

package redisstream_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"rollcall/cache/redis/redistest"
	"rollcall/eventlog"
	"rollcall/eventlog/redisstream"
)

func (s source) read(l *redisstream.Log, from, to int64, done bool) error {
	records := []eventlog.Record{rec(0, "%s %d-%d", s, from, to)}
	if from == to {
		records = nil
	}
	return l.Append(s.t.Context(), records, &eventlog.Mark{Source: s.name, Position: to, Done: done})
}

type source struct {
	t    *testing.T
	name string
}

func (s source) String() string { return s.name }

// at checks the mark that a process sees.
func (s source) at(l *redisstream.Log, want int64, known bool) {
	s.t.Helper()
	at, ok, err := l.Mark(s.t.Context(), s.name)
	if err != nil || at != want || ok != known {
		s.t.Errorf("mark %s: %d, %t, %v; want %d, %t", s.name, at, ok, err, want, known)
	}
}

// TestMarks: whatever two readers of one source do, each part of it is in the log once.
func TestMarks(t *testing.T) {
	cfg := redisstream.Config{Addr: redistest.Start(t).Addr, Shards: 1}
	a, b, s := open(t, cfg), open(t, cfg), source{t, "a topic"}
	s.at(a, 0, false)
	must(t, s.read(a, 0, 10, false))
	must(t, s.read(a, 10, 20, false))
	for _, to := range []int64{5, 30} { // b began at 0, as a did
		if err := s.read(b, 0, to, false); !errors.Is(err, redisstream.ErrMarkMoved) {
			t.Errorf("the second reader to %d: %v", to, err)
		}
	}
	must(t, s.read(b, 0, 20, false)) // as one who tries again does
	s.at(b, 20, true)
	must(t, s.read(b, 20, 30, false))
	if err := s.read(a, 20, 25, false); !errors.Is(err, redisstream.ErrMarkMoved) {
		t.Errorf("the first reader goes on: %v", err)
	}
	if err := s.read(b, 30, 29, false); err == nil {
		t.Error("a mark went back")
	}
	must(t, s.read(b, 30, 30, true))
	must(t, s.read(b, 30, 30, true))
	s.at(a, 0, false)
	want := []string{"a topic 0-10", "a topic 10-20", "a topic 20-30"}
	if got := payloads(all(t, a, 0, 0)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMarkRepeated: an Append whose outcome was unknown is repeated and not written twice, whether it was written or not.
func TestMarkRepeated(t *testing.T) {
	server := redistest.Start(t)
	l, s := open(t, redisstream.Config{Addr: server.Addr, Shards: 1, Timeout: 300e6}), source{t, "file"}
	var want []string
	for i := range int64(5) {
		server.Freeze()
		if err := s.read(l, i, i+1, false); !errors.Is(err, eventlog.ErrUnavailable) {
			t.Fatalf("a frozen server: %v", err)
		}
		server.Thaw()
		redistest.Eventually(t, "the repeated Append is acknowledged", func() bool { return s.read(l, i, i+1, false) == nil })
		want = append(want, fmt.Sprintf("file %d-%d", i, i+1))
	}
	if got := payloads(all(t, l, 0, 0)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
