//go:build unix

package redisstream_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/cache/redis/redistest"
	"rollcall/eventlog"
	"rollcall/eventlog/redisstream"
)

func wantLost(t *testing.T, l *redisstream.Log, from, until rollcall.Offset) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), redistest.Patience)
	defer cancel()
	if got, err := l.Fetch(ctx, 0, from, until, 1<<20, nil); !errors.Is(err, eventlog.ErrLost) {
		t.Errorf("from %d: %d records and %v, want ErrLost", from, len(got), err)
	}
}

// TestLostTail: Redis comes back with what it saved before its last records, and then gets others.
func TestLostTail(t *testing.T) {
	s := redistest.Start(t)
	l := open(t, redisstream.Config{Addr: s.Addr, Shards: 1})
	put(t, l, rec(0, "kept"))
	s.Do("SAVE")
	put(t, l, rec(0, "lost 1"))
	put(t, l, rec(0, "lost 2"))
	had := all(t, l, 0, 0)
	s.Kill()
	s.Restart()
	for range 2 {
		wantLost(t, l, had[1].Next, 0)
		wantLost(t, l, had[2].Next, 0)
		wantLost(t, l, had[0].Next, had[2].Next)
		if got := payloads(all(t, l, 0, 0)); got[0] != "kept" {
			t.Errorf("got %q", got)
		}
		put(t, l, rec(0, "other 1"), rec(0, "other 2"), rec(0, "other 3"))
	}
	if got := all(t, l, 0, had[0].Next); len(got) != 6 {
		t.Errorf("behind what was kept: %q", payloads(got))
	}
}

// TestFlushed: nothing goes on as if nothing had been, neither in this process nor in one that is opened again.
func TestFlushed(t *testing.T) {
	s := redistest.Start(t)
	cfg := redisstream.Config{Addr: s.Addr, Shards: 1}
	l := open(t, cfg)
	put(t, l, rec(0, "a"))
	had := all(t, l, 0, 0)
	failed := make(chan error)
	go func() {
		_, err := l.Fetch(t.Context(), 0, had[0].Next, 0, 1, nil)
		failed <- err
	}()
	s.Do("FLUSHALL")
	again := open(t, cfg)
	if again.Identity() == l.Identity() {
		t.Error("the log made anew has the identity of the old one")
	}
	put(t, again, rec(0, "b"), rec(0, "c"))
	if err := <-failed; !errors.Is(err, eventlog.ErrLost) {
		t.Errorf("the Fetch that waited: %v", err)
	}
	wantLost(t, l, 0, 0)
	wantLost(t, again, had[0].Next, 0)
	if err := l.Append(t.Context(), []eventlog.Record{rec(0, "d")}, nil); !errors.Is(err, eventlog.ErrLost) || !errors.Is(err, eventlog.ErrUnavailable) {
		t.Errorf("Append: %v", err)
	}
	if _, _, err := l.Bounds(t.Context(), 0); !errors.Is(err, eventlog.ErrLost) {
		t.Errorf("Bounds: %v", err)
	}
	if err := l.Own(t.Context(), &worker{}); !errors.Is(err, eventlog.ErrLost) {
		t.Errorf("Own: %v", err)
	}
	if got := payloads(all(t, again, 0, 0)); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("got %q", got)
	}
}

// TestAnotherLog: what others write into the place of the log is refused.
func TestAnotherLog(t *testing.T) {
	s := redistest.Start(t)
	open(t, redisstream.Config{Addr: s.Addr, Shards: 3})
	_, err := redisstream.Open(t.Context(), redisstream.Config{Addr: s.Addr, Shards: 4}, redisstream.Deps{})
	if err == nil || !strings.Contains(err.Error(), "3 shards") {
		t.Errorf("another number of shards: %v", err)
	}
	s.Do("HSET", "{other}:log:meta", "id", "x", "shards", "1", "format", "2")
	if _, err := redisstream.Open(t.Context(), redisstream.Config{Addr: s.Addr, Prefix: "other", Shards: 1}, redisstream.Deps{}); err == nil {
		t.Error("a log of a newer format was opened")
	}
}

// TestDamagedEntries: an entry that was changed, is not of the log, or is missing between others is named, not skipped.
func TestDamagedEntries(t *testing.T) {
	const stream = "{rollcall}:log:0"
	for name, damage := range map[string]func(s *redistest.Server, id string){
		"deleted": func(s *redistest.Server, id string) { s.Do("XDEL", stream, id) },
		"foreign": func(s *redistest.Server, id string) { s.Do("XDEL", stream, id); s.Do("XADD", stream, "*", "a", "b") },
		"changed": func(s *redistest.Server, id string) {
			s.Do("XDEL", stream, id)
			s.Do("XADD", stream, "*", "n", "4", "c", "1", "s", "0", "p", "x")
		},
		"numbered": func(s *redistest.Server, id string) {
			s.Do("XADD", stream, "*", "n", "9", "c", "1", "s", "0", "p", "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			l := open(t, redisstream.Config{Addr: s.Addr, Shards: 1})
			put(t, l, rec(0, "a"), rec(0, "b"), rec(0, "c"))
			records := all(t, l, 0, 0)
			id := records[1].Offset
			damage(s, redisstream.ID(id))
			var got []string
			var corrupt *eventlog.CorruptError
			for from := rollcall.Offset(0); ; {
				some, err := l.Fetch(t.Context(), 0, from, 0, 1, nil)
				if errors.As(err, &corrupt) {
					break
				}
				must(t, err)
				got, from = append(got, string(some[0].Payload)), some[0].Next
			}
			if corrupt.File != stream || len(got) == 0 || got[0] != "a" || slices.Contains(got, "x") {
				t.Errorf("read %q, then %v", got, corrupt)
			}
		})
	}
}

// TestKilledServer: with appendfsync always every Append that was acknowledged is there when Redis comes back, whole, in
// its place, and those of which nothing is known whole or not at all. Readers go on by themselves.
func TestKilledServer(t *testing.T) {
	s := durable(t)
	l := open(t, redisstream.Config{Addr: s.Addr, Shards: 2, Timeout: 2 * time.Second})
	acked := make(chan []int64)
	stop := make(chan struct{})
	go func() { acked <- appendPairs(l, stop) }()
	var seen []eventlog.Record
	for round := range 3 {
		for len(seen) < 50*(round+1) {
			from := rollcall.Offset(0)
			if len(seen) > 0 {
				from = seen[len(seen)-1].Next
			}
			some, err := l.Fetch(t.Context(), 0, from, 0, 1<<20, nil)
			must(t, err)
			seen = append(seen, some...)
		}
		s.Kill()
		s.Restart()
	}
	close(stop)
	want := <-acked
	first, second := payloads(all(t, l, 0, 0)), payloads(all(t, l, 1, 0))
	if !slices.Equal(first, second) {
		t.Errorf("%d halves of Appends in one shard and %d in the other", len(first), len(second))
	}
	if !slices.Equal(payloads(seen), first[:len(seen)]) {
		t.Error("what was read before is not there any more")
	}
	for _, n := range want {
		if count := occurrences(first, n); count != 1 {
			t.Errorf("acknowledged Append %d is there %d times", n, count)
		}
	}
}

// appendPairs appends a record to each of two shards, again and again, each with a mark, and gives those acknowledged.
func appendPairs(l *redisstream.Log, stop <-chan struct{}) (acked []int64) {
	for n := int64(1); ; {
		select {
		case <-stop:
			return acked
		default:
		}
		err := l.Append(context.Background(), []eventlog.Record{rec(0, "%d", n), rec(1, "%d", n)}, &eventlog.Mark{Source: "pairs", Position: n})
		if err == nil {
			acked = append(acked, n)
			n++
		}
	}
}

func occurrences(texts []string, n int64) (count int) {
	for _, text := range texts {
		if text == string(rec(0, "%d", n).Payload) {
			count++
		}
	}
	return count
}
