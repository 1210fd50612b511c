package eventlog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"rollcall/eventlog"
	"rollcall/eventlog/logtest"
)

// history is what writers were told, and what readers saw.
type history struct {
	mu    sync.Mutex
	tried map[string]int // payload prefix of an Append → its number of records
	acked []string
	seen  [][]string // by shard, from offset 0
}

func newHistory() *history { return &history{tried: map[string]int{}, seen: make([][]string, 2)} }

func (h *history) clone() *history {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := newHistory()
	for k, v := range h.tried {
		c.tried[k] = v
	}
	c.acked = slices.Clone(h.acked)
	for i := range h.seen {
		c.seen[i] = slices.Clone(h.seen[i])
	}
	return c
}

// try makes one Append of n records over both shards, of size bytes each.
func (h *history) try(l *eventlog.Log, name string, n, size int) error {
	var records []eventlog.Record
	for i := range n {
		records = append(records, rec(i%2, "%s/%d/%s", name, i, strings.Repeat("x", size)))
	}
	h.mu.Lock()
	h.tried[name] = n
	h.mu.Unlock()
	writer, position, _ := strings.Cut(name, ".")
	m := eventlog.Mark{Source: writer}
	if _, err := fmt.Sscan(position, &m.Position); err != nil {
		return err
	}
	err := l.Append(context.Background(), records, &m)
	if err == nil {
		h.mu.Lock()
		h.acked = append(h.acked, name)
		h.mu.Unlock()
	}
	return err
}

// look notes what a shard holds now.
func (h *history) look(l *eventlog.Log) error {
	all, err := contents(l)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for shard, payloads := range all {
		if len(payloads) > len(h.seen[shard]) {
			h.seen[shard] = payloads
		}
	}
	return nil
}

// check holds a log that was opened again against the history.
func (h *history) check(l *eventlog.Log) error {
	all, err := contents(l)
	if err != nil {
		return err
	}
	found, last := map[string]int{}, map[string]int64{}
	for shard, payloads := range all {
		if seen := h.seen[shard]; len(seen) > len(payloads) || !slices.Equal(seen, payloads[:len(seen)]) {
			return fmt.Errorf("shard %d: had %d records and has %d, or others", shard, len(seen), len(payloads))
		}
		for _, p := range payloads {
			name, _, _ := strings.Cut(p, "/")
			found[name]++
		}
	}
	for name, n := range found {
		if n != h.tried[name] {
			return fmt.Errorf("append %s: %d of %d records", name, n, h.tried[name])
		}
		writer, position, _ := strings.Cut(name, ".")
		var at int64
		if _, err := fmt.Sscan(position, &at); err != nil {
			return err
		}
		last[writer] = max(last[writer], at)
	}
	for _, name := range h.acked {
		if found[name] == 0 {
			return fmt.Errorf("append %s was acknowledged and is gone", name)
		}
	}
	for writer, at := range l.Marks() {
		if last[writer] != at {
			return fmt.Errorf("mark of writer %s is %d, its last append is %d", writer, at, last[writer])
		}
		delete(last, writer)
	}
	if len(last) > 0 {
		return fmt.Errorf("marks missing: %v", last)
	}
	return nil
}

var small = eventlog.Config{Dir: "log", Shards: 2, SegmentBytes: 600, TailBytes: 2000}

// TestCrash: writers and a reader run, the power fails at a random operation, and the log is opened again; then the
// same once more on what was left.
func TestCrash(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 1))
		d, h := logtest.NewDisk(), newHistory()
		for round := range 3 {
			d, h = crashOnce(t, rng, d, h, round)
			l, err := eventlog.Open(small, eventlog.Deps{FS: d})
			if err == nil {
				err = h.check(l)
			}
			if err == nil {
				err = l.Verify(t.Context())
			}
			if err != nil {
				t.Fatalf("seed %d round %d: %v", seed, round, err)
			}
			must(t, h.look(l))
			must(t, l.Close())
		}
	}
}

// crashOnce gives the disk after the crash, and the history up to it.
func crashOnce(t *testing.T, rng *rand.Rand, d *logtest.Disk, h *history, round int) (*logtest.Disk, *history) {
	var after *logtest.Disk
	var until *history
	at := d.Ops() + 1 + rng.IntN(80)
	plan := [3][2]int{}
	for w := range plan {
		plan[w] = [2]int{1 + rng.IntN(4), rng.IntN(200)}
	}
	d.SetFault(func(op logtest.Op) (int, error) {
		if op.Number == at {
			after, until = d.CrashLocked(rng.IntN), h.clone()
		}
		return op.Size, nil
	})
	l, err := eventlog.Open(small, eventlog.Deps{FS: d})
	must(t, err)
	var wg sync.WaitGroup
	for w, p := range plan {
		wg.Go(func() {
			for i := range 15 {
				if err := h.try(l, fmt.Sprintf("w%d.%d", w, round*100+i), p[0], p[1]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 5 {
			if err := h.look(l); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	must(t, l.Close())
	if after == nil {
		after, until = d.Crash(rng.IntN), h
	}
	return after, until
}

// TestCrashProperty: one writer, any sizes, a crash between any two operations; rapid finds the smallest case.
func TestCrashProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d, h := logtest.NewDisk(), newHistory()
		sizes := rapid.SliceOfN(rapid.IntRange(0, 400), 1, 12).Draw(r, "sizes")
		at := rapid.IntRange(1, 5+3*len(sizes)).Draw(r, "crash at operation")
		var after *logtest.Disk
		var until *history
		d.SetFault(func(op logtest.Op) (int, error) {
			if op.Number == at {
				after = d.CrashLocked(func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "choice") })
				until = h.clone()
			}
			return op.Size, nil
		})
		l, err := eventlog.Open(small, eventlog.Deps{FS: d})
		for i := 0; i < len(sizes) && err == nil; i++ {
			err = h.try(l, fmt.Sprintf("w.%d", i+1), 1+i%3, sizes[i])
		}
		if err == nil {
			err = l.Close()
		}
		if after == nil {
			after, until = d, h
			d.SetFault(nil)
		}
		if err == nil {
			l, err = eventlog.Open(small, eventlog.Deps{FS: after})
		}
		if err == nil {
			err = until.check(l)
			_ = l.Close()
		}
		if err != nil {
			r.Fatal(err)
		}
	})
}
