//go:build unix

package redisstream_test

import (
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
	"rollcall/eventlog"
	"rollcall/eventlog/redisstream"
)

// TestLeastRights: a user with the rights that the documentation names can do all of it.
func TestLeastRights(t *testing.T) {
	s := redistest.Start(t)
	s.Do("ACL", "SETUSER", "rollcall", "on", ">open-sesame", "~{rollcall}:log:*", "&{rollcall}:log:*",
		"+@stream", "+@hash", "+@sortedset", "+@scripting", "+@connection", "+@pubsub", "+exists", "+time", "+info", "+memory|usage")
	cfg := redisstream.Config{Addr: "redis://rollcall:open-sesame@" + s.Addr, Shards: 2, TrimEvery: time.Nanosecond, MaxBytes: 1 << 30}
	l, w := open(t, cfg), &worker{}
	own(t, l, w)
	wantShares(t, "the user may own", []int{2}, w)
	must(t, l.Append(t.Context(), []eventlog.Record{rec(0, "a"), rec(1, "b")}, &eventlog.Mark{Source: "s", Position: 1}))
	records := all(t, l, 0, 0)
	must(t, l.Report(t.Context(), []eventlog.Progress{{Shard: 0, Committed: records[0].Next, Snapshot: records[0].Next}}))
	if _, known, err := l.Mark(t.Context(), "s"); err != nil || !known {
		t.Errorf("mark %t, %v", known, err)
	}
}

// TestLostAnnouncement: a Fetch that waits finds the record of which it was never told.
func TestLostAnnouncement(t *testing.T) {
	s := redistest.Start(t)
	cfg := redisstream.Config{Addr: s.Addr, Shards: 1, Poll: 50 * time.Millisecond}
	l := open(t, cfg)
	got := make(chan error)
	go func() {
		_, err := l.Fetch(t.Context(), 0, 0, 0, 1, nil)
		got <- err
	}()
	redistest.Eventually(t, "it asks again and again", func() bool { return readCalls(s) > 5 })
	s.Do("XADD", "{rollcall}:log:0", "*", "n", "1", "c", "1", "s", redisstream.Checksum("1", "a"), "p", "a")
	must(t, <-got)
}

// TestWakesAtOnce: a Fetch that waits has the record soon after its Append, long before it would look by itself.
func TestWakesAtOnce(t *testing.T) {
	l := open(t, redisstream.Config{Addr: redistest.Start(t).Addr, Shards: 1, Poll: time.Hour})
	put(t, l, rec(0, "first"))
	at := all(t, l, 0, 0)[0].Next
	for i := range 50 {
		got := make(chan []eventlog.Record)
		go func() {
			records, err := l.Fetch(t.Context(), 0, at, 0, 1, nil)
			if err != nil {
				t.Error(err)
			}
			got <- records
		}()
		put(t, l, rec(0, "%d", i))
		records := <-got
		at = records[0].Next
	}
}
