package mysql

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/cache/redis/redistest"
	"rollcall/store"
	"rollcall/turns"
)

// BenchmarkTurns has processes commit the same cells of the same day, at once and in turn: commits a second are 1 / (ns/op),
// beside the latency of a commit, its turn included, and the transactions that the database ended.
//
//	go test -run '^$' -bench Turns -benchtime 600x ./store/mysql
func BenchmarkTurns(b *testing.B) {
	redis := redistest.Start(b)
	for _, writers := range []int{2, 8, 16} {
		for _, cells := range []int{50, 1000} {
			for _, inTurn := range []bool{false, true} {
				b.Run(fmt.Sprintf("writers=%d/cells=%d/turns=%t", writers, cells, inTurn), func(b *testing.B) {
					var take func(context.Context) func()
					if inTurn {
						take = joinTurns(b, redis)
					}
					commitTogether(b, writers, cells, take)
				})
			}
		}
	}
}

func joinTurns(b *testing.B, redis *redistest.Server) func(context.Context) func() {
	b.Helper()
	cfg := turns.Config{Name: b.Name(), Servers: []turns.Server{{Addr: redis.Addr}}, Pause: time.Millisecond}
	t, err := turns.New(cfg, turns.Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(t.Close)
	redistest.Eventually(b, "turns can be had", func() bool { t.Take(context.Background())(); return t.Stats().Taken > 0 })
	return t.Take
}

func commitTogether(b *testing.B, writers, cells int, take func(context.Context) func()) {
	dsn := server.Database(b)
	stores, positions := make([]*Store, writers), make([]store.Position, writers)
	for i := range stores {
		stores[i] = openWith(b, Config{DSN: dsn, Dimensions: []string{"campaign_id", "age_group"}, Shards: writers, Migrate: true, MaxOpenConns: 4})
		positions[i] = acquire(b, stores[i], i)
	}
	var mu sync.Mutex
	var latencies []time.Duration
	var all sync.WaitGroup
	b.ResetTimer()
	for i, s := range stores {
		all.Go(func() {
			p := positions[i]
			for range b.N/writers + 1 {
				c := hotDay(p, cells)
				began := time.Now()
				done := func() {}
				if take != nil {
					done = take(context.Background())
				}
				err := s.Commit(context.Background(), c)
				done()
				if err != nil {
					b.Error(err)
					return
				}
				took := time.Since(began)
				mu.Lock()
				latencies = append(latencies, took)
				mu.Unlock()
				p = c.Shards[0].To
			}
		})
	}
	all.Wait()
	b.StopTimer()
	var retries, deadlocks int64
	for _, s := range stores {
		retries, deadlocks = retries+s.Stats().Retries, deadlocks+s.Stats().Deadlocks
	}
	slices.Sort(latencies)
	b.ReportMetric(float64(len(latencies))/b.Elapsed().Seconds(), "commits/s")
	b.ReportMetric(latencies[len(latencies)/2].Seconds()*1000, "ms-p50")
	b.ReportMetric(latencies[len(latencies)*99/100].Seconds()*1000, "ms-p99")
	b.ReportMetric(float64(retries), "retries")
	b.ReportMetric(float64(deadlocks), "deadlocks")
}

// hotDay is a commit of 1,000 events into cells of one day that all writers have.
func hotDay(p store.Position, cells int) *store.Commit {
	to := p
	to.Offset += 1000
	var b block.CellsBuilder
	b.Reset(block.CellKey{Grain: rollcall.Day, Period: 20_000, Cuboid: rollcall.Full(2)})
	for i := range cells {
		b.Add(0, []rollcall.Value{rollcall.Value(1 + i/8), rollcall.Value(1 + i%8)}, &rollcall.Counters{1, 1, 1, 1, 1})
	}
	return &store.Commit{At: 1, Shards: []store.ShardCommit{{From: p.Offset, To: to, Cells: []*block.Cells{b.Build()},
		Ledger: []store.LedgerRow{{Shard: p.Shard, Hour: 3600_000, Count: 1000, HashHi: 1, HashLo: 1}}}}}
}
