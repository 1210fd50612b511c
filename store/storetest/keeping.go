package storetest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// testViewIsolation: a view shows the same through commits, compactions and expiries after it.
func testViewIsolation(t *testing.T, open Open) {
	s := open(t, dims, 1)
	m := newModel(1)
	m.shards[0] = acquire(t, s, 0)
	for range 3 {
		c := &store.Commit{At: 1, Shards: []store.ShardCommit{full(m.shards[0])}}
		must(t, s.Commit(context.Background(), c))
		m.apply(c)
	}
	held, as := viewOf(t, s), m.clone()
	for range 3 {
		c := &store.Commit{At: 2, Shards: []store.ShardCommit{full(m.shards[0])}}
		must(t, s.Commit(context.Background(), c))
		m.apply(c)
		as.check(t, held)
	}
	_, err := s.Compact(context.Background(), true, join)
	must(t, err)
	must(t, s.Expire(context.Background(), rollcall.Day, math.MaxInt32))
	as.check(t, held)
	must(t, held.Close())
	must(t, held.Close())
	if _, err := held.Cells(context.Background(), rollcall.Day, 0, low, high); err == nil {
		t.Fatal("a closed view still reads")
	}
}

// testLedgerSums: hash sums are mod 2^128, whatever overflows on the way.
func testLedgerSums(t *testing.T, open Open) {
	s := open(t, dims, 1)
	m := newModel(1)
	m.shards[0] = acquire(t, s, 0)
	for _, hash := range [][2]uint64{{math.MaxUint64, math.MaxUint64}, {0, 1}, {1 << 63, 1 << 63}, {1 << 63, 1 << 63}, {math.MaxUint64, math.MaxUint64}} {
		c := advance(m.shards[0], 1)
		row := store.LedgerRow{Hour: -3600_000, Count: 1, HashHi: hash[0], HashLo: hash[1]}
		c.Ledger = []store.LedgerRow{row, row}
		commit := &store.Commit{At: 1, Shards: []store.ShardCommit{c}}
		must(t, s.Commit(context.Background(), commit))
		m.apply(commit)
		v := viewOf(t, s)
		m.check(t, v)
		must(t, v.Close())
	}
}

// testExpire: what is before the period goes, of that grain only, and its versions tell.
func testExpire(t *testing.T, open Open) {
	s := open(t, dims, 1)
	m := newModel(1)
	m.shards[0] = acquire(t, s, 0)
	c := advance(m.shards[0], 1)
	for _, grain := range []rollcall.Grain{rollcall.Minute, rollcall.Hour, rollcall.Day} {
		for period := range block.Period(4) {
			var b block.CellsBuilder
			b.Reset(block.CellKey{Grain: grain, Period: period})
			b.Add(0, nil, &rollcall.Counters{1})
			c.Cells = append(c.Cells, b.Build())
		}
	}
	commit := &store.Commit{At: 1, Shards: []store.ShardCommit{c}}
	must(t, s.Commit(context.Background(), commit))
	m.apply(commit)
	before := viewOf(t, s)
	defer func() { _ = before.Close() }()
	for _, grain := range []rollcall.Grain{rollcall.Minute, rollcall.Hour} {
		must(t, s.Expire(context.Background(), grain, 2))
		m.expire(grain, 2)
	}
	after := viewOf(t, s)
	defer func() { _ = after.Close() }()
	m.check(t, after)
	for _, grain := range []rollcall.Grain{rollcall.Minute, rollcall.Hour} {
		for period := range block.Period(4) {
			was, is := before.Head().Stamp(store.ClockOf(grain), period), after.Head().Stamp(store.ClockOf(grain), period)
			if (was != is) != (period < 2) {
				t.Fatalf("%v %d: version %d, then %d", grain, period, was, is)
			}
		}
	}
}

// testLetters: letters come back byte for byte, in order, from any number on.
func testLetters(t *testing.T, open Open) {
	s := open(t, dims, 1)
	letters := []store.DeadLetter{
		{At: 1, Source: "f.ndjson:7", Reason: "syntax", Detail: "unexpected 'x'", Raw: []byte("{\x00\xff")},
		{At: 2, Source: "\xff", Reason: "", Detail: "'; DROP TABLE letters; --", Raw: nil},
		{At: 3, Raw: bytes.Repeat([]byte("long "), 10_000)},
	}
	must(t, s.Quarantine(context.Background(), letters[:2]))
	must(t, s.Quarantine(context.Background(), letters[2:]))
	must(t, s.Quarantine(context.Background(), nil))
	m := newModel(1)
	m.letters = letters
	m.checkRest(t, s)
	first, err := s.Letters(context.Background(), store.LetterQuery{Limit: 1})
	must(t, err)
	rest, err := s.Letters(context.Background(), store.LetterQuery{After: first[0].Number, Limit: 10})
	must(t, err)
	if len(first) != 1 || len(rest) != 2 || rest[0].Number <= first[0].Number || rest[1].At != 3 {
		t.Fatalf("%d and %d letters", len(first), len(rest))
	}
	testCutLetters(t, s, letters)
	testLettersFromTheEnd(t, s, rest)
}

// testCutLetters: of a long record no more is read than was asked for, and its length is known.
func testCutLetters(t *testing.T, s Store, letters []store.DeadLetter) {
	for _, most := range []int{0, 1, 3, 1 << 20} {
		got, err := s.Letters(context.Background(), store.LetterQuery{Limit: 10, MaxRaw: most})
		must(t, err)
		for i := range got {
			want := letters[i].Raw
			if most > 0 {
				want = want[:min(most, len(want))]
			}
			if !bytes.Equal(got[i].Raw, want) || got[i].Bytes != len(letters[i].Raw) {
				t.Fatalf("at most %d: letter %d has %d bytes of %d, want %d of %d", most, i, len(got[i].Raw), got[i].Bytes, len(want), len(letters[i].Raw))
			}
		}
	}
}

// testLettersFromTheEnd: the newest come first when asked, page by page and by reason, and the newest are counted.
func testLettersFromTheEnd(t *testing.T, s Store, rest []store.DeadLetter) {
	must(t, s.Quarantine(context.Background(), []store.DeadLetter{{At: 9, Reason: "syntax"}, {At: 8, Reason: "late"}, {At: 7, Reason: "syntax"}}))
	list := func(q store.LetterQuery) (times []int64, last int64) {
		letters, err := s.Letters(context.Background(), q)
		must(t, err)
		for _, l := range letters {
			times, last = append(times, l.At), l.Number
		}
		return times, last
	}
	page, last := list(store.LetterQuery{Newest: true, Limit: 2})
	next, _ := list(store.LetterQuery{Newest: true, Limit: 2, Before: last})
	between, _ := list(store.LetterQuery{After: rest[0].Number, Before: last, Limit: 10})
	syntax, _ := list(store.LetterQuery{Newest: true, Reason: "syntax", Limit: 10})
	for _, c := range []struct{ got, want []int64 }{{page, []int64{7, 8}}, {next, []int64{9, 3}}, {between, []int64{3, 9}}, {syntax, []int64{7, 9, 1}}} {
		if !slices.Equal(c.got, c.want) {
			t.Fatalf("letters of %v, want %v", c.got, c.want)
		}
	}
	for most, want := range map[int][]store.LetterCount{
		100: {{Reason: "syntax", Count: 3, Newest: 9}, {Reason: "", Count: 2, Newest: 3}, {Reason: "late", Count: 1, Newest: 8}},
		2:   {{Reason: "late", Count: 1, Newest: 8}, {Reason: "syntax", Count: 1, Newest: 7}},
		0:   nil,
	} {
		counts, err := s.CountLetters(context.Background(), most)
		must(t, err)
		if !slices.Equal(counts, want) {
			t.Fatalf("of %d: %+v, want %+v", most, counts, want)
		}
	}
}

// testDeletedLetters: what is deleted is gone, the rest stays, and no number is given twice.
func testDeletedLetters(t *testing.T, open Open) {
	s, ctx := open(t, dims, 1), context.Background()
	keep := func(n int) {
		letters := make([]store.DeadLetter, n)
		for i := range letters {
			letters[i] = store.DeadLetter{At: int64(i), Reason: "syntax", Raw: []byte{byte(i)}}
		}
		must(t, s.Quarantine(ctx, letters))
	}
	numbers := func() (found []int64) {
		letters, err := s.Letters(ctx, store.LetterQuery{Limit: 10_000})
		must(t, err)
		for i := range letters {
			found = append(found, letters[i].Number)
		}
		return found
	}
	keep(2500)
	all := numbers()
	drop := func(want int64, numbers ...int64) {
		if n, err := s.DeleteLetters(ctx, numbers); err != nil || n != want {
			t.Fatalf("deleted %d, want %d: %v", n, want, err)
		}
	}
	drop(0)
	drop(2480, append(all[10:2490:2490], all[20], all[2499]+1000)...)
	drop(0, all[10:20]...)
	if want := slices.Concat(all[:10], all[2490:]); !slices.Equal(numbers(), want) {
		t.Fatalf("left %v, want %v", numbers(), want)
	}
	drop(20, all...)
	keep(1)
	if left := numbers(); len(left) != 1 || left[0] <= all[len(all)-1] {
		t.Fatalf("%v, after %d was given", left, all[len(all)-1])
	}
}

func testSizes(t *testing.T, open Open) {
	s := open(t, dims, 1)
	must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{full(acquire(t, s, 0))}}))
	sizes, err := s.Sizes(context.Background())
	must(t, err)
	found := map[string]store.Size{}
	for _, size := range sizes {
		found[size.Name] = size
	}
	for _, name := range []string{"cells/day", "sets/day", "users", "ledger", "history"} {
		if found[name].Chunks != 1 || found[name].Bytes <= 0 {
			t.Fatalf("%s: %+v in %+v", name, found[name], sizes)
		}
	}
	if found["other"].Bytes <= 0 {
		t.Fatalf("%+v", sizes)
	}
}

// testPeriods: the version of a period is that of the last commit that touched it, in this view.
func testPeriods(t *testing.T, open Open) {
	s := open(t, dims, 1)
	p := acquire(t, s, 0)
	held := viewOf(t, s)
	defer func() { _ = held.Close() }()
	var versions []uint64
	for i := range 3 {
		c := full(p)
		if i == 1 {
			c.Cells, c.Sets = nil, nil
		}
		must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}))
		p = c.To
		v := viewOf(t, s)
		h := v.Head()
		versions = append(versions, h.Version)
		if want := versions[i&^1]; h.Stamp(store.DayClock, 20_000) != want {
			t.Fatalf("commit %d: version %d, want %d", i, h.Stamp(store.DayClock, 20_000), want)
		}
		if h.Stamp(store.MinuteClock, 20_000) != 0 || h.Stamp(store.DayClock, 20_001) != 0 {
			t.Fatal("a period that was not touched has a version")
		}
		must(t, v.Close())
	}
	if versions[0] >= versions[1] || versions[1] >= versions[2] || held.Head().Stamp(store.DayClock, 20_000) != 0 {
		t.Fatalf("%v", versions)
	}
}

// testCompactBesideCommits: compactions, commits and views at the same time lose and double nothing.
func testCompactBesideCommits(t *testing.T, open Open) {
	s := open(t, dims, 1)
	m := newModel(1)
	m.shards[0] = acquire(t, s, 0)
	done, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		var err error
		for all := false; err == nil; all = !all {
			select {
			case <-done:
				stopped <- nil
				return
			default:
				_, err = s.Compact(context.Background(), all, join)
			}
		}
		stopped <- err
	}()
	for i := range 60 {
		sc := full(m.shards[0])
		sc.State[0].Data, sc.State[0].Full = []byte{byte(i)}, i%7 == 0
		c := &store.Commit{At: 1, Shards: []store.ShardCommit{sc}}
		must(t, s.Commit(context.Background(), c))
		m.apply(c)
		v := viewOf(t, s)
		m.check(t, v)
		must(t, v.Close())
		m.checkRest(t, s)
	}
	close(done)
	must(t, <-stopped)
}

// testFailingMerge: when state can't be merged, compaction says so and changes nothing.
func testFailingMerge(t *testing.T, open Open) {
	s := open(t, dims, 1)
	m := newModel(1)
	m.shards[0] = acquire(t, s, 0)
	for range 2 {
		c := &store.Commit{At: 1, Shards: []store.ShardCommit{full(m.shards[0])}}
		must(t, s.Commit(context.Background(), c))
		m.apply(c)
	}
	broken := errors.New("broken")
	_, err := s.Compact(context.Background(), true, func(store.StateKey, [][]byte) ([]byte, error) { return nil, broken })
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	m.checkRest(t, s)
	v := viewOf(t, s)
	defer func() { _ = v.Close() }()
	m.check(t, v)
}
