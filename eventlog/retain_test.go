package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/eventlog/logtest"
)

// nowhere is a floor that keeps nothing.
var nowhere = []rollcall.Offset{math.MaxUint64, math.MaxUint64}

func TestRetainByAge(t *testing.T) {
	d := logtest.NewDisk()
	now := time.UnixMilli(0)
	cfg := small
	cfg.MaxAge = time.Hour
	l := open(t, cfg, eventlog.Deps{FS: d, Now: func() time.Time { return now }})
	for i := range 30 {
		now = now.Add(10 * time.Minute)
		must(t, put(l, rec(i%2, "%0200d", i)))
	}
	if s := l.Stats(); s.Shards[0].First != 0 {
		t.Fatal("something was deleted before a floor was set")
	}
	setFloor(l, []rollcall.Offset{15, 4})
	_, err := l.Retain(now)
	must(t, err)
	if s := l.Stats(); s.Shards[1].First == 0 || s.Shards[1].First > 4 {
		t.Fatalf("%+v: the floor of shard 1 is 4", s.Shards)
	}
	setFloor(l, nowhere)
	_, err = l.Retain(now)
	must(t, err)
	records, err := l.Fetch(t.Context(), 0, l.Stats().Shards[0].First, 0, 1, nil)
	must(t, err)
	if age := now.UnixMilli() - records[0].Received; age < time.Hour.Milliseconds() || age > 2*time.Hour.Milliseconds() {
		t.Errorf("the oldest record is %d ms old", age)
	}
	if _, err := l.Fetch(t.Context(), 0, 0, 0, 1, nil); !errors.Is(err, eventlog.ErrTrimmed) {
		t.Errorf("got %v, want ErrTrimmed", err)
	}
	before := l.Stats()
	must(t, l.Close())
	l = open(t, cfg, eventlog.Deps{FS: d, Now: func() time.Time { return now }})
	if after := l.Stats(); after.Shards[0] != before.Shards[0] || after.Shards[1] != before.Shards[1] {
		t.Errorf("bounds %+v, after reopening %+v", before.Shards, after.Shards)
	}
	must(t, l.Verify(t.Context()))
}

// TestMaxBytes: the log stays below its size; when nothing may go it is full, and goes on when something may.
func TestMaxBytes(t *testing.T) {
	d := logtest.NewDisk()
	cfg := eventlog.Config{MaxBytes: 4000}
	l := onDisk(t, d, cfg)
	err := fillUntilRefused(l)
	for err == nil {
		err = fillUntilRefused(l)
	}
	if !errors.Is(err, eventlog.ErrFull) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	setFloor(l, nowhere)
	for range 100 {
		must(t, put(l, rec(0, "%0200d", 1)))
		if s := l.Stats(); s.Bytes > 4000 {
			t.Fatalf("%d bytes", s.Bytes)
		}
	}
	if s := l.Stats(); s.Bytes < 2000 {
		t.Errorf("%d bytes: more was deleted than need be", s.Bytes)
	}
	must(t, l.Verify(t.Context()))
}

// TestRetainFails: a segment that can't be deleted stays readable, and a crash between deletions leaves no gap.
func TestRetainFails(t *testing.T) {
	for n := range 8 {
		d := logtest.NewDisk()
		cfg := small
		cfg.MaxAge = time.Hour
		l := onDisk(t, d, cfg)
		for i := range 20 {
			must(t, put(l, rec(0, "%0200d", i)))
		}
		setFloor(l, nowhere)
		var crashed *logtest.Disk
		at := d.Ops() + n
		d.SetFault(func(op logtest.Op) (int, error) {
			if op.Number == at {
				crashed = d.CrashLocked(func(n int) int { return n - 1 })
				return 0, errBroken
			}
			return op.Size, nil
		})
		_, err := l.Retain(time.Now().Add(2 * time.Hour))
		if (crashed != nil) != errors.Is(err, errBroken) {
			t.Errorf("operation %d: %v", n, err)
		}
		must(t, fetchAll(l))
		must(t, put(l, rec(0, "on")))
		must(t, l.Close())
		must(t, meets(t, d, verifyAll))
		if crashed != nil {
			must(t, meets(t, crashed, verifyAll))
		}
	}
}

// TestRetainWhileReading: readers that retention overtakes get ErrTrimmed and nothing else.
func TestRetainWhileReading(t *testing.T) {
	d := logtest.NewDisk()
	cfg := small
	cfg.MaxBytes, cfg.TailBytes = 6000, 1
	l := onDisk(t, d, cfg)
	setFloor(l, nowhere)
	done := make(chan error)
	for range 3 {
		go func() { done <- readUntil(l, 400) }()
	}
	for i := range 400 {
		must(t, put(l, rec(0, "%0150d", i)))
	}
	for range 3 {
		must(t, <-done)
	}
}

func readUntil(l *eventlog.Log, end rollcall.Offset) error {
	for at := rollcall.Offset(0); at < end; {
		records, err := l.Fetch(context.Background(), 0, at, 0, 500, nil)
		if errors.Is(err, eventlog.ErrTrimmed) {
			if at, _, err = l.Bounds(context.Background(), 0); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		for _, r := range records {
			if want := fmt.Sprintf("%0150d", r.Offset); string(r.Payload) != want {
				return fmt.Errorf("offset %d holds %s", r.Offset, r.Payload)
			}
			at = r.Next
		}
	}
	return nil
}

// setFloor reports a snapshot of each shard.
func setFloor(l *eventlog.Log, offsets []rollcall.Offset) {
	for shard, offset := range offsets {
		_ = l.Report(context.Background(), []eventlog.Progress{{Shard: shard, Snapshot: offset}})
	}
}
