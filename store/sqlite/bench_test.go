package sqlite

import (
	"context"
	"math/rand/v2"
	"os"
	"testing"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
	"rollcall/store/chunk"
)

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

// benchCommits commits the parts again and again, in files of at most so many commits.
func benchCommits(b *testing.B, parts []store.ShardCommit, perFile int) {
	var s *Store
	var at [benchShards]store.Position
	chunks, bytes := 0, int64(0)
	for i := 0; b.Loop(); i++ {
		if i%perFile == 0 {
			b.StopTimer()
			s = openTest(b, newPath(b), []string{"campaign", "age"}, benchShards)
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
		commit(b, s, parts...)
	}
	sizes, err := s.Sizes(context.Background())
	must(b, err)
	for _, size := range sizes[:len(sizes)-2] {
		chunks, bytes = chunks+int(size.Chunks), bytes+size.Bytes
	}
	commits := (b.N-1)%perFile + 1
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(chunks/commits), "ns/chunk")
	b.ReportMetric(float64(bytes)/float64(commits)/1e6, "MB/commit")
}

// A commit of an import of about a million events.
func BenchmarkCommitImport(b *testing.B) { benchCommits(b, benchImport(), 20) }

// The encoding that such a commit does before its transaction.
func BenchmarkEncodeImport(b *testing.B) {
	c := &store.Commit{Shards: benchImport()}
	for b.Loop() {
		chunk.Encode(c)
	}
}

// The snapshot of a commit: 8,000 small chunks of state.
func BenchmarkCommitSnapshot(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	parts := make([]store.ShardCommit, benchShards)
	for shard := range parts {
		for part := range int64(2000) {
			parts[shard].State = append(parts[shard].State, store.StateChunk{Key: store.StateKey{Shard: shard, Kind: store.IDs, Part: part}, Data: noise(rnd, 2000)})
		}
	}
	benchCommits(b, parts, 20)
}

// The smallest commit: what one durable transaction costs.
func BenchmarkCommitLittle(b *testing.B) {
	parts := make([]store.ShardCommit, benchShards)
	for shard := range parts {
		parts[shard].Cells, parts[shard].Sets = []*block.Cells{dayCells(20_000, 1)}, []*block.Sets{daySets(20_000, shard, 7)}
	}
	benchCommits(b, parts, 5000)
}

// filled is a store of some days, each of several commits.
func filled(b *testing.B, days, commits int) (s *Store, path string) {
	rnd := rand.New(rand.NewPCG(1, 2))
	path = newPath(b)
	s = openTest(b, path, []string{"campaign", "age"}, 1)
	p := acquire(b, s, 0)
	for day := range days {
		cells, sets := benchBlocks(rnd, 0, 20_000+day)
		for range commits {
			c := next(p)
			c.Cells, c.Sets = cells, []*block.Sets{sets}
			commit(b, s, c)
			p = c.To
		}
	}
	return s, path
}

func BenchmarkRead90Days(b *testing.B) {
	s, _ := filled(b, 90, 1)
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
}

// Ten days of four commits merged into one chunk a key.
func BenchmarkCompact(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s, path := filled(b, 10, 4)
		b.StartTimer()
		stats, err := s.Compact(context.Background(), true, nil)
		must(b, err)
		b.StopTimer()
		info, err := os.Stat(path)
		must(b, err)
		b.ReportMetric(float64(stats.BytesRead)/1e6, "MB-read")
		b.ReportMetric(float64(stats.BytesKept)/1e6, "MB-kept")
		b.ReportMetric(float64(info.Size())/1e6, "MB-file")
		b.StartTimer()
	}
}
