package query

import (
	"context"
	"slices"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// fact is an event with all that it adds to the figures.
type fact struct {
	time    int64
	user    int // -1: counted by the producer
	dims    []string
	finest  rollcall.Grain // the finest grain it counts in
	session bool
	bounce  bool
	length  int64
	newUser bool
}

// memory is a store.Viewer over blocks built by brute force.
type memory struct {
	head   store.Head
	cells  map[block.CellKey]*block.Cells
	sets   map[block.SetKey]*block.Sets
	ledger []store.LedgerRow
}

func (m *memory) View(context.Context) (store.View, error) { return m, nil }
func (m *memory) Head() *store.Head                        { return &m.head }
func (m *memory) Close() error                             { return nil }

func (m *memory) Cells(_ context.Context, g rollcall.Grain, c rollcall.Cuboid, from, until block.Period) (found []*block.Cells, err error) {
	for key, b := range m.cells {
		if key.Grain == g && key.Cuboid == c && key.Period >= from && key.Period < until {
			found = append(found, b)
		}
	}
	slices.SortFunc(found, func(a, b *block.Cells) int { return int(a.Key.Period - b.Key.Period) })
	return found, nil
}

func (m *memory) Sets(_ context.Context, g rollcall.Grain, shard int, from, until block.Period) (found []*block.Sets, err error) {
	for key, b := range m.sets {
		if key.Grain == g && key.Shard == shard && key.Period >= from && key.Period < until {
			found = append(found, b)
		}
	}
	slices.SortFunc(found, func(a, b *block.Sets) int { return int(a.Key.Period - b.Key.Period) })
	return found, nil
}

func (m *memory) Ledger(_ context.Context, from, until int64) (rows []store.LedgerRow, err error) {
	for _, r := range m.ledger {
		if r.Hour >= from && r.Hour < until {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// build makes the blocks of some facts.
func build(cal rollcall.Calendar, dims []string, cuboids []rollcall.Cuboid, shards int, facts []fact) *memory {
	m := &memory{cells: map[block.CellKey]*block.Cells{}, sets: map[block.SetKey]*block.Sets{}}
	m.head = store.Head{Build: 3, Version: 9, Committed: 1_700_000_000_123, Dimensions: dims, Shards: make([]store.Position, shards)}
	for d := range dims {
		values := []string{rollcall.NotSet, rollcall.Other}
		for _, f := range facts {
			if !slices.Contains(values, f.dims[d]) {
				values = append(values, f.dims[d])
			}
		}
		m.head.Values = append(m.head.Values, values)
	}
	cells := map[block.CellKey]*block.CellsBuilder{}
	type presence struct {
		key    block.CellKey
		sub    uint8
		values string
		user   int
	}
	seen := map[presence]bool{}
	for _, f := range facts {
		if f.user >= 0 {
			pos := &m.head.Shards[f.user%shards]
			pos.Users = max(pos.Users, int64(f.user/shards)+1)
			pos.MaxTime = max(pos.MaxTime, f.time)
		}
		for g := f.finest; g <= rollcall.Day; g++ {
			period, sub := place2(cal, g, f.time)
			for _, c := range cuboids {
				key := block.CellKey{Grain: g, Period: period, Cuboid: c}
				values, text := m.tuple(f, c)
				counters := f.counters()
				if p := (presence{key, sub, text, f.user}); f.user >= 0 && !seen[p] {
					seen[p] = true
					counters[rollcall.Active] = 1
				}
				if cells[key] == nil {
					cells[key] = &block.CellsBuilder{}
					cells[key].Reset(key)
				}
				cells[key].Add(sub, values, &counters)
			}
		}
	}
	for key, b := range cells {
		m.cells[key] = b.Build()
	}
	m.buildSets(cal, shards, facts)
	return m
}

func (m *memory) buildSets(cal rollcall.Calendar, shards int, facts []fact) {
	sets := map[block.SetKey]*block.SetsBuilder{}
	add := func(g rollcall.Grain, p block.Period, f fact, mask uint64) {
		key := block.SetKey{Grain: g, Period: p, Shard: f.user % shards}
		if sets[key] == nil {
			sets[key] = &block.SetsBuilder{}
			sets[key].Reset(key, len(f.dims))
		}
		values, _ := m.tuple(f, rollcall.Full(len(f.dims)))
		sets[key].Add(values, uint32(f.user/shards), mask)
	}
	for _, f := range facts {
		if f.user < 0 {
			continue
		}
		day, _ := place2(cal, rollcall.Day, f.time)
		mask := uint64(0)
		if f.finest <= rollcall.Hour {
			_, sub := place2(cal, rollcall.Hour, f.time)
			mask = 1 << sub
		}
		add(rollcall.Day, day, f, mask)
		if f.finest == rollcall.Minute {
			hour, sub := place2(cal, rollcall.Minute, f.time)
			add(rollcall.Minute, hour, f, 1<<sub)
		}
	}
	for key, b := range sets {
		m.sets[key] = b.Build()
	}
}

func (f *fact) counters() (c rollcall.Counters) {
	c[rollcall.Events] = 1
	if f.session {
		c[rollcall.Sessions], c[rollcall.Duration] = 1, f.length
		c[rollcall.Bounces] = int64(boolInt(f.bounce))
	}
	if f.newUser && f.user >= 0 {
		c[rollcall.NewUsers] = 1
	}
	if f.newUser && f.user < 0 {
		c[rollcall.Counted] = 1
	}
	return c
}

func (m *memory) tuple(f fact, c rollcall.Cuboid) (values []rollcall.Value, text string) {
	for d, v := range f.dims {
		if c.Has(d) {
			values = append(values, rollcall.Value(slices.Index(m.head.Values[d], v)))
			text += v + "\x00"
		}
	}
	return values, text
}

// place2 gives the period and sub-bucket of an instant.
func place2(cal rollcall.Calendar, g rollcall.Grain, ms int64) (block.Period, uint8) {
	switch g {
	case rollcall.Day:
		return block.Period(cal.Date(ms)), 0
	case rollcall.Hour:
		d := cal.Date(ms)
		return block.Period(d), uint8(slices.Index(cal.Hours(d), cal.HourStart(ms)))
	default:
		hour := cal.HourStart(ms)
		return block.Period(hour / minuteMS), uint8((cal.MinuteStart(ms) - hour) / minuteMS)
	}
}

func engineOver(m *memory, cal rollcall.Calendar, cuboids []rollcall.Cuboid, now int64, minute, hour time.Duration) *Engine {
	return New(Config{Dimensions: m.head.Dimensions, Cuboids: cuboids, Calendar: cal, MinuteRetention: minute,
		HourRetention: hour, Now: func() time.Time { return time.UnixMilli(now) }}, m)
}
