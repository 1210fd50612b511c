package sqlite

import (
	"context"
	"path/filepath"
	"testing"

	"rollcall/store/storetest"
)

func openTest(t *testing.T, path string, dims []string, shards int) *Store {
	t.Helper()
	s, err := Open(context.Background(), Config{Path: path, Dimensions: dims, Shards: shards})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dims []string, shards int) storetest.Store {
		return openTest(t, filepath.Join(t.TempDir(), "store.db"), dims, shards)
	})
}
