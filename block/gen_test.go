package block

import (
	"pgregory.net/rapid"

	"rollcall"
)

var dayKey = CellKey{Grain: rollcall.Day, Period: 20400, Cuboid: 0b101}

type row struct {
	sub      uint8
	values   []rollcall.Value
	counters rollcall.Counters
}

func genRows(t *rapid.T, dims int) []row {
	value := rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32Range(0, 70_000), rapid.Uint32())
	count := rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64Range(0, 1<<40), rapid.Int64())
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
		r := row{sub: uint8(rapid.OneOf(rapid.IntRange(0, 2), rapid.IntRange(0, 255)).Draw(t, "sub"))}
		for range dims {
			r.values = append(r.values, rollcall.Value(value.Draw(t, "value")))
		}
		for i := range r.counters {
			if rapid.Bool().Draw(t, "counted") {
				r.counters[i] = count.Draw(t, "count")
			}
		}
		return r
	}), 0, 40).Draw(t, "rows")
}

func buildCells(key CellKey, rows []row) *Cells {
	var b CellsBuilder
	b.Reset(key)
	for _, r := range rows {
		b.Add(r.sub, r.values, &r.counters)
	}
	return b.Build()
}

type entry struct {
	values []rollcall.Value
	user   uint32
	mask   uint64
}

func genEntries(t *rapid.T, dims int) []entry {
	value := rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32())
	user := rapid.OneOf(rapid.Uint32Range(0, 40), rapid.Uint32Range(0, 1<<22), rapid.Uint32(), rapid.Just(^uint32(0)))
	mask := rapid.OneOf(rapid.Just(uint64(0)), rapid.Custom(func(t *rapid.T) uint64 {
		return 1 << rapid.IntRange(0, 63).Draw(t, "bit")
	}), rapid.Uint64Range(0, 1<<9), rapid.Uint64())
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) entry {
		var e entry
		for range dims {
			e.values = append(e.values, rollcall.Value(value.Draw(t, "value")))
		}
		e.user, e.mask = user.Draw(t, "user"), mask.Draw(t, "mask")
		return e
	}), 0, 60).Draw(t, "entries")
}

func buildSets(key SetKey, dims int, entries []entry) *Sets {
	var b SetsBuilder
	b.Reset(key, dims)
	for _, e := range entries {
		b.Add(e.values, e.user, e.mask)
	}
	return b.Build()
}

// deal gives each item to one of n hands.
func deal[T any](t *rapid.T, items []T, n int) [][]T {
	hands := make([][]T, n)
	for _, x := range items {
		h := rapid.IntRange(0, n-1).Draw(t, "hand")
		hands[h] = append(hands[h], x)
	}
	return hands
}
