package query

import (
	"context"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/query/querytest"
)

const (
	benchDays   = 120
	benchShards = 4
	benchUsers  = 500_000 // a shard
	benchActive = 60_000  // a shard and day
	benchFirst  = rollcall.Date(20_400)
)

// benchStore has 2 M users in 4 shards, 200 campaigns (Zipf) and 7 ages over 120 days.
var benchStore = sync.OnceValue(func() *querytest.Store {
	cal := rollcall.NewCalendar(time.UTC)
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 1, 199)
	c := querytest.Build(cal, []string{"campaign", "age"}, nil, benchShards, nil)
	for d, n := range []int{200, 7} {
		for v := range n {
			c.Header.Values[d] = append(c.Header.Values[d], string(rune('a'+v/26))+string(rune('a'+v%26)))
		}
	}
	for s := range c.Header.Shards {
		c.Header.Shards[s].Users = benchUsers
	}
	var sets block.SetsBuilder
	var cells [4]block.CellsBuilder
	for day := range benchDays {
		period := block.Period(benchFirst) + block.Period(day)
		for cuboid := range cells {
			cells[cuboid].Reset(block.CellKey{Grain: rollcall.Day, Period: period, Cuboid: rollcall.Cuboid(cuboid)})
		}
		for shard := range benchShards {
			key := block.SetKey{Grain: rollcall.Day, Period: period, Shard: shard}
			sets.Reset(key, 2)
			for range benchActive {
				values := []rollcall.Value{rollcall.Value(2 + zipf.Uint64()), rollcall.Value(2 + rng.IntN(7))}
				sets.Add(values, rng.Uint32N(benchUsers), 1<<rng.IntN(24))
				row := rollcall.Counters{5, 1, 0, 90_000, 0, 1, 0}
				cells[0].Add(0, nil, &row)
				cells[1].Add(0, values[:1], &row)
				cells[2].Add(0, values[1:], &row)
				cells[3].Add(0, values, &row)
			}
			c.AddSets(sets.Build())
		}
		for i := range cells {
			b := cells[i].Build()
			c.AddCells(b)
		}
	}
	addBenchFirsts(c, rng, zipf)
	return c
})

// addBenchFirsts spreads the first events of the users over the days.
func addBenchFirsts(c *querytest.Store, rng *rand.Rand, zipf *rand.Zipf) {
	const part = 1 << 16
	for shard := range benchShards {
		for from := uint32(0); from < benchUsers; from += part {
			f := &block.Firsts{Dims: make([][]rollcall.Value, 2)}
			for user := from; user < min(from+part, benchUsers); user++ {
				f.User = append(f.User, user)
				f.Time = append(f.Time, benchFirst.UTC().UnixMilli()+rng.Int64N(benchDays*24*hourMS))
				f.Dims[0] = append(f.Dims[0], rollcall.Value(2+zipf.Uint64()))
				f.Dims[1] = append(f.Dims[1], rollcall.Value(2+rng.IntN(7)))
			}
			c.AddFirsts(shard, int64(from/part), f)
		}
	}
}

// BenchmarkRetention asks as BenchmarkQuery does: with the first events and daily unions in memory, and with nothing in it.
func BenchmarkRetention(b *testing.B) {
	c := benchStore()
	now := (benchFirst + benchDays).UTC().Add(-time.Hour).UnixMilli()
	cal := rollcall.NewCalendar(time.UTC)
	engine := func() *Engine { return engineOver(c, cal, rollcall.Cuboids(2), now, 0, 0) }
	warm := engine()
	for _, bm := range []struct{ name, query string }{
		{"30_days", "cohort=day&periods=30"},
		{"30_days_1_campaign", "cohort=day&periods=30&filter.campaign=ac"},
		{"120_days_of_120", "cohort=day&periods=120&from=" + benchFirst.String()},
		{"12_weeks", "cohort=week&periods=12"},
	} {
		values, err := url.ParseQuery(bm.query)
		if err != nil {
			b.Fatal(err)
		}
		req, err := ParseRetention(values)
		if err != nil {
			b.Fatal(err)
		}
		for name, of := range map[string]func() *Engine{"warm": func() *Engine { return warm }, "cold": engine} {
			b.Run(bm.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := of().Retention(context.Background(), req); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkQuery asks an engine whose memory holds the blocks (warm), and one whose memory is empty (cold): then the blobs
// are at hand, but must be decoded.
func BenchmarkQuery(b *testing.B) {
	c := benchStore()
	now := (benchFirst + benchDays).UTC().Add(-time.Hour).UnixMilli()
	engine := func() *Engine {
		return New(Config{Dimensions: []string{"campaign", "age"}, Cuboids: rollcall.Cuboids(2), Calendar: rollcall.NewCalendar(time.UTC),
			Now: func() time.Time { return time.UnixMilli(now) }}, c.Cache())
	}
	warm := engine()
	for _, bm := range []struct{ name, query string }{
		{"90days", "metrics=active_users,sessions,bounce_rate"},
		{"90days_by_200_campaigns", "metrics=active_users,sessions,bounce_rate&group_by=campaign"},
		{"90days_3_campaigns_2_ages", "metrics=active_users&filter.campaign=ac,ad,ae&filter.age=aa,ab"},
		{"90days_mau", "metrics=mau"},
		{"90days_mau_by_campaign", "metrics=mau&group_by=campaign"},
		{"total", "metrics=active_users&grain=total"},
		{"total_by_campaign", "metrics=active_users&grain=total&group_by=campaign"},
	} {
		values, err := url.ParseQuery(bm.query)
		if err != nil {
			b.Fatal(err)
		}
		req, err := ParseValues(values)
		if err != nil {
			b.Fatal(err)
		}
		for name, of := range map[string]func() *Engine{"warm": func() *Engine { return warm }, "cold": engine} {
			b.Run(bm.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				rows := 0
				for b.Loop() {
					res, err := of().Query(context.Background(), req)
					if err != nil {
						b.Fatal(err)
					}
					rows = res.Len()
				}
				b.ReportMetric(float64(rows), "rows")
			})
		}
	}
}
