package storetest

import (
	"context"
	"slices"
	"testing"

	"rollcall/block"
	"rollcall/store"
)

// writeState commits chunks of state and gives the position after it.
func writeState(t *testing.T, s Store, p store.Position, chunks ...store.StateChunk) store.Position {
	t.Helper()
	c := advance(p, 1)
	c.State = chunks
	must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}))
	return c.To
}

// testStateInView: a view shows the state of the commits before it, however later ones add to it, replace or merge it.
func testStateInView(t *testing.T, open Open) {
	s := open(t, dims, 1)
	key := store.StateKey{Kind: store.Users, Part: 1}
	p := acquire(t, s, 0)
	for i, step := range []struct {
		chunk store.StateChunk
		want  string
	}{
		{store.StateChunk{Key: key, Data: []byte("a")}, ""},
		{store.StateChunk{Key: key, Data: []byte("b")}, "a"},
		{store.StateChunk{Key: key, Data: []byte("c"), Full: true}, "ab"},
		{store.StateChunk{Key: store.StateKey{Kind: store.Users}, Data: []byte("d")}, "c"},
	} {
		held := viewOf(t, s)
		p = writeState(t, s, p, step.chunk)
		_, err := s.Compact(context.Background(), true, join)
		must(t, err)
		if got := readState(t, held, key); got != step.want {
			t.Fatalf("before commit %d: %q, want %q", i, got, step.want)
		}
		must(t, held.Close())
		if _, err := held.State(context.Background(), key); err == nil {
			t.Fatal("a closed view still reads")
		}
	}
}

// testUsersClock: the version of a part of a dictionary is that of the last commit that wrote it; state of other kinds
// has none.
func testUsersClock(t *testing.T, open Open) {
	s := open(t, dims, 3)
	chunk := func(shard int, kind store.StateKind, part int64) store.StateChunk {
		return store.StateChunk{Key: store.StateKey{Shard: shard, Kind: kind, Part: part}, Data: []byte("x")}
	}
	at := map[block.Period]uint64{}
	for _, shard := range []int{2, 0} {
		p := acquire(t, s, shard)
		for _, part := range []int64{0, 7, 1, 0} {
			held := viewOf(t, s)
			before := slices.Clone(held.Head().Stamps[store.UsersClock])
			p = writeState(t, s, p, chunk(shard, store.Users, part), chunk(shard, store.IDs, 3), chunk(shard, store.Users, part))
			v := viewOf(t, s)
			at[store.UsersPeriod(shard, part)] = v.Head().Version
			checkStamps(t, v.Head(), at)
			if !slices.Equal(before, held.Head().Stamps[store.UsersClock]) {
				t.Fatal("a later commit shows in the stamps of a view")
			}
			must(t, v.Close())
			must(t, held.Close())
			_, err := s.Compact(context.Background(), true, join)
			must(t, err)
		}
	}
	v := viewOf(t, s)
	checkStamps(t, v.Head(), at)
	for shard, want := range []int{3, 0, 3} {
		parts := v.Head().Between(store.UsersClock, store.UsersPeriod(shard, 0), store.UsersPeriod(shard+1, 0))
		if len(parts) != want {
			t.Fatalf("shard %d has the parts %v", shard, parts)
		}
	}
	must(t, v.Close())
}

func checkStamps(t *testing.T, h *store.Head, want map[block.Period]uint64) {
	t.Helper()
	stamps := h.Stamps[store.UsersClock]
	for i, s := range stamps {
		if s.Version != want[s.Period] || i > 0 && stamps[i-1].Period >= s.Period {
			t.Fatalf("stamps %v, want %v", stamps, want)
		}
	}
	if len(stamps) != len(want) {
		t.Fatalf("stamps %v, want %v", stamps, want)
	}
}
