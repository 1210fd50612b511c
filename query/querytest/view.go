package querytest

import (
	"context"
	"slices"

	"rollcall"
	"rollcall/block"
	"rollcall/cache"
	"rollcall/store"
)

// Fact is an event with all that it adds to the figures.
type Fact struct {
	Time    int64
	User    int // -1: counted by the producer
	Dims    []string
	Finest  rollcall.Grain // the finest grain it counts in
	Session bool
	Bounce  bool
	Length  int64
	NewUser bool
}

// Store is a store.Viewer over blocks built by brute force.
type Store struct {
	Header store.Head
	cells  map[block.CellKey]*block.Cells
	sets   map[block.SetKey][][2][]byte // of each part, the blobs of users and masks
	users  map[store.StateKey][]byte    // parts of the dictionary, see ReadFirsts
	Rows   []store.LedgerRow
	Past   store.History // its changes are of any days
}

// View gives a view of the store as it is now.
func (m *Store) View(context.Context) (store.View, error) {
	head := m.Header
	head.Stamps = m.stamps()
	return &view{m, &head}, nil
}

type view struct {
	*Store
	head *store.Head
}

func (v *view) Head() *store.Head { return v.head }
func (v *view) Close() error      { return nil }

// stamps gives every period the version of the store.
func (m *Store) stamps() (all [store.NumClocks][]store.Stamp) {
	add := func(c store.Clock, p block.Period) {
		i, found := slices.BinarySearchFunc(all[c], p, func(s store.Stamp, p block.Period) int { return int(s.Period - p) })
		if !found {
			all[c] = slices.Insert(all[c], i, store.Stamp{Period: p, Version: m.Header.Version})
		}
	}
	for key := range m.cells {
		add(store.ClockOf(key.Grain), key.Period)
	}
	for key := range m.sets {
		add(store.ClockOf(key.Grain), key.Period)
	}
	for key := range m.users {
		add(store.UsersClock, store.UsersPeriod(key.Shard, key.Part))
	}
	for _, r := range m.Rows {
		add(store.LedgerClock, store.LedgerDay(r.Hour))
	}
	return all
}

// Cache gives a cache over the store that asks it at every view.
func (m *Store) Cache() *cache.Cache {
	return cache.New(cache.Config{}, cache.Deps{Store: m, Firsts: ReadFirsts})
}

// Cells gives the blocks of a grain and cuboid in the stretch of periods, by rising period.
func (m *Store) Cells(_ context.Context, g rollcall.Grain, c rollcall.Cuboid, from, until block.Period) (found []*block.Cells, err error) {
	for key, b := range m.cells {
		if key.Grain == g && key.Cuboid == c && key.Period >= from && key.Period < until {
			found = append(found, b)
		}
	}
	slices.SortFunc(found, func(a, b *block.Cells) int { return int(a.Key.Period - b.Key.Period) })
	return found, nil
}

// Sets gives the user sets of a shard in the stretch of periods, by rising period.
func (m *Store) Sets(_ context.Context, g rollcall.Grain, shard int, from, until block.Period, masks bool) (found []*block.Packed, err error) {
	for key, parts := range m.sets {
		if key.Grain != g || key.Shard != shard || key.Period < from || key.Period >= until {
			continue
		}
		var opened []*block.Packed
		for _, blobs := range parts {
			if !masks {
				blobs[1] = nil
			}
			p, err := block.OpenSets(blobs[0], blobs[1], key)
			if err != nil {
				return nil, err
			}
			opened = append(opened, p)
		}
		found = append(found, block.Join(opened))
	}
	slices.SortFunc(found, func(a, b *block.Packed) int { return int(a.Key.Period - b.Key.Period) })
	return found, nil
}

// Ledger gives the rows in the stretch of hours.
func (m *Store) Ledger(_ context.Context, from, until int64, dropped bool) (rows []store.LedgerRow, err error) {
	for _, r := range m.Rows {
		if r.Hour >= from && r.Hour < until && (!dropped || r.Late > 0 || r.Duplicates > 0) {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// History gives the changes of a day.
func (m *Store) History(_ context.Context, day rollcall.Date) (*store.History, error) {
	h := &store.History{Begins: m.Past.Begins}
	for _, c := range m.Past.Changes {
		if c.Day == day {
			h.Changes = append(h.Changes, c)
		}
	}
	return h, nil
}

// Build makes the blocks of some facts.
func Build(cal rollcall.Calendar, dims []string, cuboids []rollcall.Cuboid, shards int, facts []Fact) *Store {
	m := &Store{cells: map[block.CellKey]*block.Cells{}, sets: map[block.SetKey][][2][]byte{},
		users: map[store.StateKey][]byte{}}
	m.Header = store.Head{Build: 3, Version: 9, Committed: 1_700_000_000_123, Dimensions: dims, Shards: make([]store.Position, shards)}
	for d := range dims {
		values := []string{rollcall.NotSet, rollcall.Other}
		for _, f := range facts {
			if !slices.Contains(values, f.Dims[d]) {
				values = append(values, f.Dims[d])
			}
		}
		m.Header.Values = append(m.Header.Values, values)
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
		if f.User >= 0 {
			pos := &m.Header.Shards[f.User%shards]
			pos.Users = max(pos.Users, int64(f.User/shards)+1)
			pos.MaxTime = max(pos.MaxTime, f.Time)
		}
		for g := f.Finest; g <= rollcall.Day; g++ {
			period, sub := place(cal, g, f.Time)
			for _, c := range cuboids {
				key := block.CellKey{Grain: g, Period: period, Cuboid: c}
				values, text := m.tuple(f, c)
				counters := f.Counters()
				if p := (presence{key, sub, text, f.User}); f.User >= 0 && !seen[p] {
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
	m.buildUsers(shards, facts)
	return m
}

func (m *Store) buildSets(cal rollcall.Calendar, shards int, facts []Fact) {
	sets := map[block.SetKey]*block.SetsBuilder{}
	add := func(g rollcall.Grain, p block.Period, f Fact, mask uint64) {
		key := block.SetKey{Grain: g, Period: p, Shard: f.User % shards}
		if sets[key] == nil {
			sets[key] = &block.SetsBuilder{}
			sets[key].Reset(key, len(f.Dims))
		}
		values, _ := m.tuple(f, rollcall.Full(len(f.Dims)))
		sets[key].Add(values, uint32(f.User/shards), mask)
	}
	for _, f := range facts {
		if f.User < 0 {
			continue
		}
		day, _ := place(cal, rollcall.Day, f.Time)
		mask := uint64(0)
		if f.Finest <= rollcall.Hour {
			_, sub := place(cal, rollcall.Hour, f.Time)
			mask = 1 << sub
		}
		add(rollcall.Day, day, f, mask)
		if f.Finest == rollcall.Minute {
			hour, sub := place(cal, rollcall.Minute, f.Time)
			add(rollcall.Minute, hour, f, 1<<sub)
		}
	}
	for _, b := range sets {
		m.AddSets(b.Build())
	}
}

// Counters is what the fact adds to its cells, but for Active.
func (f *Fact) Counters() (c rollcall.Counters) {
	c[rollcall.Events] = 1
	if f.Session {
		c[rollcall.Sessions], c[rollcall.Duration] = 1, f.Length
		if f.Bounce {
			c[rollcall.Bounces] = 1
		}
	}
	if f.NewUser && f.User >= 0 {
		c[rollcall.NewUsers] = 1
	}
	if f.NewUser && f.User < 0 {
		c[rollcall.Counted] = 1
	}
	return c
}

func (m *Store) tuple(f Fact, c rollcall.Cuboid) (values []rollcall.Value, text string) {
	for d, v := range f.Dims {
		if c.Has(d) {
			values = append(values, rollcall.Value(slices.Index(m.Header.Values[d], v)))
			text += v + "\x00"
		}
	}
	return values, text
}

// place gives the period and sub-bucket of an instant.
func place(cal rollcall.Calendar, g rollcall.Grain, ms int64) (block.Period, uint8) {
	switch g {
	case rollcall.Day:
		return block.Period(cal.Date(ms)), 0
	case rollcall.Hour:
		d := cal.Date(ms)
		return block.Period(d), uint8(slices.Index(cal.Hours(d), cal.HourStart(ms)))
	default:
		hour := cal.HourStart(ms)
		return block.Period(hour / 60_000), uint8((cal.MinuteStart(ms) - hour) / 60_000)
	}
}

// AddCells puts a block in place of the one with its key.
func (m *Store) AddCells(c *block.Cells) { m.cells[c.Key] = c }

// AddSets puts user sets in place of those with their key.
func (m *Store) AddSets(s *block.Sets) {
	delete(m.sets, s.Key)
	m.addPart(s)
}

func (m *Store) addPart(s *block.Sets) {
	users, masks := s.Encode()
	m.sets[s.Key] = append(m.sets[s.Key], [2][]byte{users, append([]byte{}, masks...)})
}

// Split gives all user sets so many parts, as commits do: some of a user's hours are in one part, some in the next.
func (m *Store) Split(parts int) error {
	for key, blobs := range m.sets {
		whole, err := block.OpenSets(blobs[0][0], blobs[0][1], key)
		if err != nil {
			return err
		}
		s, err := whole.Sets()
		if err != nil {
			return err
		}
		builders := make([]block.SetsBuilder, parts)
		for i := range builders {
			builders[i].Reset(key, len(s.Dims))
		}
		for cell := range s.Len() {
			values := make([]rollcall.Value, len(s.Dims))
			for d := range values {
				values[d] = s.Dims[d][cell]
			}
			for i := s.Start[cell]; i < s.Start[cell+1]; i++ {
				u := s.Users[i]
				builders[int(u+i)%parts].Add(values, u, s.Masks[i]&0x9249249249249249)
				builders[int(u+i+1)%parts].Add(values, u, s.Masks[i]&^0x9249249249249249)
			}
		}
		delete(m.sets, key)
		for i := range builders {
			if part := builders[i].Build(); part.Len() > 0 {
				m.addPart(part)
			}
		}
	}
	return nil
}
