package storetest

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// addHistory counts what a commit changes, block by block.
func (m *model) addHistory(c *store.Commit) {
	calendar := c.Calendar
	if calendar == (rollcall.Calendar{}) {
		calendar = rollcall.NewCalendar(time.UTC)
	}
	m.version++
	seen, hour := map[rollcall.Date]bool{}, calendar.HourStart(c.At)
	add := func(day rollcall.Date, change func(*store.Change)) {
		key := [2]int64{int64(day), hour}
		sum, there := m.history[key]
		if !there {
			sum = store.Change{Day: day, Hour: hour, First: c.At, Last: c.At, FirstVersion: m.version}
		}
		if !seen[day] {
			sum.Commits++
		}
		sum.First, sum.Last, sum.LastVersion, seen[day] = min(sum.First, c.At), max(sum.Last, c.At), m.version, true
		change(&sum)
		m.history[key] = sum
	}
	for _, sc := range c.Shards {
		for _, b := range sc.Cells {
			if b.Key.Grain == rollcall.Day && b.Len() > 0 {
				add(rollcall.Date(b.Key.Period), func(sum *store.Change) { countCells(sum, b) })
			}
		}
		for _, r := range sc.Ledger {
			if r.Duplicates+r.Late > 0 {
				add(calendar.Date(r.Hour), func(sum *store.Change) { sum.Duplicates, sum.Late = sum.Duplicates+r.Duplicates, sum.Late+r.Late })
			}
		}
	}
}

func countCells(sum *store.Change, b *block.Cells) {
	for row := range b.Len() {
		if b.Key.Cuboid == 0 {
			for k := range sum.Counters {
				sum.Counters[k] += b.Counters[k][row]
			}
		}
		if n := b.Counters[rollcall.Sessions][row]; b.Key.Cuboid == rollcall.Full(len(dims)) && n < 0 {
			sum.Retracted -= n
		}
	}
}

func (m *model) expireHistory(before int64) {
	for key := range m.history {
		if key[1] < before {
			delete(m.history, key)
		}
	}
}

// checkHistory compares the changes of some days. Versions are compared by their order, as an expiry takes one too.
func (m *model) checkHistory(t fatal, v store.View) {
	t.Helper()
	begins, days := int64(0), []rollcall.Date{-2, -1, 0, 1, 2, 3, 20_000}
	if len(m.history) > 0 {
		begins = math.MaxInt64
	}
	for key := range m.history {
		begins = min(begins, key[1])
	}
	for _, day := range days {
		var want []store.Change
		for key, change := range m.history {
			if key[0] == int64(day) {
				want = append(want, change)
			}
		}
		slices.SortFunc(want, func(a, b store.Change) int { return int(a.Hour - b.Hour) })
		got, err := v.History(context.Background(), day)
		must(t, err)
		same := func(a, b store.Change) bool {
			ordered := a.FirstVersion >= b.FirstVersion && a.LastVersion <= v.Head().Version && a.FirstVersion <= a.LastVersion &&
				(a.FirstVersion == a.LastVersion) == (b.FirstVersion == b.LastVersion)
			b.FirstVersion, b.LastVersion = a.FirstVersion, a.LastVersion
			return ordered && a == b
		}
		if got.Begins != begins || !slices.EqualFunc(got.Changes, want, same) {
			t.Fatalf("history of %v from %d\n%+v\nwant from %d\n%+v", day, got.Begins, got.Changes, begins, want)
		}
	}
}

// testDaysHistory: the commits of an hour make one row a day, those of the next another, and what is old goes.
func testDaysHistory(t *testing.T, open Open) {
	s, ctx := open(t, dims, 2), context.Background()
	p, q := acquire(t, s, 0), acquire(t, s, 1)
	commit := func(at int64, cells ...*block.Cells) {
		c, d := advance(p, 1), advance(q, 1)
		c.Cells = cells
		d.Ledger = []store.LedgerRow{{Shard: 1, Hour: 20_000*24*3600_000 + 1800_000, Count: 1, Duplicates: 2, Late: 3}}
		must(t, s.Commit(ctx, &store.Commit{At: at, Shards: []store.ShardCommit{c, d}}))
		p, q = c.To, d.To
	}
	cell := func(cuboid rollcall.Cuboid, sessions ...int64) *block.Cells {
		var b block.CellsBuilder
		b.Reset(block.CellKey{Grain: rollcall.Day, Period: 20_000, Cuboid: cuboid})
		for i, n := range sessions {
			values := make([]rollcall.Value, cuboid.Size())
			for d := range values {
				values[d] = rollcall.Value(i)
			}
			b.Add(0, values, &rollcall.Counters{rollcall.Events: 1, rollcall.Sessions: n, rollcall.Active: n})
		}
		return b.Build()
	}
	const hour = 3600_000
	commit(hour, cell(0, 3), cell(3, 2, 1))
	commit(hour+5, cell(3, -1, 1))
	commit(2*hour-1, cell(0, -1), cell(3, -2, 1))
	commit(2*hour, cell(0, 1), cell(3, 1))
	read := func() *store.History {
		v := viewOf(t, s)
		defer func() { must(t, v.Close()) }()
		h, err := v.History(ctx, 20_000)
		must(t, err)
		return h
	}
	want := []store.Change{
		{Day: 20_000, Hour: hour, Commits: 3, FirstVersion: 1, LastVersion: 3, First: hour, Last: 2*hour - 1,
			Counters: rollcall.Counters{rollcall.Events: 2, rollcall.Sessions: 2, rollcall.Active: 2}, Retracted: 3, Duplicates: 6, Late: 9},
		{Day: 20_000, Hour: 2 * hour, Commits: 1, FirstVersion: 4, LastVersion: 4, First: 2 * hour, Last: 2 * hour,
			Counters: rollcall.Counters{rollcall.Events: 1, rollcall.Sessions: 1, rollcall.Active: 1}, Duplicates: 2, Late: 3},
	}
	if h := read(); h.Begins != hour || !slices.Equal(h.Changes, want) {
		t.Fatalf("%+v, want %+v", h, want)
	}
	must(t, s.ExpireHistory(ctx, hour))
	must(t, s.ExpireHistory(ctx, hour+1))
	if h := read(); h.Begins != 2*hour || !slices.Equal(h.Changes, want[1:]) {
		t.Fatalf("%+v, want %+v", h, want[1:])
	}
	must(t, s.ExpireHistory(ctx, 3*hour))
	if h := read(); h.Begins != 0 || len(h.Changes) != 0 {
		t.Fatalf("%+v of nothing", h)
	}
}
