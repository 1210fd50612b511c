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
	"rollcall/store"
)

const (
	benchDays   = 120
	benchShards = 4
	benchUsers  = 500_000 // a shard
	benchActive = 60_000  // a shard and day
	benchFirst  = rollcall.Date(20_400)
)

// coded is a view that decodes its sets at every read, as a store does.
type coded struct {
	*querytest.Store
	blobs map[block.SetKey][]byte
}

func (c *coded) View(context.Context) (store.View, error) { return c, nil }

func (c *coded) Sets(_ context.Context, g rollcall.Grain, shard int, from, until block.Period) (found []*block.Sets, err error) {
	for p := max(from, block.Period(benchFirst)); p < min(until, block.Period(benchFirst)+benchDays); p++ {
		key := block.SetKey{Grain: g, Period: p, Shard: shard}
		s, err := block.DecodeSets(c.blobs[key], key, false)
		if err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	return found, nil
}

// benchStore has 2 M users in 4 shards, 200 campaigns (Zipf) and 7 ages over 120 days.
var benchStore = sync.OnceValue(func() *coded {
	cal := rollcall.NewCalendar(time.UTC)
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 1, 199)
	names := querytest.Build(cal, []string{"campaign", "age"}, nil, benchShards, nil)
	for d, n := range []int{200, 7} {
		for v := range n {
			names.Header.Values[d] = append(names.Header.Values[d], string(rune('a'+v/26))+string(rune('a'+v%26)))
		}
	}
	c := &coded{names, map[block.SetKey][]byte{}}
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
			c.blobs[key] = sets.Build().Encode(nil)
		}
		for i := range cells {
			b := cells[i].Build()
			c.AddCells(b)
		}
	}
	return c
})

func BenchmarkQuery(b *testing.B) {
	c := benchStore()
	now := (benchFirst + benchDays).UTC().Add(-time.Hour).UnixMilli()
	e := New(Config{Dimensions: []string{"campaign", "age"}, Cuboids: rollcall.Cuboids(2), Calendar: rollcall.NewCalendar(time.UTC),
		Now: func() time.Time { return time.UnixMilli(now) }}, c)
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
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			rows := 0
			for b.Loop() {
				res, err := e.Query(context.Background(), req)
				if err != nil {
					b.Fatal(err)
				}
				rows = res.Len()
			}
			b.ReportMetric(float64(rows), "rows")
		})
	}
}
