//go:build unix

package redisstream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/cache/redis/redistest"
	"rollcall/eventlog"
	"rollcall/eventlog/redisstream"
)

// TestWarnsOfWhatMayBeLost: settings under which an acknowledged Append may be lost are named, with what to set.
func TestWarnsOfWhatMayBeLost(t *testing.T) {
	s := redistest.Start(t)
	for _, c := range []struct{ appendonly, appendfsync, want string }{
		{"no", "always", "appendonly yes"}, {"yes", "everysec", "appendfsync always"}, {"yes", "no", "appendfsync always"}, {"yes", "always", ""},
	} {
		s.Do("CONFIG", "SET", "appendonly", c.appendonly, "appendfsync", c.appendfsync)
		var lines logged
		l, err := redisstream.Open(t.Context(), redisstream.Config{Addr: s.Addr, Shards: 1}, redisstream.Deps{Logger: lines.logger()})
		must(t, err)
		must(t, l.Close())
		if got := lines.String(); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("appendonly %s, appendfsync %s: logged %q", c.appendonly, c.appendfsync, got)
		}
	}
}

// TestEvictionIsRefused: a server that may delete the log is none for it.
func TestEvictionIsRefused(t *testing.T) {
	s := redistest.Start(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	_, err := redisstream.Open(t.Context(), redisstream.Config{Addr: s.Addr, Shards: 1}, redisstream.Deps{})
	if err == nil || !strings.Contains(err.Error(), "noeviction") {
		t.Errorf("got %v", err)
	}
}

// TestOpenWaits: Open waits for a server that is away, and gives up with ctx or when the server refuses us; no message has
// a password.
func TestOpenWaits(t *testing.T) {
	s := redistest.StartWith(t, redistest.Options{Password: "open-sesame", Args: []string{"--requirepass", "open-sesame"}})
	_, err := redisstream.Open(t.Context(), redisstream.Config{Addr: "redis://:wrong-word@" + s.Addr, Shards: 1}, redisstream.Deps{})
	if err == nil || strings.Contains(err.Error(), "wrong-word") || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("a wrong password: %v", err)
	}
	s.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := redisstream.Open(ctx, redisstream.Config{Addr: s.Addr, Shards: 1}, redisstream.Deps{}); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Errorf("no server: %v", err)
	}
	opened := make(chan error)
	go func() {
		l, err := redisstream.Open(t.Context(), redisstream.Config{Addr: "redis://:open-sesame@" + s.Addr, Shards: 1}, redisstream.Deps{})
		if err == nil {
			err = l.Close()
		}
		opened <- err
	}()
	s.Restart()
	must(t, <-opened)
}

// TestFull: when memory is short Appends are refused, whole; reading, trimming and leases go on, and make room.
func TestFull(t *testing.T) {
	for name, limit := range map[string]func(*redistest.Server, *redisstream.Config){
		"maxmemory": func(s *redistest.Server, _ *redisstream.Config) { s.Do("CONFIG", "SET", "maxmemory", "20mb") },
		"MaxBytes":  func(_ *redistest.Server, cfg *redisstream.Config) { cfg.MaxBytes = 10 << 20 },
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			cfg := redisstream.Config{Addr: s.Addr, Shards: 2, TrimEvery: time.Nanosecond}
			limit(s, &cfg)
			l, w := open(t, cfg), &worker{}
			own(t, l, w)
			payload := strings.Repeat("x", 300_000)
			redistest.Eventually(t, "the log is full", func() bool {
				err := l.Append(t.Context(), []eventlog.Record{rec(0, "%s", payload), rec(1, "%s", payload)}, nil)
				if err != nil && !errors.Is(err, eventlog.ErrFull) {
					t.Fatal(err)
				}
				return err != nil
			})
			first, second := all(t, l, 0, 0), all(t, l, 1, 0)
			if len(first) != len(second) || len(first) < 5 {
				t.Errorf("%d and %d records", len(first), len(second))
			}
			wantShares(t, "leases go on", []int{2}, w)
			end := first[len(first)-1].Next
			must(t, l.Report(t.Context(), []eventlog.Progress{{Shard: 0, Committed: end, Snapshot: end}}))
			redistest.Eventually(t, "there is room", func() bool {
				return l.Append(t.Context(), []eventlog.Record{rec(0, "on")}, nil) == nil
			})
		})
	}
}

// TestReportTrims: whatever is reported in whatever order, what lies behind the snapshot can be read from the snapshot on,
// what was kept longer is there, and the group shows what is behind the commit.
func TestReportTrims(t *testing.T) {
	s := redistest.Start(t)
	l := open(t, redisstream.Config{Addr: s.Addr, Shards: 1, TrimEvery: time.Nanosecond})
	at := []rollcall.Offset{0}
	for i := range 300 {
		put(t, l, rec(0, "%d %s", i, strings.Repeat("x", i*i%3000)))
	}
	for _, r := range all(t, l, 0, 0) {
		at = append(at, r.Next)
	}
	snapshot := 0
	for range 40 {
		snapshot += rand.IntN(len(at)-snapshot)/5 + rand.IntN(2)
		snapshot = min(snapshot, len(at)-1)
		committed := snapshot + rand.IntN(len(at)-snapshot)
		must(t, l.Report(t.Context(), []eventlog.Progress{{Shard: 0, Committed: at[committed], Snapshot: at[snapshot]}}))
		if got := all(t, l, 0, at[snapshot]); len(got) != len(at)-1-snapshot {
			t.Fatalf("snapshot at record %d: %d records behind it of %d", snapshot, len(got), len(at)-1-snapshot)
		}
		if lag := lagOf(s, "{rollcall}:log:0"); committed > 0 && lag != len(at)-1-committed {
			t.Errorf("the group shows a lag of %d, want %d", lag, len(at)-1-committed)
		}
	}
	if n, _ := strconv.Atoi(s.Do("XLEN", "{rollcall}:log:0")); n > len(at)-snapshot+200 {
		t.Errorf("%d records are kept, with a snapshot at %d of %d", n, snapshot, len(at)-1)
	}
	kept := open(t, redisstream.Config{Addr: s.Addr, Prefix: "kept", Shards: 1, TrimEvery: time.Nanosecond, Keep: time.Hour})
	for i := range 500 {
		put(t, kept, rec(0, "%0100d", i))
	}
	_, next, _ := kept.Bounds(t.Context(), 0)
	must(t, kept.Report(t.Context(), []eventlog.Progress{{Shard: 0, Committed: next, Snapshot: next}}))
	if got := all(t, kept, 0, 0); len(got) != 500 {
		t.Errorf("%d records of 500 are kept for an hour", len(got))
	}
}

// lagOf is what XINFO GROUPS says of the only group.
func lagOf(s *redistest.Server, stream string) int {
	_, after, _ := strings.Cut(s.Do("XINFO", "GROUPS", stream), "lag:")
	lag := -1
	_, _ = fmt.Sscan(strings.TrimRight(strings.Fields(after + " ")[0], "]"), &lag)
	return lag
}

// TestBehind counts records where offsets are ids.
func TestBehind(t *testing.T) {
	l := open(t, redisstream.Config{Addr: redistest.Start(t).Addr, Shards: 2})
	behind := func(from rollcall.Offset, want int64) {
		t.Helper()
		if n, err := l.Behind(t.Context(), 1, from); err != nil || n != want {
			t.Errorf("from %d: %d, %v, want %d", from, n, err, want)
		}
	}
	behind(0, 0)
	put(t, l, rec(1, "a"), rec(1, "b"), rec(0, "c"), rec(1, "d"))
	records := all(t, l, 1, 0)
	behind(0, 3)
	for i, r := range records {
		behind(r.Next, int64(2-i))
	}
	behind(records[2].Next+5, 0)
}

// TestClockSetBack: Redis goes on in the same millisecond for as long; offsets still rise and fit.
func TestClockSetBack(t *testing.T) {
	s := redistest.Start(t)
	l := open(t, redisstream.Config{Addr: s.Addr, Shards: 1})
	put(t, l, rec(0, "a"))
	ahead := time.Now().Add(time.Hour).UnixMilli()
	s.Do("XSETID", "{rollcall}:log:0", fmt.Sprintf("%d-%d", ahead, 1<<20-3))
	for i := range 10 {
		put(t, l, rec(0, "%d", i))
	}
	records := all(t, l, 0, 0)
	if len(records) != 11 || records[10].Received != ahead+1 {
		t.Errorf("%d records, the last received %d ms after the clock was", len(records), records[len(records)-1].Received-ahead)
	}
}

// TestReplicas: an Append waits for as many replicas as it should, and says when they are not there.
func TestReplicas(t *testing.T) {
	g := redistest.StartSentinel(t)
	l := open(t, redisstream.Config{Addr: g.URL, Shards: 1, Replicas: 1})
	put(t, l, rec(0, "a"))
	if n := g.Replica.Do("XLEN", "{rollcall}:log:0"); n != "1" {
		t.Errorf("the replica has %s records when Append returns", n)
	}
	two := open(t, redisstream.Config{Addr: g.URL, Shards: 1, Replicas: 2, Timeout: 500 * time.Millisecond})
	if err := two.Append(t.Context(), []eventlog.Record{rec(0, "b")}, nil); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Errorf("one replica of two: %v", err)
	}
}

// TestFailover: the log goes on at the replica that becomes the primary, with what was acknowledged.
func TestFailover(t *testing.T) {
	g := redistest.StartSentinel(t)
	l := open(t, redisstream.Config{Addr: g.URL, Shards: 1, Replicas: 1, Timeout: time.Second})
	put(t, l, rec(0, "before"))
	had := all(t, l, 0, 0)
	must(t, l.Close())
	l = open(t, redisstream.Config{Addr: g.URL, Shards: 1, Timeout: time.Second})
	g.Master.Kill()
	redistest.Eventually(t, "an Append to the new primary", func() bool {
		return l.Append(t.Context(), []eventlog.Record{rec(0, "after")}, nil) == nil
	})
	got, err := l.Fetch(t.Context(), 0, had[0].Next, 0, 1, nil)
	if err != nil || string(got[0].Payload) != "after" {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// TestAppendIsWholeOrNothing: whatever ends an Append, its records and its mark are there together or not.
func TestAppendIsWholeOrNothing(t *testing.T) {
	const shards = 8
	s := redistest.Start(t)
	l := open(t, redisstream.Config{Addr: s.Addr, Shards: shards})
	const appends = 200
	for i := range appends {
		var records []eventlog.Record
		for shard := range shards {
			records = append(records, rec(shard, "%d %s", i, strings.Repeat("x", rand.IntN(20_000))))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(300))*time.Microsecond)
		_ = l.Append(ctx, records, &eventlog.Mark{Source: strconv.Itoa(i), Position: 1})
		cancel()
		clear(records[0].Payload) // payloads are not kept
	}
	must(t, l.Close())
	l = open(t, redisstream.Config{Addr: s.Addr, Shards: shards})
	found := map[string]int{}
	for shard := range shards {
		for _, text := range payloads(all(t, l, shard, 0)) {
			number, _, _ := strings.Cut(text, " ")
			found[number]++
		}
	}
	for number, n := range found {
		if _, known, err := l.Mark(t.Context(), number); n != shards || !known || err != nil {
			t.Errorf("Append %s: %d of %d records, mark %t, %v", number, n, shards, known, err)
		}
	}
	if marks, _ := strconv.Atoi(s.Do("HLEN", "{rollcall}:log:marks")); marks != len(found) || marks == 0 {
		t.Errorf("%d marks of %d Appends", marks, len(found))
	}
}
