package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"rollcall/store"
	"rollcall/store/storetest"
)

func openTest(t testing.TB, path string, dims []string, shards int) *Store {
	t.Helper()
	s, err := Open(context.Background(), Config{Path: path, Dimensions: dims, Shards: shards})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "store.db") }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dims []string, shards int) storetest.Store {
		return openTest(t, newPath(t), dims, shards)
	})
}

func acquire(t testing.TB, s *Store, shard int) store.Position {
	t.Helper()
	p, err := s.Acquire(context.Background(), shard)
	must(t, err)
	return p
}

func commit(t testing.TB, s *Store, shards ...store.ShardCommit) {
	t.Helper()
	must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: shards}))
}
