package cache

import (
	"context"
	"testing"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

func warm(b *testing.B, days block.Period) (*View, []store.Stamp) {
	var periods []block.Period
	for p := range days {
		periods = append(periods, p)
	}
	w := newWorld(1, periods...)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	must(b, readAll(context.Background(), c))
	h, err := c.Head(context.Background())
	must(b, err)
	b.ReportAllocs()
	return &View{cache: c, ctx: context.Background(), head: h}, h.Stamps[store.DayClock]
}

// BenchmarkWarmCells reads the cells of 90 days from memory.
func BenchmarkWarmCells(b *testing.B) {
	v, stamps := warm(b, 90)
	for b.Loop() {
		if blocks, err := v.Cells(context.Background(), rollcall.Day, 0, stamps); err != nil || len(blocks) != 90 {
			b.Fatal(err)
		}
	}
}

// BenchmarkWarmSets reads the user sets of 360 days of a shard from memory.
func BenchmarkWarmSets(b *testing.B) {
	v, stamps := warm(b, 360)
	for b.Loop() {
		if blocks, err := v.Sets(context.Background(), rollcall.Day, 0, stamps, false); err != nil || len(blocks) != 360 {
			b.Fatal(err)
		}
	}
}

// BenchmarkWarmSetsBeside does so from all cores at a time.
func BenchmarkWarmSetsBeside(b *testing.B) {
	v, stamps := warm(b, 360)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if blocks, err := v.Sets(context.Background(), rollcall.Day, 0, stamps, false); err != nil || len(blocks) != 360 {
				b.Error(err)
			}
		}
	})
}

// BenchmarkHead gives the head known.
func BenchmarkHead(b *testing.B) {
	v, _ := warm(b, 1)
	for b.Loop() {
		if _, err := v.cache.Head(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
