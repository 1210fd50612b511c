package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"rollcall"
	"rollcall/eventlog"
)

// deskOver gives a desk before a log of many small segments.
func deskOver(t *testing.T) (*desk, *eventlog.Log) {
	t.Helper()
	now := time.UnixMilli(1_000_000)
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(t.TempDir(), "log"), Shards: 1, SegmentBytes: 1 << 10, MaxAge: time.Hour},
		eventlog.Deps{Now: func() time.Time { return now }, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	for range 20 {
		if err := log.Append(t.Context(), []eventlog.Record{{Count: 1, Payload: make([]byte, 500)}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return &desk{logPart: log}, log
}

// What is held gets nothing of the log until it is released, and then all of it.
func TestDeskPause(t *testing.T) {
	d, _ := deskOver(t)
	release := d.pause()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if records, err := d.Fetch(ended, 0, 0, 0, 1<<20, nil); !errors.Is(err, context.Canceled) || len(records) > 0 {
		t.Errorf("while paused: %d records, %v", len(records), err)
	}
	got := make(chan int, 1)
	go func() {
		records, err := d.Fetch(t.Context(), 0, 0, 0, 1<<20, nil)
		if err != nil {
			t.Error(err)
		}
		got <- len(records)
	}()
	release()
	if n := <-got; n == 0 {
		t.Error("nothing came after the release")
	}
}

// While a new build needs all of the log, it lets go of nothing, however far the active build is.
func TestDeskKeepsTheLog(t *testing.T) {
	d, log := deskOver(t)
	_, next, err := log.Bounds(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	whole := []eventlog.Progress{{Shard: 0, Snapshot: next}}
	report := func() {
		if err := d.Report(t.Context(), whole); err != nil {
			t.Fatal(err)
		}
	}
	retained := func() (first rollcall.Offset, deleted int) {
		deleted, err := log.Retain(time.UnixMilli(1_000_000).Add(24 * time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		first, _, err = log.Bounds(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return first, deleted
	}
	report()
	release := d.keep(1)
	report()
	if first, deleted := retained(); first != 0 || deleted != 0 {
		t.Errorf("%d segments were deleted beside a rebuild; the log begins at %d", deleted, first)
	}
	release()
	report()
	if first, deleted := retained(); first == 0 || deleted == 0 {
		t.Errorf("nothing was deleted after it")
	}
}
