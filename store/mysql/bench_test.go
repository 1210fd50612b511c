package mysql

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// The content is that of the embedded store's benchmarks.
const (
	benchShards = 4
	benchDays   = 3
	benchCells  = 1400   // of the full cuboid and a day: 200 campaigns, 7 age groups
	benchUsers  = 60_000 // entries of a day and shard
)

// benchBlocks is what a shard brings of a day: four cuboids by day and by hour, and the sets.
func benchBlocks(rnd *rand.Rand, shard, day int) (cells []*block.Cells, sets *block.Sets) {
	values := func(i int) []rollcall.Value { return []rollcall.Value{rollcall.Value(i / 7), rollcall.Value(i % 7)} }
	for _, grain := range []rollcall.Grain{rollcall.Day, rollcall.Hour} {
		for _, cuboid := range rollcall.Cuboids(2) {
			var b block.CellsBuilder
			b.Reset(block.CellKey{Grain: grain, Period: block.Period(day), Cuboid: cuboid})
			subs := 1
			if grain == rollcall.Hour {
				subs = 24
			}
			for sub := range subs {
				for i := range benchCells {
					kept := values(i)
					switch cuboid {
					case 0:
						kept = nil
					case 1:
						kept = kept[:1]
					case 2:
						kept = kept[1:]
					}
					n := rnd.Int64N(90) + 1
					b.Add(uint8(sub), kept, &rollcall.Counters{n * 3, n, n / 3, n * 180_000, n / 9, n, 0})
				}
			}
			cells = append(cells, b.Build())
		}
	}
	var b block.SetsBuilder
	b.Reset(block.SetKey{Grain: rollcall.Day, Period: block.Period(day), Shard: shard}, 2)
	for range benchUsers {
		b.Add(values(rnd.IntN(benchCells)), rnd.Uint32N(500_000), 1<<rnd.IntN(24))
	}
	return cells, b.Build()
}

func benchImport() []store.ShardCommit {
	rnd := rand.New(rand.NewPCG(1, 2))
	parts := make([]store.ShardCommit, benchShards)
	for shard := range parts {
		c := &parts[shard]
		for day := range benchDays {
			cells, sets := benchBlocks(rnd, shard, 20_000+day)
			c.Cells, c.Sets = append(c.Cells, cells...), append(c.Sets, sets)
			for hour := range 24 {
				c.Ledger = append(c.Ledger, store.LedgerRow{Shard: shard, Hour: int64(day*24+hour) * 3600_000, Count: 1, HashHi: rnd.Uint64(), HashLo: rnd.Uint64()})
			}
		}
		c.State = []store.StateChunk{{Key: store.StateKey{Shard: shard, Kind: store.Users}, Data: noise(rnd, 200_000)}}
	}
	return parts
}

func noise(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// benchCommits commits the parts again and again, in databases of at most so many commits.
func benchCommits(b *testing.B, parts []store.ShardCommit, perDatabase int) {
	var s *Store
	var at [benchShards]store.Position
	statements := int64(0)
	for i := 0; b.Loop(); i++ {
		if i%perDatabase == 0 {
			b.StopTimer()
			s = openTest(b, server.Database(b), []string{"campaign", "age"}, benchShards)
			for shard := range at {
				at[shard] = acquire(b, s, shard)
			}
			b.StartTimer()
		}
		for shard := range parts {
			from := at[shard]
			at[shard].Offset++
			parts[shard].From, parts[shard].To = from.Offset, at[shard]
		}
		before := s.Stats().Statements
		must(b, s.Commit(context.Background(), &store.Commit{At: 1, Shards: parts}))
		statements += s.Stats().Statements - before
	}
	b.ReportMetric(float64(statements)/float64(b.N), "statements/commit")
}

// A commit of an import of about a million events.
func BenchmarkCommitImport(b *testing.B) { benchCommits(b, benchImport(), 20) }

// The same without the rows for SQL.
func BenchmarkCommitImportWithoutBase(b *testing.B) {
	parts := benchImport()
	for i := range parts {
		parts[i].Cells = append([]*block.Cells(nil), parts[i].Cells...)
		for j, c := range parts[i].Cells {
			if c.Key.Grain == rollcall.Day && c.Key.Cuboid == 3 {
				moved := *c
				moved.Key.Period = -1 << 40 // which SQL has no date for
				parts[i].Cells[j] = &moved
			}
		}
	}
	benchCommits(b, parts, 20)
}

// A commit of a second of live traffic: some cells of one day.
func BenchmarkCommitLive(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	parts := make([]store.ShardCommit, benchShards)
	for shard := range parts {
		var cells block.CellsBuilder
		cells.Reset(block.CellKey{Grain: rollcall.Day, Period: 20_000, Cuboid: 3})
		for i := range 200 {
			cells.Add(0, []rollcall.Value{rollcall.Value(rnd.IntN(200)), rollcall.Value(i % 7)}, &rollcall.Counters{5, 4, 3, 2, 1, 1, 0})
		}
		parts[shard].Cells = []*block.Cells{cells.Build()}
	}
	benchCommits(b, parts, 5000)
}

// The smallest commit: what one durable transaction costs.
func BenchmarkCommitLittle(b *testing.B) {
	benchCommits(b, make([]store.ShardCommit, benchShards), 5000)
}

// Four processes that commit a second of live traffic each, to the same day, as fast as they can.
func BenchmarkCommitFourProcesses(b *testing.B) {
	dsn := server.Database(b)
	var stores [4]*Store
	var at [4]store.Position
	for i := range stores {
		stores[i] = openTest(b, dsn, []string{"campaign", "age"}, len(stores))
		at[i] = acquire(b, stores[i], i)
	}
	b.ResetTimer()
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(i)))
			for range b.N/len(stores) + 1 {
				var cells block.CellsBuilder
				cells.Reset(block.CellKey{Grain: rollcall.Day, Period: 20_000, Cuboid: 3})
				for n := range 200 {
					cells.Add(0, []rollcall.Value{rollcall.Value(rnd.IntN(200)), rollcall.Value(n % 7)}, &rollcall.Counters{5, 4, 3, 2, 1, 1, 0})
				}
				c := store.ShardCommit{From: at[i].Offset, To: at[i], Cells: []*block.Cells{cells.Build()}}
				c.To.Offset++
				if err := s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}); err != nil {
					b.Error(err)
					return
				}
				at[i] = c.To
			}
		})
	}
	wg.Wait()
	var retries int64
	for _, s := range stores {
		retries += s.Stats().Retries
	}
	b.ReportMetric(float64(retries)/float64(b.N), "retries/commit")
}

func BenchmarkRead90Days(b *testing.B) {
	s := openTest(b, server.Database(b), []string{"campaign", "age"}, 1)
	for dim, n := range []int{200, 7} {
		texts := make([]string, n)
		for i := range texts {
			texts[i] = string(rune('a'+i%26)) + string(rune('a'+i/26))
		}
		_, err := s.Intern(context.Background(), dim, texts)
		must(b, err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	p := acquire(b, s, 0)
	for day := range 90 {
		c := store.ShardCommit{From: p.Offset, To: p}
		cells, sets := benchBlocks(rnd, 0, 20_000+day)
		c.Cells, c.Sets = cells, []*block.Sets{sets}
		must(b, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}))
	}
	read := func(f func(store.View) error) func(*testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				v, err := s.View(context.Background())
				must(b, err)
				must(b, f(v))
				must(b, v.Close())
			}
		}
	}
	b.Run("view", read(func(store.View) error { return nil }))
	b.Run("cells of the full cuboid", read(func(v store.View) error {
		_, err := v.Cells(context.Background(), rollcall.Day, 3, 20_000, 20_090)
		return err
	}))
	b.Run("sets", read(func(v store.View) error {
		_, err := v.Sets(context.Background(), rollcall.Day, 0, 20_000, 20_090, false)
		return err
	}))
	b.Run("by SQL", func(b *testing.B) {
		for b.Loop() {
			var n int
			must(b, s.own.QueryRow("SELECT COUNT(*) FROM (SELECT event_date, campaign, SUM(dau) FROM aggregated_daily_metrics GROUP BY event_date, campaign) AS q").Scan(&n))
		}
	})
}
