package main

import (
	"os"
	"path/filepath"
	"testing"

	"rollcall/store"
)

// The logs that no build is made from go, and nothing else does.
func TestSweepLogs(t *testing.T) {
	dir := t.TempDir()
	gone := []string{"log", "log-1", "log-12"}
	stay := []string{"log-3", "log-4", "log-", "log-0", "log-03", "log--1", "log-1.old", "logs", "log-x", "store.db"}
	for _, name := range append(gone, stay...) {
		if err := os.MkdirAll(filepath.Join(dir, name, "within"), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	builds := []store.Build{{Number: 5, State: store.Active, Log: 3}, {Number: 6, State: store.Building, Log: 4}}
	if err := sweepLogs(dir, builds, func(string) {}); err != nil {
		t.Fatal(err)
	}
	for _, name := range gone {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is there", name)
		}
	}
	for _, name := range stay {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// A configuration that names as many shards as the log before had goes over with a note; any other number is refused.
func TestReconcileShards(t *testing.T) {
	active := built(t, 2, store.Active, map[string]string{"log.shards": "8"})
	active.Settings[shardsBefore] = "4"
	for _, c := range []struct {
		shards string
		ok     bool
	}{{"8", true}, {"4", true}, {"5", false}} {
		cfg := changed(t, map[string]string{"log.shards": c.shards})
		problems := reconcile(cfg, []store.Build{active}, "DIR")
		if (len(problems) == 0) != c.ok || (len(cfg.notes) > 0) != (c.shards == "4") || c.ok && cfg.LogShards != 8 {
			t.Errorf("%s: %d shards, problems %v, notes %v", c.shards, cfg.LogShards, problems, cfg.notes)
		}
	}
}
