package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/eventlog/logtest"
)

const goner = "gone-user"

// blot is an erase for these tests: what the payloads say of goner becomes shorter.
func blot(payload []byte) ([]byte, int, error) {
	n := bytes.Count(payload, []byte(goner))
	return bytes.ReplaceAll(payload, []byte(goner), []byte("-")), n, nil
}

// someRecords puts records into a log, some of which name goner, with marks now and then.
func someRecords(t testing.TB, l *eventlog.Log, rng *rand.Rand, n int) {
	for i := range n {
		var m *eventlog.Mark
		if rng.IntN(4) == 0 {
			m = &eventlog.Mark{Source: fmt.Sprint("source", rng.IntN(3)), Position: int64(i), Done: rng.IntN(5) == 0}
		}
		var records []eventlog.Record
		for range 1 + rng.IntN(3) {
			r := rec(rng.IntN(2), "%d %s %s", i, strings.Repeat(goner, rng.IntN(3)/2), strings.Repeat("x", rng.IntN(200)))
			r.Count = 1 + rng.IntN(5)
			records = append(records, r)
		}
		if err := l.Append(context.Background(), records, m); err != nil {
			t.Fatal(err)
		}
	}
}

// everything gives all records of a log, with payloads that can be kept.
func everything(t testing.TB, l *eventlog.Log) []eventlog.Record {
	var all []eventlog.Record
	for shard := range l.Shards() {
		at, next, err := l.Bounds(context.Background(), shard)
		for err == nil && at < next {
			var some []eventlog.Record
			some, err = l.Fetch(context.Background(), shard, at, 0, 2000, nil)
			for _, r := range some {
				at, all = r.Next, append(all, r)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// compareErased: the records are those of before, each with its payload or with what is left of it; with all, the latter only.
func compareErased(before, after []eventlog.Record, all bool) error {
	if len(before) != len(after) {
		return fmt.Errorf("%d records, had %d", len(after), len(before))
	}
	for i, b := range before {
		a := after[i]
		left, _, _ := blot(b.Payload)
		if a.Shard != b.Shard || a.Offset != b.Offset || a.Next != b.Next || a.Received != b.Received || a.Count != b.Count {
			return fmt.Errorf("record %+v became %+v", b, a)
		}
		if !bytes.Equal(a.Payload, left) && (all || !bytes.Equal(a.Payload, b.Payload)) {
			return fmt.Errorf("record %d of shard %d: %q became %q", b.Offset, b.Shard, b.Payload, a.Payload)
		}
	}
	return nil
}

func noBytesOf(d *logtest.Disk) error {
	files, err := d.List("")
	for _, f := range files {
		if bytes.Contains(d.Content(filepath.Join("log", f.Name)), []byte(goner)) {
			err = errors.Join(err, fmt.Errorf("%s holds what was erased", f.Name))
		}
	}
	return err
}

// TestErase: after it every record has its place, time and count, the others their bytes, no byte of the erased is on
// the disk, and marks stay; then, and after reopening, and after more of the same.
func TestErase(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 0))
		d, now := logtest.NewDisk(), time.UnixMilli(0)
		deps := eventlog.Deps{FS: d, Now: func() time.Time { now = now.Add(time.Second); return now }}
		l, err := eventlog.Open(small, deps)
		for round := 0; round < 2 && err == nil; round++ {
			someRecords(t, l, rng, rng.IntN(20))
			before, marks := everything(t, l), fmt.Sprint(l.Marks())
			want := int64(0)
			for _, b := range before {
				want += int64(bytes.Count(b.Payload, []byte(goner)))
			}
			var e eventlog.Erased
			e, err = l.Erase(context.Background(), blot, nil)
			if err == nil && e.Events != want {
				err = fmt.Errorf("%d erased, want %d", e.Events, want)
			}
			for range 2 {
				err = errors.Join(err, compareErased(before, everything(t, l), true), noBytesOf(d), l.Verify(context.Background()))
				if got := fmt.Sprint(l.Marks()); got != marks {
					err = errors.Join(err, fmt.Errorf("marks %s were %s", got, marks))
				}
				if err = errors.Join(err, l.Close()); err == nil {
					l, err = eventlog.Open(small, deps)
				}
				if err != nil {
					break
				}
			}
			if again, err := l.Erase(context.Background(), blot, nil); err != nil || again.Segments > 0 {
				r.Fatalf("erased again: %+v, %v", again, err)
			}
		}
		if err != nil {
			r.Fatal(err)
		}
		if err := l.Close(); err != nil {
			r.Fatal(err)
		}
	})
}

// TestEraseCrashAtEachStep: whenever the power fails, the log opens whole, each record with its old or its new payload, and
// erasing again completes it, though the power may fail while it is opened too.
func TestEraseCrashAtEachStep(t *testing.T) {
	for step := 1; ; step++ {
		rng := rand.New(rand.NewPCG(uint64(step), 5))
		d := logtest.NewDisk()
		l := onDisk(t, d, small)
		someRecords(t, l, rand.New(rand.NewPCG(1, 2)), 15)
		before := everything(t, l)
		var after *logtest.Disk
		at := d.Ops() + step
		d.SetFault(func(op logtest.Op) (int, error) {
			if op.Number == at {
				after = d.CrashLocked(rng.IntN)
			}
			return op.Size, nil
		})
		_, err := l.Erase(t.Context(), blot, nil)
		must(t, err)
		must(t, l.Close())
		if after == nil {
			if step < 20 {
				t.Fatalf("only %d steps", step)
			}
			return
		}
		l = onDisk(t, after, small)
		must(t, l.Verify(t.Context()))
		if err := compareErased(before, everything(t, l), false); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		must(t, put(l, rec(0, "goes on")))
		_, err = l.Erase(t.Context(), blot, nil)
		must(t, err)
		last := slices.IndexFunc(everything(t, l), func(r eventlog.Record) bool { return string(r.Payload) == "goes on" })
		if err := errors.Join(compareErased(before, slices.Delete(everything(t, l), last, last+1), true), noBytesOf(after), l.Verify(t.Context())); err != nil {
			t.Fatalf("step %d, completed: %v", step, err)
		}
		must(t, l.Close())
	}
}

// TestEraseFails: whichever operation fails, or is cut off by a full disk, all can be read, and erasing again completes it.
func TestEraseFails(t *testing.T) {
	for _, fault := range []error{errBroken, fs.ErrPermission} {
		for n := range 60 {
			d := logtest.NewDisk()
			l := onDisk(t, d, small)
			someRecords(t, l, rand.New(rand.NewPCG(1, 2)), 15)
			before := everything(t, l)
			d.SetFault(oneFault(d.Ops()+1+n, n*13%50, fault))
			_, failed := l.Erase(t.Context(), blot, nil)
			if failed != nil && !errors.Is(failed, fault) {
				t.Errorf("operation %d: %v", n, failed)
			}
			d.SetFault(nil)
			if err := compareErased(before, everything(t, l), failed == nil); err != nil {
				t.Fatalf("operation %d: %v", n, err)
			}
			if l.Stats().Failed != nil { // it was the end of the last segment that failed
				must(t, l.Close())
				l = onDisk(t, d, small)
			}
			_, err := l.Erase(t.Context(), blot, nil)
			must(t, err)
			if err := errors.Join(compareErased(before, everything(t, l), true), noBytesOf(d), l.Verify(t.Context())); err != nil {
				t.Fatalf("operation %d, completed: %v", n, err)
			}
			must(t, l.Close())
		}
	}
}

// TestEraseBesideOthers: beside writers, readers, retention and a check, on real files, every reader sees each record whole,
// old or new, and at the end nothing of what was there before is left in the directory.
func TestEraseBesideOthers(t *testing.T) {
	cfg := eventlog.Config{Dir: t.TempDir(), Shards: 2, SegmentBytes: 4000, TailBytes: 1, MaxBytes: 1 << 20}
	l := open(t, cfg, eventlog.Deps{})
	someRecords(t, l, rand.New(rand.NewPCG(3, 4)), 300)
	must(t, l.Report(t.Context(), []eventlog.Progress{{Shard: 0, Snapshot: 100}, {Shard: 1, Snapshot: 100}}))
	var wg sync.WaitGroup
	done := make(chan struct{})
	repeat := func(f func() error) {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := f(); err != nil && !errors.Is(err, eventlog.ErrTrimmed) {
					t.Error(err)
					return
				}
			}
		})
	}
	repeat(func() error { return put(l, rec(0, "fresh %0100d", 0), rec(1, "fresh")) })
	repeat(func() error { return readOnce(l) })
	repeat(func() error { return readOnce(l) })
	repeat(func() error { return l.Verify(t.Context()) })
	repeat(func() error { _, err := l.Retain(time.Now()); return err })
	seen := int64(0)
	e, err := l.Erase(t.Context(), blot, func(done, total int64) {
		if done < seen || done > total {
			t.Errorf("progress %d of %d after %d", done, total, seen)
		}
		seen = done
	})
	close(done)
	wg.Wait()
	must(t, err)
	if e.Segments < 3 || e.Events == 0 || e.Bytes <= 0 || e.Until[0] == 0 {
		t.Errorf("%+v", e)
	}
	must(t, l.Verify(t.Context()))
	must(t, filepath.WalkDir(cfg.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(goner)) || strings.Contains(path, goner) {
			t.Errorf("%s holds what was erased", path)
		}
		return err
	}))
	before := l.Stats()
	must(t, l.Close())
	l = open(t, cfg, eventlog.Deps{})
	if after := l.Stats(); after.Bytes < before.Bytes-100 || after.Shards[0] != before.Shards[0] {
		t.Errorf("%+v, reopened %+v", before, after)
	}
}

func readOnce(l *eventlog.Log) error {
	for shard := range l.Shards() {
		at, next, err := l.Bounds(context.Background(), shard)
		if err != nil {
			return err
		}
		for at < next {
			some, err := l.Fetch(context.Background(), shard, at, 0, 3000, nil)
			if err != nil {
				return err
			}
			for _, r := range some {
				if r.Offset != at || r.Next != at+rollcall.Offset(r.Count) {
					return fmt.Errorf("shard %d: at %d came %+v", shard, at, r)
				}
				at = r.Next
			}
		}
	}
	return nil
}

// TestEraseStops when its context ends, and leaves nothing behind.
func TestEraseStops(t *testing.T) {
	d := logtest.NewDisk()
	l := onDisk(t, d, small)
	someRecords(t, l, rand.New(rand.NewPCG(1, 2)), 15)
	before := everything(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := l.Erase(ctx, func(p []byte) ([]byte, int, error) { cancel(); return blot(p) }, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	must(t, compareErased(before, everything(t, l), false))
	must(t, l.Verify(t.Context()))
	must(t, l.Close())
	if _, err := l.Erase(t.Context(), blot, nil); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestErasedSegmentDamage: a segment that was written anew is as well guarded as any: each flipped bit and each cut is met, on opening or
// when all is checked, and a missing file is.
func TestErasedSegmentDamage(t *testing.T) {
	d, _ := sealedLog(t)
	l := onDisk(t, d, small)
	before := everything(t, l)
	e, err := l.Erase(t.Context(), func(p []byte) ([]byte, int, error) {
		return bytes.TrimLeft(p, "0"), bytes.Count(p[:1], []byte("0")), nil
	}, nil)
	must(t, err)
	must(t, l.Close())
	if e.Segments < 3 || len(before) != 24 {
		t.Fatalf("%+v, %d records", e, len(before))
	}
	files, err := d.List("")
	must(t, err)
	for _, f := range files {
		if !strings.HasSuffix(f.Name, ".1.seg") {
			continue
		}
		name := filepath.Join("log", f.Name)
		content := d.Content(name)
		if meets(t, d.With(name, nil), verifyAll) == nil && !strings.HasPrefix(f.Name, "00000000000000000001") { // the first may have been trimmed
			t.Errorf("%s is missing, and nobody says so", name)
		}
		for i := range content {
			bad := slices.Clone(content)
			bad[i] ^= 1 << (i % 8)
			if meets(t, d.With(name, bad), verifyAll) == nil {
				t.Errorf("%s: a bit in byte %d", name, i)
			}
			if meets(t, d.With(name, content[:i]), verifyAll) == nil {
				t.Errorf("%s: cut at %d", name, i)
			}
		}
	}
}
