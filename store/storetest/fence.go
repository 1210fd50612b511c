package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// testFence: only the owner of the newest epoch, at the stored offset, can commit; the error tells both sides.
func testFence(t *testing.T, open Open) {
	s := open(t, dims, 2)
	old := acquire(t, s, 1)
	owner := acquire(t, s, 1)
	if owner.Epoch <= old.Epoch {
		t.Fatalf("epoch %d after %d", owner.Epoch, old.Epoch)
	}
	err := s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{advance(old, 1)}})
	var fenced *store.FencedError
	if !errors.As(err, &fenced) || !errors.Is(err, store.ErrFenced) {
		t.Fatalf("the old owner: %v", err)
	}
	if fenced.Shard != 1 || fenced.Want.Epoch != old.Epoch || fenced.Stored.Epoch != owner.Epoch {
		t.Fatalf("%+v", fenced)
	}
	c := &store.Commit{At: 1, Shards: []store.ShardCommit{advance(owner, 1)}}
	must(t, s.Commit(context.Background(), c))
	if err := s.Commit(context.Background(), c); !errors.Is(err, store.ErrFenced) {
		t.Fatalf("the same commit again: %v", err)
	}
}

// full is a commit of one shard with something of everything.
func full(p store.Position) store.ShardCommit {
	c := advance(p, 10)
	var cells block.CellsBuilder
	cells.Reset(block.CellKey{Grain: rollcall.Day, Period: 20_000, Cuboid: 1})
	cells.Add(0, []rollcall.Value{2}, &rollcall.Counters{1, 2, 3})
	var sets block.SetsBuilder
	sets.Reset(block.SetKey{Grain: rollcall.Day, Period: 20_000, Shard: p.Shard}, len(dims))
	sets.Add([]rollcall.Value{2, 3}, 7, 1)
	c.Cells, c.Sets = []*block.Cells{cells.Build()}, []*block.Sets{sets.Build()}
	c.State = []store.StateChunk{{Key: store.StateKey{Shard: p.Shard, Kind: store.Users}, Data: []byte("state")}}
	c.Ledger = []store.LedgerRow{{Shard: p.Shard, Count: 1, HashHi: 1 << 63, HashLo: 5}}
	c.Letters = []store.DeadLetter{{At: 3, Reason: store.ReasonLate, Raw: []byte("raw")}}
	return c
}

// testOneFencedOfTwo: when one shard of a commit is fenced, nothing of the others is applied.
func testOneFencedOfTwo(t *testing.T, open Open) {
	s := open(t, dims, 2)
	m := newModel(2)
	m.shards[0], m.shards[1] = acquire(t, s, 0), acquire(t, s, 1)
	stale := m.shards[1]
	stale.Offset += 9
	c := &store.Commit{At: 1, Shards: []store.ShardCommit{full(m.shards[0]), full(stale)}}
	if err := s.Commit(context.Background(), c); !errors.Is(err, store.ErrFenced) {
		t.Fatal(err)
	}
	v := viewOf(t, s)
	defer func() { _ = v.Close() }()
	m.check(t, v)
	m.checkRest(t, s)
	if h := v.Head(); h.Version != 0 || h.Stamp(store.DayClock, 20_000) != 0 {
		t.Fatalf("version %d", h.Version)
	}
	must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{full(m.shards[0]), full(m.shards[1])}}))
}

// testStoppedCommit: a commit whose context is over changes nothing, and the store goes on.
func testStoppedCommit(t *testing.T, open Open) {
	s := open(t, dims, 1)
	m := newModel(1)
	m.shards[0] = acquire(t, s, 0)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := &store.Commit{At: 1, Shards: []store.ShardCommit{full(m.shards[0])}}
	if err := s.Commit(ctx, c); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	v := viewOf(t, s)
	m.check(t, v)
	must(t, v.Close())
	must(t, s.Commit(context.Background(), c))
}

func testUnknownShard(t *testing.T, open Open) {
	s := open(t, dims, 2)
	for _, shard := range []int{-1, 2} {
		if _, err := s.Acquire(context.Background(), shard); err == nil {
			t.Fatalf("acquired shard %d", shard)
		}
		c := &store.Commit{Shards: []store.ShardCommit{full(store.Position{Shard: shard})}}
		if err := s.Commit(context.Background(), c); err == nil || errors.Is(err, store.ErrFenced) {
			t.Fatalf("commit to shard %d: %v", shard, err)
		}
	}
}

// testSnapshot: the snapshot offset moves with a commit that says so, and stays otherwise.
func testSnapshot(t *testing.T, open Open) {
	s := open(t, dims, 1)
	p := acquire(t, s, 0)
	c := advance(p, 1)
	c.Snapshot, c.To.Snapshot = true, c.To.Offset
	must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}))
	d := advance(c.To, 1)
	d.To.Snapshot = 99
	must(t, s.Commit(context.Background(), &store.Commit{At: 2, Shards: []store.ShardCommit{d}}))
	v := viewOf(t, s)
	defer func() { _ = v.Close() }()
	if got := v.Head().Shards[0]; got.Snapshot != c.To.Offset || got.Offset != d.To.Offset {
		t.Fatalf("%+v", got)
	}
}

// testState: chunks come oldest first, and a full one replaces those before it, within a commit too.
func testState(t *testing.T, open Open) {
	s := open(t, dims, 1)
	p := acquire(t, s, 0)
	key := store.StateKey{Kind: store.IDs, Part: -5}
	chunk := func(data string, full bool) store.StateChunk {
		return store.StateChunk{Key: key, Full: full, Data: []byte(data)}
	}
	for _, step := range []struct {
		chunks []store.StateChunk
		want   string
	}{
		{[]store.StateChunk{chunk("a", false), chunk("b", false)}, "ab"},
		{[]store.StateChunk{chunk("c", false)}, "abc"},
		{[]store.StateChunk{chunk("d", false), chunk("e", true), chunk("f", false)}, "ef"},
		{[]store.StateChunk{chunk("", true)}, ""},
		{[]store.StateChunk{chunk("g", false)}, "g"},
	} {
		c := advance(p, 1)
		c.State = step.chunks
		must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}))
		p = c.To
		chunks, err := s.State(context.Background(), key)
		must(t, err)
		var got bytes.Buffer
		for _, c := range chunks {
			got.Write(c.Data)
			if c.Key != key {
				t.Fatalf("%+v", c)
			}
		}
		if got.String() != step.want {
			t.Fatalf("%q, want %q", got.String(), step.want)
		}
	}
}
