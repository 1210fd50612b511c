package block

import (
	"math/rand/v2"
	"testing"

	"rollcall"
)

// sampleCells looks like a day of a cuboid: campaign-like and age-like dimensions, skewed counts.
func sampleCells(key CellKey, rows, subs int) *Cells {
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 1, 199)
	var b CellsBuilder
	b.Reset(key)
	values := make([]rollcall.Value, key.Cuboid.Size())
	for range rows {
		for i := range values {
			values[i] = rollcall.Value(2 + rng.IntN(7))
		}
		if len(values) > 0 {
			values[0] = rollcall.Value(2 + zipf.Uint64())
		}
		sessions := int64(1 + rng.ExpFloat64()*8)
		b.Add(uint8(rng.IntN(subs)), values, &rollcall.Counters{sessions * 5, sessions, sessions * 2 / 5,
			sessions * int64(rng.IntN(400_000)), sessions / 20, sessions * 4 / 5, 0})
	}
	return b.Build()
}

// sampleSets looks like a day of a shard: a user has one or two cells and is active in one to three hours.
func sampleSets(key SetKey, entries, cells int, users uint32) *Sets {
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 1, uint64(cells/7))
	var b SetsBuilder
	b.Reset(key, 2)
	for range entries {
		mask := uint64(1) << (8 + rng.IntN(12))
		if rng.IntN(4) == 0 {
			mask |= mask << (1 + rng.IntN(3))
		}
		b.Add([]rollcall.Value{rollcall.Value(2 + zipf.Uint64()), rollcall.Value(2 + rng.IntN(7))}, rng.Uint32N(users), mask)
	}
	return b.Build()
}

func perUnit(b *testing.B, n, bytes int, unit string) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/"+unit)
	b.ReportMetric(float64(bytes)/float64(n), "B/"+unit)
}

func BenchmarkCells(b *testing.B) {
	for _, bm := range []struct {
		name       string
		rows, subs int
	}{{"day", 1400, 1}, {"hours", 40_000, 24}} {
		c := sampleCells(dayKey, bm.rows, bm.subs)
		blob := c.Encode(nil)
		b.Run(bm.name+"/encode", func(b *testing.B) {
			for b.Loop() {
				c.Encode(blob[:0])
			}
			perUnit(b, c.Len(), len(blob), "row")
		})
		b.Run(bm.name+"/decode", func(b *testing.B) {
			for b.Loop() {
				if _, err := DecodeCells(blob, dayKey); err != nil {
					b.Fatal(err)
				}
			}
			perUnit(b, c.Len(), len(blob), "row")
		})
		b.Run(bm.name+"/merge8", func(b *testing.B) {
			parts := []*Cells{c, c, c, c, c, c, c, c}
			for b.Loop() {
				MergeCells(parts)
			}
			perUnit(b, 8*c.Len(), len(blob), "row")
		})
	}
}

func BenchmarkSets(b *testing.B) {
	for _, bm := range []struct {
		name           string
		entries, cells int
		users          uint32
	}{{"sparse", 50_000, 1400, 500_000}, {"dense", 50_000, 10, 500_000}} {
		s := sampleSets(setKey, bm.entries, bm.cells, bm.users)
		users, masks := s.Encode()
		blob := append(users[:len(users):len(users)], masks...)
		b.Run(bm.name+"/encode", func(b *testing.B) {
			for b.Loop() {
				s.Encode()
			}
			perUnit(b, len(s.Users), len(blob), "user")
		})
		open := func(masks []byte) *Packed {
			p, err := OpenSets(users, masks, setKey)
			if err != nil {
				b.Fatal(err)
			}
			return p
		}
		for name, masks := range map[string][]byte{"/decode users": nil, "/decode": masks} {
			b.Run(bm.name+name, func(b *testing.B) {
				for b.Loop() {
					if _, err := open(masks).Sets(); err != nil {
						b.Fatal(err)
					}
				}
				perUnit(b, len(s.Users), len(blob), "user")
			})
		}
		b.Run(bm.name+"/open", func(b *testing.B) {
			for b.Loop() {
				open(nil)
			}
			perUnit(b, s.Len(), len(users), "cell")
		})
		b.Run(bm.name+"/mark", func(b *testing.B) {
			part, set := &open(nil).Parts[0], make([]uint64, bm.users/64+1)
			for b.Loop() {
				for cell := range part.Len() {
					part.Mark(cell, set)
				}
			}
			perUnit(b, len(s.Users), len(users), "user")
		})
		b.Run(bm.name+"/merge4", func(b *testing.B) {
			var parts []*Sets
			for i := range 4 {
				parts = append(parts, sampleSets(setKey, bm.entries+i, bm.cells, bm.users))
			}
			for b.Loop() {
				MergeSets(parts)
			}
			perUnit(b, 4*len(s.Users), len(blob), "user")
		})
	}
}
