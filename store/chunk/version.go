package chunk

import (
	"cmp"
	"maps"
	"slices"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// Touched is a period that has a version.
type Touched struct {
	Clock  store.Clock
	Period block.Period
}

// TouchedBy lists the periods that a commit touches, in order.
func TouchedBy(c *store.Commit, e *Encoded) []Touched {
	set := map[Touched]bool{}
	for _, list := range [][]Chunk{e.Cells, e.Sets} {
		for i := range list {
			set[touchedBy(list[i].Key)] = true
		}
	}
	for i := range c.Shards {
		for _, row := range c.Shards[i].Ledger {
			set[Touched{store.LedgerClock, store.LedgerDay(row.Hour)}] = true
		}
		for _, chunk := range c.Shards[i].State {
			if k := chunk.Key; k.Kind == store.Users {
				set[Touched{store.UsersClock, store.UsersPeriod(k.Shard, k.Part)}] = true
			}
		}
	}
	return sorted(set)
}

// TouchedPeriods lists the periods of a grain that have a version, in order, each once.
func TouchedPeriods(grain rollcall.Grain, periods []int64) []Touched {
	set := map[Touched]bool{}
	for _, p := range periods {
		set[Touched{store.ClockOf(grain), block.Period(p)}] = true
	}
	return sorted(set)
}

func touchedBy(k Key) Touched {
	return Touched{store.ClockOf(rollcall.Grain(k.A)), block.Period(k.C)}
}

func sorted(set map[Touched]bool) []Touched {
	return slices.SortedFunc(maps.Keys(set), func(a, b Touched) int {
		return cmp.Or(cmp.Compare(a.Clock, b.Clock), cmp.Compare(a.Period, b.Period))
	})
}

// MergeStamps puts the changed stamps in their places; both are in order of period. Neither list is written to.
func MergeStamps(old, changed []store.Stamp) []store.Stamp {
	if len(changed) == 0 {
		return old
	}
	merged := make([]store.Stamp, 0, len(old)+len(changed))
	for _, c := range changed {
		n, same := slices.BinarySearchFunc(old, c.Period, func(s store.Stamp, p block.Period) int { return cmp.Compare(s.Period, p) })
		merged = append(append(merged, old[:n]...), c)
		if old = old[n:]; same {
			old = old[1:]
		}
	}
	return append(merged, old...)
}
