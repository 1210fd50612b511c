package mysql

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

var testDims = []string{"campaign", "age"}

func join(_ store.StateKey, chunks [][]byte) ([]byte, error) { return bytes.Join(chunks, nil), nil }

// randomPart is a shard's part of a commit of so many events: cells of the full cuboid for three days, which all shards
// share, sets, state and ledger.
func randomPart(rnd *rand.Rand, p store.Position, events int) store.ShardCommit {
	c := store.ShardCommit{From: p.Offset, To: p}
	c.To.Offset += rollcall.Offset(events)
	c.To.Accepted += int64(events)
	for day := range block.Period(3) {
		var b block.CellsBuilder
		b.Reset(block.CellKey{Grain: rollcall.Day, Period: 20_000 + day, Cuboid: 3})
		for range 20 {
			n := rnd.Int64N(5) - 1 // deltas have signs
			b.Add(0, []rollcall.Value{rollcall.Value(rnd.IntN(6)), rollcall.Value(rnd.IntN(3))}, &rollcall.Counters{n, n, -n, 1001 * n, n, n, n})
		}
		c.Cells = append(c.Cells, b.Build())
	}
	var sets block.SetsBuilder
	sets.Reset(block.SetKey{Grain: rollcall.Day, Period: 20_000, Shard: p.Shard}, len(testDims))
	sets.Add([]rollcall.Value{2, 2}, rnd.Uint32N(1000), 1)
	c.Sets = []*block.Sets{sets.Build()}
	c.State = []store.StateChunk{
		{Key: store.StateKey{Shard: p.Shard, Kind: store.Users}, Data: []byte("u")},
		{Key: store.StateKey{Shard: p.Shard, Kind: store.IDs}, Data: []byte("i"), Full: rnd.IntN(4) == 0},
	}
	c.Ledger = []store.LedgerRow{{Shard: p.Shard, Hour: 3600_000, Count: int64(events), HashHi: rnd.Uint64(), HashLo: rnd.Uint64()}}
	return c
}

// internTexts numbers the values that randomPart uses.
func internTexts(t *testing.T, s *Store) {
	t.Helper()
	for dim := range testDims {
		_, err := s.Intern(context.Background(), dim, []string{"a", "b", "ü", "d"})
		must(t, err)
	}
}

// Processes that commit to shards of their own, and compact, lose and double nothing: neither in the blocks nor in the
// rows for SQL. Versions are given once.
func TestProcessesCommitBesideEachOther(t *testing.T) {
	const processes, shards, commits = 3, 2, 40 // shards of each
	dsn := server.Database(t)
	parts := make([][]store.ShardCommit, processes)
	stores := make([]*Store, processes)
	for i := range stores {
		stores[i] = openTest(t, dsn, testDims, processes*shards)
		internTexts(t, stores[i])
	}
	var g errgroup.Group
	for i, s := range stores {
		g.Go(func() (err error) {
			rnd := rand.New(rand.NewPCG(7, uint64(i)))
			at := make([]store.Position, shards)
			for j := range at {
				if at[j], err = s.Acquire(context.Background(), i*shards+j); err != nil {
					return err
				}
			}
			for n := range commits {
				c := &store.Commit{At: int64(n)}
				for j := range at {
					c.Shards = append(c.Shards, randomPart(rnd, at[j], n+1))
					at[j] = c.Shards[j].To
				}
				if err := s.Commit(context.Background(), c); err != nil {
					return err
				}
				parts[i] = append(parts[i], c.Shards...)
				if n%10 == 9 {
					if _, err := s.Compact(context.Background(), n%20 == 9, join); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	must(t, g.Wait())
	for _, s := range stores {
		checkSums(t, s, slices.Concat(parts...))
		checkSQL(t, s)
	}
	v, err := stores[0].View(context.Background())
	must(t, err)
	if got := v.Head().Version; got != processes*commits {
		t.Errorf("version %d after %d commits", got, processes*commits)
	}
	must(t, v.Close())
}

// checkSums compares a view with the sums of what was committed.
func checkSums(t *testing.T, s *Store, parts []store.ShardCommit) {
	t.Helper()
	cells := map[block.Period][]*block.Cells{}
	users := map[int]int{}
	for _, p := range parts {
		for _, b := range p.Cells {
			cells[b.Key.Period] = append(cells[b.Key.Period], b)
		}
		users[p.To.Shard]++
	}
	v, err := s.View(context.Background())
	must(t, err)
	defer func() { must(t, v.Close()) }()
	blocks, err := v.Cells(context.Background(), rollcall.Day, 3, 0, 30_000)
	must(t, err)
	if len(blocks) != len(cells) {
		t.Fatalf("%d blocks, want %d", len(blocks), len(cells))
	}
	for _, b := range blocks {
		if want := block.MergeCells(cells[b.Key.Period]); !bytes.Equal(want.Encode(nil), b.Encode(nil)) {
			t.Errorf("%v differs", b.Key)
		}
	}
	for shard, n := range users {
		chunks, err := v.State(context.Background(), store.StateKey{Shard: shard, Kind: store.Users})
		must(t, err)
		got := 0
		for _, c := range chunks {
			got += len(c.Data)
		}
		if got != n {
			t.Errorf("shard %d: %d additions to its users, want %d", shard, got, n)
		}
	}
}

// checkSQL compares the view for SQL with the cells that readers get.
func checkSQL(t *testing.T, s *Store) {
	t.Helper()
	v, err := s.View(context.Background())
	must(t, err)
	defer func() { must(t, v.Close()) }()
	full := rollcall.Full(len(v.Head().Dimensions))
	blocks, err := v.Cells(context.Background(), rollcall.Day, full, -1<<30, 1<<30)
	must(t, err)
	var want []string
	for _, b := range blocks {
		for i := range b.Len() {
			at := func(counter int) int64 { return b.Counters[counter][i] }
			row := []string{rollcall.Date(b.Key.Period).String()}
			for dim, column := range b.Dims {
				row = append(row, v.Head().Values[dim][column[i]])
			}
			n := []int64{at(rollcall.Active) + at(rollcall.Counted), at(rollcall.Duration), at(rollcall.Sessions), at(rollcall.Bounces), at(rollcall.Events)}
			if slices.Max(n) == 0 && slices.Min(n) == 0 && at(rollcall.NewUsers) == 0 {
				continue
			}
			want = append(want, strings.Join(append(row, fmt.Sprintf("%d %.3f %d %d %d", n[0], float64(n[1])/1000, n[2], n[3], n[4])), " "))
		}
	}
	got := sqlRows(t, s)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("the view for SQL has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// sqlRows reads the view for SQL as text.
func sqlRows(t *testing.T, s *Store) (list []string) {
	t.Helper()
	rows, err := s.own.Query("SELECT * FROM aggregated_daily_metrics")
	must(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	must(t, err)
	for rows.Next() {
		row, to := make([]string, len(columns)), make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		must(t, rows.Scan(to...))
		n := len(row) - 6
		list = append(list, strings.Join(append(row[:n], fmt.Sprintf("%s %s %s %s %s", row[n], row[n+1], row[n+2], row[n+3], row[n+4])), " "))
	}
	must(t, rows.Err())
	return list
}

// Settings are decided by the first process, whoever that is.
func TestSettle(t *testing.T) {
	dsn := server.Database(t)
	have := make([]map[string]string, 4)
	var g errgroup.Group
	for i := range have {
		s := openTest(t, dsn, testDims, 1)
		g.Go(func() (err error) {
			have[i], err = s.Settle(context.Background(), map[string]string{"timezone": fmt.Sprint(i), "gap": fmt.Sprint(i), fmt.Sprint("own", i): "x"})
			return err
		})
	}
	must(t, g.Wait())
	s := openTest(t, dsn, testDims, 1)
	last, err := s.Settle(context.Background(), map[string]string{"timezone": "other"})
	must(t, err)
	for _, h := range have {
		if h["timezone"] != last["timezone"] || h["gap"] != h["timezone"] {
			t.Fatalf("%v, then %v", have, last)
		}
	}
	if len(last) != 2+len(have) {
		t.Fatalf("%v", last)
	}
}

// Processes that intern the same values at once get the same numbers.
func TestProcessesInternTheSame(t *testing.T) {
	dsn := server.Database(t)
	const processes, values = 3, 60
	got := make([][]rollcall.Value, processes)
	var g errgroup.Group
	for i := range got {
		s := openTest(t, dsn, testDims, 1)
		got[i] = make([]rollcall.Value, values)
		g.Go(func() error {
			for n := range values {
				at := (n*7 + i*11) % values
				numbers, err := s.Intern(context.Background(), 1, []string{fmt.Sprint(at)})
				if err != nil {
					return err
				}
				got[i][at] = numbers[0]
			}
			return nil
		})
	}
	must(t, g.Wait())
	distinct := slices.Clone(got[0])
	slices.Sort(distinct)
	if len(slices.Compact(distinct)) != values || !slices.Equal(got[0], got[1]) || !slices.Equal(got[0], got[2]) {
		t.Fatalf("%v", got)
	}
}
