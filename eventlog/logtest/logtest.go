package logtest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall"
	"rollcall/eventlog"
)

// Log is what the suite tests.
type Log interface {
	eventlog.Appender
	eventlog.Fetcher
	Close() error
}

// Harness is one new, empty log and what the suite can't do through the contract.
type Harness struct {
	Log    Log
	Reopen func() Log                                  // closes the log and opens the same again
	Trim   func(shard int, before rollcall.Offset) Log // deletes some records of the shard that lie before an offset, at least one; gives the log to go on with
}

// New makes a harness with a number of shards.
type New func(t *testing.T, shards int) Harness

// patience is how long the suite waits for what must come; it is no measure of anything.
const patience = time.Minute

// Run runs the conformance suite. Each part has a log of its own.
func Run(t *testing.T, open New) {
	for _, c := range []struct {
		name string
		test func(*testing.T, New)
	}{
		{"empty", testEmpty},
		{"order", testOrder},
		{"resume anywhere", testResume},
		{"fetch waits", testWait},
		{"fetch gives up", testGiveUp},
		{"max bytes", testMaxBytes},
		{"one append over many shards", testManyShards},
		{"concurrent writers and readers", testConcurrent},
		{"reopened", testReopen},
		{"big payloads", testBig},
		{"received", testReceived},
		{"marks are accepted", testMarks},
		{"bad arguments", testArguments},
		{"closed", testClosed},
		{"trimmed", testTrimmed},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

func testEmpty(t *testing.T, open New) {
	h := open(t, 3)
	if n := h.Log.Shards(); n != 3 {
		t.Fatalf("%d shards, want 3", n)
	}
	for shard := range 3 {
		if first, next := bounds(t, h.Log, shard); first != next {
			t.Errorf("shard %d: empty log has bounds [%d, %d)", shard, first, next)
		}
	}
	must(t, h.Log.Append(t.Context(), nil, nil))
}

func testOrder(t *testing.T, open New) {
	h := open(t, 1)
	for i := range 50 {
		must(t, h.Log.Append(t.Context(), []eventlog.Record{rec(0, 1+i%7, i)}, nil))
	}
	records := readAll(t, h.Log, 0)
	checkRun(t, records, 50)
	for i, r := range records {
		if r.Count != 1+i%7 || r.Shard != 0 {
			t.Fatalf("record %d: shard %d count %d", i, r.Shard, r.Count)
		}
	}
	if _, next := bounds(t, h.Log, 0); next != records[49].Next {
		t.Errorf("bounds end at %d, the last record's Next is %d", next, records[49].Next)
	}
}

// testResume: from every Offset and Next that was given, Fetch goes on without a gap and without a repetition.
func testResume(t *testing.T, open New) {
	h := open(t, 1)
	for i := range 20 {
		must(t, h.Log.Append(t.Context(), []eventlog.Record{rec(0, 5, i)}, nil))
	}
	all := readAll(t, h.Log, 0)
	for i, r := range all {
		got := fetch(t, h.Log, 0, r.Offset, 1)
		if string(got[0].Payload) != string(r.Payload) || got[0].Offset != r.Offset {
			t.Fatalf("from offset %d: got the record at %d", r.Offset, got[0].Offset)
		}
		if i+1 < len(all) {
			if got := fetch(t, h.Log, 0, r.Next, 1); got[0].Offset != all[i+1].Offset {
				t.Fatalf("from next %d: got the record at %d, want %d", r.Next, got[0].Offset, all[i+1].Offset)
			}
		}
	}
}

func testWait(t *testing.T, open New) {
	h := open(t, 2)
	_, next := bounds(t, h.Log, 1)
	type answer struct {
		records []eventlog.Record
		err     error
	}
	answers := make(chan answer)
	for range 3 {
		go func() {
			r, err := h.Log.Fetch(t.Context(), 1, next, 0, 1<<20, nil)
			answers <- answer{r, err}
		}()
	}
	must(t, h.Log.Append(t.Context(), []eventlog.Record{rec(0, 1, 0)}, nil))
	must(t, h.Log.Append(t.Context(), []eventlog.Record{rec(1, 1, 7)}, nil))
	for range 3 {
		select {
		case a := <-answers:
			must(t, a.err)
			if len(a.records) != 1 || number(a.records[0]) != 7 {
				t.Errorf("got %d records", len(a.records))
			}
		case <-time.After(patience):
			t.Fatal("a waiting Fetch missed the record")
		}
	}
}

func testGiveUp(t *testing.T, open New) {
	h := open(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := h.Log.Fetch(ctx, 0, 0, 0, 1<<20, nil)
		failed <- err
	}()
	cancel()
	if err := wait(t, failed); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func testMaxBytes(t *testing.T, open New) {
	h := open(t, 1)
	for i := range 10 {
		must(t, h.Log.Append(t.Context(), []eventlog.Record{sized(i, 1000)}, nil))
	}
	first, _ := bounds(t, h.Log, 0)
	if got := fetch(t, h.Log, 0, first, 1); len(got) != 1 {
		t.Errorf("1 byte: got %d records, want one", len(got))
	}
	if got := fetch(t, h.Log, 0, first, 3500); len(got) < 1 || len(got) > 3 {
		t.Errorf("3500 bytes: got %d records of 1000 bytes", len(got))
	}
	buf := make([]eventlog.Record, 5, 64)
	got, err := h.Log.Fetch(t.Context(), 0, first, 0, 1<<20, buf)
	must(t, err)
	if number(got[0]) != 0 {
		t.Error("Fetch does not begin at buf[:0]")
	}
}

func testManyShards(t *testing.T, open New) {
	const shards = 16
	h := open(t, shards)
	batch := make([]eventlog.Record, 0, 4*shards)
	for i := range 4 * shards {
		batch = append(batch, rec(i%shards, 1+i, i))
	}
	must(t, h.Log.Append(t.Context(), batch, nil))
	for shard := range shards {
		records := readAll(t, h.Log, shard)
		if len(records) != 4 {
			t.Fatalf("shard %d: %d records, want 4", shard, len(records))
		}
		for k, r := range records {
			if i := shard + k*shards; number(r) != i || r.Count != 1+i || r.Shard != shard {
				t.Errorf("shard %d record %d: number %d count %d", r.Shard, k, number(r), r.Count)
			}
		}
	}
}

func testConcurrent(t *testing.T, open New) {
	const shards, writers, appends = 4, 8, 50
	h := open(t, shards)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range appends {
				if err := h.Log.Append(t.Context(), []eventlog.Record{rec((w+i)%shards, 3, w<<16|i)}, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	perShard := make([][]eventlog.Record, shards)
	for shard := range shards {
		wg.Go(func() { perShard[shard] = follow(t, h.Log, shard, writers*appends/shards) })
	}
	wg.Wait()
	for shard, records := range perShard {
		last := map[int]int{}
		for i, r := range records {
			w, n := number(r)>>16, number(r)&0xffff
			if before, ok := last[w]; ok && n <= before {
				t.Errorf("shard %d: writer %d: %d after %d", shard, w, n, before)
			}
			if last[w] = n; i > 0 && r.Offset < records[i-1].Next {
				t.Errorf("shard %d: record at %d before %d", shard, r.Offset, records[i-1].Next)
			}
		}
	}
}

func testReopen(t *testing.T, open New) {
	h := open(t, 2)
	log := h.Log
	var before []eventlog.Record
	for round := range 3 {
		for i := range 10 {
			must(t, log.Append(t.Context(), []eventlog.Record{rec(i%2, 2, round*10+i)}, nil))
		}
		before = readAll(t, log, 1)
		log = h.Reopen()
		after := readAll(t, log, 1)
		if !slices.EqualFunc(before, after, same) {
			t.Fatalf("round %d: %d records before, %d after, or different ones", round, len(before), len(after))
		}
	}
}

func testBig(t *testing.T, open New) {
	h := open(t, 1)
	sizes := []int{0, 1, 100, 1 << 20, 900_000, 3, 1<<20 - 1}
	for i, n := range sizes {
		r := sized(i, n)
		must(t, h.Log.Append(t.Context(), []eventlog.Record{r}, nil))
		clear(r.Payload) // payloads are not kept
	}
	for i, r := range readAll(t, h.Log, 0) {
		if want := sized(i, sizes[i]).Payload; !bytes.Equal(r.Payload, want) {
			t.Errorf("record %d: %d bytes, want %d, or different ones", i, len(r.Payload), len(want))
		}
	}
}

func testReceived(t *testing.T, open New) {
	h := open(t, 1)
	earliest := time.Now().Add(-time.Hour).UnixMilli() // clocks of servers may differ
	for i := range 10 {
		must(t, h.Log.Append(t.Context(), []eventlog.Record{rec(0, 1, i)}, nil))
	}
	last := earliest
	for _, r := range readAll(t, h.Log, 0) {
		if r.Received < last {
			t.Errorf("received %d after %d", r.Received, last)
		}
		last = r.Received
	}
}

func testMarks(t *testing.T, open New) {
	h := open(t, 1)
	must(t, h.Log.Append(t.Context(), []eventlog.Record{rec(0, 1, 0)}, &eventlog.Mark{Source: "a", Position: 5}))
	must(t, h.Log.Append(t.Context(), nil, &eventlog.Mark{Source: "a", Position: 9, Done: true}))
	checkRun(t, readAll(t, h.Log, 0), 1)
}

func testArguments(t *testing.T, open New) {
	h := open(t, 2)
	for _, r := range []eventlog.Record{{Shard: -1, Count: 1}, {Shard: 2, Count: 1}, {Count: 0}, {Count: -1}} {
		if h.Log.Append(t.Context(), []eventlog.Record{rec(0, 1, 0), r}, nil) == nil {
			t.Errorf("%+v was accepted", r)
		}
	}
	if _, err := h.Log.Fetch(t.Context(), 2, 0, 0, 1, nil); err == nil {
		t.Error("a fetch from shard 2 of 2 was accepted")
	}
	if first, next := bounds(t, h.Log, 0); first != next {
		t.Error("part of a refused Append was written")
	}
}

func testClosed(t *testing.T, open New) {
	h := open(t, 1)
	failed := make(chan error)
	go func() {
		_, err := h.Log.Fetch(t.Context(), 0, 0, 0, 1<<20, nil)
		failed <- err
	}()
	must(t, h.Log.Close())
	if err := wait(t, failed); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("the Fetch that waited got %v", err)
	}
	if err := h.Log.Append(t.Context(), []eventlog.Record{rec(0, 1, 0)}, nil); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("Append: got %v", err)
	}
	if _, err := h.Log.Fetch(t.Context(), 0, 0, 0, 1, nil); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("Fetch: got %v", err)
	}
	must(t, h.Log.Close())
}

func testTrimmed(t *testing.T, open New) {
	h := open(t, 1)
	for i := range 40 {
		must(t, h.Log.Append(t.Context(), []eventlog.Record{sized(i, 1000)}, nil))
	}
	all := readAll(t, h.Log, 0)
	log := h.Trim(0, all[30].Offset)
	first, next := bounds(t, log, 0)
	if first <= all[0].Offset || first > all[30].Offset || next != all[39].Next {
		t.Fatalf("bounds [%d, %d) after a trim before %d", first, next, all[30].Offset)
	}
	if _, err := log.Fetch(t.Context(), 0, all[0].Offset, 0, 1, nil); !errors.Is(err, eventlog.ErrTrimmed) {
		t.Errorf("got %v, want ErrTrimmed", err)
	}
	kept := readAll(t, log, 0)
	if !slices.EqualFunc(kept, all[len(all)-len(kept):], same) {
		t.Error("what was kept has changed")
	}
}
