//go:build unix

package chaostest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"
)

const (
	silentWithin  = 15 * time.Second
	plannedWithin = 2 * time.Second
	handoverWait  = 60 * time.Second
)

// By default settings, the shards of an owner that was killed or frozen are folded again within 15 s, and those of one that
// leaves, or that gives some away, within 2 s.
func TestShardsFindAnotherOwnerSoon(t *testing.T) {
	now, ledger, shards := time.Now().UTC(), NewLedger(), 6
	w, _ := worldOf(nil, now)
	c := StartCluster(t, binary(t), Shape{Aggregators: 3, Intakes: 1, Queries: 1, Shards: shards, Config: &w.Config})
	c.calm(t)
	sending, stop := context.WithCancel(t.Context())
	defer stop()
	send := c.send(sending, t, ledger, now, 150*time.Millisecond, nil)
	h := &Handovers{last: map[int]position{}, moved: map[int]time.Duration{}}
	go h.Watch(sending, c.Maria.Open(t, c.Database))
	settled(t, h, shards)
	for _, step := range []struct {
		name   string
		do     func() error
		within time.Duration
	}{
		{"SIGKILL of one, SIGSTOP of another", func() error { c.Aggregate[0].Kill(); c.Aggregate[1].Freeze(); return nil }, silentWithin},
		{"two join", func() error { c.Aggregate[0].Up(); c.Aggregate[1].Thaw(); return served(t.Context(), c.Aggregate[0]) }, plannedWithin},
		{"SIGTERM", func() error { return c.Aggregate[2].Term(Grace) }, plannedWithin},
	} {
		h.Forget()
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		moved := moves(t, h, shards)
		t.Logf("%s: %d shards moved, from the last commit to the next in %v", step.name, len(moved), slices.Sorted(maps.Values(moved)))
		for shard, took := range moved {
			if took > step.within {
				t.Errorf("%s: shard %d took %v to another owner, want %v", step.name, shard, took, step.within)
			}
		}
	}
	stop()
	send.Wait()
	seen, o := worldOf(ledger.Events(), now)
	judge(t, ledger, &seen, o, c.Query)
}

// settled waits until every shard is committed again and again.
func settled(t *testing.T, h *Handovers, shards int) {
	t.Helper()
	for begin := time.Now(); !h.Committed(shards, begin.Add(2*time.Second)); <-time.After(watchEvery) {
		if time.Since(begin) > handoverWait {
			t.Fatalf("not every shard is committed after %v", handoverWait)
		}
	}
}

// moves waits until some shards have moved and all are committed, and gives how long that took each.
func moves(t *testing.T, h *Handovers, shards int) map[int]time.Duration {
	t.Helper()
	for begin := time.Now(); len(h.Moved()) == 0; <-time.After(watchEvery) {
		if time.Since(begin) > handoverWait {
			t.Fatalf("no shard has moved after %v", handoverWait)
		}
	}
	settled(t, h, shards)
	return h.Moved()
}
