package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// dayCells is a block of one row.
func dayCells(period block.Period, events int64) *block.Cells {
	var b block.CellsBuilder
	b.Reset(block.CellKey{Grain: rollcall.Day, Period: period})
	b.Add(0, nil, &rollcall.Counters{rollcall.Events: events})
	return b.Build()
}

func daySets(period block.Period, shard int, users ...uint32) *block.Sets {
	var b block.SetsBuilder
	b.Reset(block.SetKey{Grain: rollcall.Day, Period: period, Shard: shard}, 0)
	for _, u := range users {
		b.Add(nil, u, 1)
	}
	return b.Build()
}

// next is a commit that moves a shard by one.
func next(p store.Position) store.ShardCommit {
	c := store.ShardCommit{From: p.Offset, To: p}
	c.To.Offset++
	c.To.Accepted++
	return c
}

// The number of views is bounded: one too many waits for its context, and a view ends with its context.
func TestViewsAreBounded(t *testing.T) {
	s := openTest(t, newPath(t), nil, 1)
	lifetime, end := context.WithCancel(context.Background())
	defer end()
	var views []store.View
	for range maxViews {
		v, err := s.View(lifetime)
		must(t, err)
		views = append(views, v)
	}
	short, cancel := context.WithCancel(context.Background())
	cancel()
	for range 20 { // which ready case a select takes is not told
		if _, err := s.View(short); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	acquire(t, s, 0) // views in plenty stop nobody who writes
	if _, err := s.State(context.Background(), store.StateKey{}); err != nil {
		t.Fatal(err)
	}
	end()
	for range maxViews {
		v, err := s.View(context.Background())
		must(t, err)
		defer func() { must(t, v.Close()) }()
	}
	if _, err := views[0].Ledger(context.Background(), 0, 1, false); err == nil {
		t.Fatal("a view outlived its context")
	}
}

// Several goroutines may read one view.
func TestViewIsConcurrent(t *testing.T) {
	s := openTest(t, newPath(t), nil, 1)
	c := next(acquire(t, s, 0))
	for p := range block.Period(50) {
		c.Cells = append(c.Cells, dayCells(p, int64(p)+1))
	}
	commit(t, s, c)
	v, err := s.View(context.Background())
	must(t, err)
	defer func() { must(t, v.Close()) }()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			blocks, err := v.Cells(context.Background(), rollcall.Day, 0, 0, 50)
			if err != nil || len(blocks) != 50 || blocks[49].Counters[rollcall.Events][0] != 50 {
				t.Errorf("%d blocks, %v", len(blocks), err)
			}
		})
	}
	wg.Wait()
}

// A read that its context stops leaves the view and its session of use.
func TestStoppedReadLeavesTheView(t *testing.T) {
	s := openTest(t, newPath(t), nil, 1)
	c := next(acquire(t, s, 0))
	c.Cells = []*block.Cells{dayCells(1, 1)}
	commit(t, s, c)
	v, err := s.View(context.Background())
	must(t, err)
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := v.Cells(stopped, rollcall.Day, 0, 0, 9); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if blocks, err := v.Cells(context.Background(), rollcall.Day, 0, 0, 9); err != nil || len(blocks) != 1 {
		t.Fatal(blocks, err)
	}
	must(t, v.Close())
}

// A head that was seen does not change, and one of an older snapshot is right after a newer one was cached.
func TestHeadsAreOfTheirSnapshot(t *testing.T) {
	s := openTest(t, newPath(t), []string{"a"}, 1)
	p := acquire(t, s, 0)
	var views []store.View
	for i := range 5 {
		c := next(p)
		c.Cells = []*block.Cells{dayCells(block.Period(i), 1)}
		commit(t, s, c)
		p = c.To
		_, err := s.Intern(context.Background(), 0, []string{fmt.Sprint("v", i)})
		must(t, err)
		v, err := s.View(context.Background())
		must(t, err)
		views = append(views, v)
		if i == 2 {
			must(t, s.Expire(context.Background(), rollcall.Day, 1))
		}
	}
	for i, v := range views {
		h := v.Head()
		if len(h.Values[0]) != 3+i || h.Values[0][2+i] != fmt.Sprint("v", i) || h.Stamp(store.DayClock, block.Period(i)) == 0 ||
			h.Stamp(store.DayClock, block.Period(i+1)) != 0 || h.Shards[0].Accepted != int64(i+1) {
			t.Fatalf("view %d: %+v", i, h)
		}
		older := headCache{last: &snapshot{revision: 1 << 40}}
		alone, err := older.of(context.Background(), v.(*view).session)
		must(t, err)
		if fmt.Sprint(alone.Values, alone.Shards, alone.Version) != fmt.Sprint(h.Values, h.Shards, h.Version) {
			t.Fatalf("view %d: %+v, want %+v", i, alone, h)
		}
		must(t, v.Close())
	}
}

// A damaged blob is named, wherever it is read, and nothing that is whole is refused.
func TestDamageIsNamed(t *testing.T) {
	s := openTest(t, newPath(t), nil, 1)
	p := acquire(t, s, 0)
	for range 2 {
		c := next(p)
		c.Cells = []*block.Cells{dayCells(20_000, 1), dayCells(20_001, 1)}
		c.Sets = []*block.Sets{daySets(20_000, 0, 1, 2, 3)}
		commit(t, s, c)
		p = c.To
	}
	must(t, s.writer.alone(context.Background(), func(ctx context.Context, t *session) error {
		_, err := t.exec(ctx, "UPDATE chunks SET data = substr(data, 1, length(data)-1) WHERE c = 20000")
		return err
	}))
	v, err := s.View(context.Background())
	must(t, err)
	defer func() { must(t, v.Close()) }()
	_, cells := v.Cells(context.Background(), rollcall.Day, 0, 20_000, 20_002)
	_, sets := v.Sets(context.Background(), rollcall.Day, 0, 20_000, 20_002, true)
	_, compact := s.Compact(context.Background(), true, nil)
	for want, err := range map[string]error{"cells of day 2024-10-04 cuboid 0x0": cells, "sets of day 2024-10-04 shard 0": sets, "day 2024-10-04": compact} {
		if !errors.Is(err, block.ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if blocks, err := v.Cells(context.Background(), rollcall.Day, 0, 20_001, 20_002); err != nil || len(blocks) != 1 {
		t.Fatal(blocks, err)
	}
}

// The reads use the index: they never sort, nor scan other keys' chunks.
func TestReadsFollowTheIndex(t *testing.T) {
	s := openTest(t, newPath(t), nil, 1)
	for _, query := range []string{selectChunks, selectWithMasks, selectChunksOf} {
		rows, err := s.writer.session.conn.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, 1, 2, 0, 4, 5, 6)
		must(t, err)
		for rows.Next() {
			var id, parent, unused int
			var detail string
			must(t, rows.Scan(&id, &parent, &unused, &detail))
			if !strings.Contains(detail, "USING INDEX chunks_by_key (kind=? AND a=? AND b=? AND c") || strings.Contains(detail, "TEMP B-TREE") {
				t.Errorf("%s: %s", query, detail)
			}
		}
		must(t, errors.Join(rows.Err(), rows.Close()))
	}
}

// Drops are found without passing over the rows of hours that have none.
func TestDropsHaveAnIndex(t *testing.T) {
	s := openTest(t, newPath(t), nil, 1)
	rows, err := s.writer.session.conn.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+selectDropped, 1, 2)
	must(t, err)
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		if !strings.Contains(detail, "USING INDEX ledger_dropped (hour>? AND hour<?)") {
			t.Error(detail)
		}
	}
	must(t, errors.Join(rows.Err(), rows.Close()))
}
