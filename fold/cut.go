package fold

import (
	"slices"

	"rollcall"
	"rollcall/block"
	"rollcall/record"
)

// Delta is what the figures gained since the last Cut.
type Delta struct {
	Clock   uint64 // number of the Cut, for Evict
	Cells   []*block.Cells
	Sets    []*block.Sets // without the shard's number, which the caller knows
	Users   [][]byte      // chunks of dictionary parts, by UserParts
	Parts   []int64       // the part of each chunk of Users
	Ledger  []LedgerDelta
	Letters []Late
	Drops   []record.Drop // in log order
	Counts  Counts
}

// scratch is memory kept between calls.
type scratch struct {
	values []rollcall.Value
	doubts Doubts
	index  rowIndex
	rows   []accRow
	order  []uint64
	spare  []uint64
	sum    uint64 // keeps touchAhead's loads
}

// Cut takes the deltas gathered since the last Cut and starts anew. It costs time by what changed, not by what is held.
func (s *Shard) Cut() *Delta {
	d := &Delta{Clock: s.clock, Counts: s.Counts(), Letters: s.letters, Drops: s.drops}
	s.clock++
	s.cutMinutes(d)
	s.cutDays(d)
	s.cutSets(d)
	s.cutUsers(d)
	for _, l := range s.ledger {
		d.Ledger = append(d.Ledger, *l)
	}
	slices.SortFunc(d.Ledger, func(a, b LedgerDelta) int { return int(a.Hour/hourMS - b.Hour/hourMS) })
	clear(s.ledger)
	s.row, s.letters, s.drops = nil, nil, nil
	return d
}

// Discard drops the deltas gathered since the last Cut: what was folded is committed already.
func (s *Shard) Discard() {
	clear(s.accs)
	clear(s.minutes)
	clear(s.ledger)
	s.acc, s.row, s.letters, s.drops = nil, nil, nil, nil
	for _, p := range s.days {
		p.pend = p.pend[:0]
	}
	for _, p := range s.hours {
		p.pend = p.pend[:0]
	}
	for _, u := range s.users.changed {
		s.users.firsts[u-1].changed = false
	}
	s.users.changed = s.users.changed[:0]
}

// cutMinutes emits minute cells and adds what can be added to their hours.
func (s *Shard) cutMinutes(d *Delta) {
	for key, a := range s.minutes {
		if a.empty() {
			delete(s.minutes, key)
			continue
		}
		for c := range s.cfg.Cuboids {
			s.sum(&a.acc, c, false)
			d.addCells(s.columns(block.CellKey{Grain: rollcall.Minute, Period: block.Period(a.period), Cuboid: s.cfg.Cuboids[c]}, c, 0, wholeDay-1))
		}
		day := s.dayAcc(a.date)
		for i := range a.rows {
			addable(day.at(a.hour, a.rows[i].cell), &a.rows[i].counters)
		}
		a.reset()
	}
}

// cutDays emits hour and day cells.
func (s *Shard) cutDays(d *Delta) {
	for date, a := range s.accs {
		if a.empty() {
			delete(s.accs, date)
			s.acc = nil
			if len(s.spare) < 4 {
				s.spare = append(s.spare, a)
			}
			continue
		}
		for c := range s.cfg.Cuboids {
			s.sum(&a.acc, c, true)
			key := block.CellKey{Grain: rollcall.Hour, Period: block.Period(date), Cuboid: s.cfg.Cuboids[c]}
			d.addCells(s.columns(key, c, 0, wholeDay-1))
			key.Grain = rollcall.Day
			d.addCells(s.columns(key, c, wholeDay, wholeDay))
		}
		a.reset()
	}
}

func (d *Delta) addCells(c *block.Cells) {
	if c.Len() > 0 {
		d.Cells = append(d.Cells, c)
	}
}

// addable adds all counters but the active users.
func addable(to, from *rollcall.Counters) {
	active := to[rollcall.Active]
	to.Add(from)
	to[rollcall.Active] = active
}

// sum gathers the cells of cuboid index c into s.scratch.rows: of each sub-bucket, and, when asked, of the whole day.
func (s *Shard) sum(a *acc, c int, whole bool) {
	x := &s.scratch
	x.index.reset()
	x.rows = x.rows[:0]
	for i := range a.rows {
		r := &a.rows[i]
		in := s.cells.in(r.cell, c)
		to := s.summed(r.sub, in)
		addable(to, &r.counters)
		if c == s.full {
			to[rollcall.Active] += r.counters[rollcall.Active]
		}
		if whole && r.sub != wholeDay {
			addable(s.summed(wholeDay, in), &r.counters)
		}
	}
	if c < len(a.active) {
		for _, r := range a.active[c] {
			s.summed(r.sub, r.cell)[rollcall.Active] += r.users
		}
	}
}

func (s *Shard) summed(sub uint8, cell uint32) *rollcall.Counters {
	x := &s.scratch
	i, fresh := x.index.of(uint64(sub)<<32|uint64(cell), len(x.rows))
	if fresh {
		x.rows = append(x.rows, accRow{sub: sub, cell: cell})
	}
	return &x.rows[i].counters
}

// columns makes a block of the summed rows with from ≤ sub ≤ to, in order; rows that came to nothing are left out.
func (s *Shard) columns(key block.CellKey, c int, from, to uint8) *block.Cells {
	x, rank := &s.scratch, s.cells.ranked(c).rank
	x.order = x.order[:0]
	for i := range x.rows {
		if r := &x.rows[i]; r.sub >= from && r.sub <= to && !r.counters.IsZero() {
			x.order = append(x.order, uint64(r.sub)<<56|uint64(rank[r.cell])<<28|uint64(i))
		}
	}
	x.order, x.spare = radixSort(x.order, x.spare)
	n := len(x.order)
	b := &block.Cells{Key: key, Sub: make([]uint8, n), Dims: make([][]rollcall.Value, key.Cuboid.Size())}
	for d := range b.Dims {
		b.Dims[d] = make([]rollcall.Value, n)
	}
	for k := range b.Counters {
		b.Counters[k] = make([]int64, n)
	}
	for i, o := range x.order {
		r := &x.rows[o&(1<<28-1)]
		if r.sub != wholeDay {
			b.Sub[i] = r.sub
		}
		for d, v := range s.cells.tupleOf(c, r.cell) {
			b.Dims[d][i] = v
		}
		for k := range r.counters {
			b.Counters[k][i] = r.counters[k]
		}
	}
	return b
}

func (s *Shard) cutSets(d *Delta) {
	for date, p := range s.days {
		if len(p.pend) > 0 {
			key := block.SetKey{Grain: rollcall.Day, Period: block.Period(date)}
			d.Sets = append(d.Sets, s.set(key, p.pend))
			p.pend = p.pend[:0]
		}
	}
	for period, p := range s.hours {
		if len(p.pend) > 0 {
			key := block.SetKey{Grain: rollcall.Minute, Period: block.Period(period)}
			d.Sets = append(d.Sets, s.set(key, p.pend))
			p.pend = p.pend[:0]
		}
	}
}

// set codes pairs as a block: sorted by cell and user, one mask each.
func (s *Shard) set(key block.SetKey, pend []pair) *block.Sets {
	x, ranks := &s.scratch, s.cells.ranked(s.full)
	x.order = x.order[:0]
	for _, p := range pend {
		// 26 bits of cell, 32 of user, 6 of sub-bucket: a table of more than 2^26 cells would not fit in memory.
		x.order = append(x.order, uint64(ranks.rank[p.cell])<<38|uint64(p.user)<<6|uint64(min(p.bit, wholeDay)))
	}
	x.order, x.spare = radixSort(x.order, x.spare)
	b := &block.Sets{Key: key, Dims: make([][]rollcall.Value, s.cfg.Dims), Users: make([]uint32, 0, len(pend)), Masks: make([]uint64, 0, len(pend))}
	last := ^uint64(0)
	for _, o := range x.order {
		mask := uint64(0)
		if bit := o & 63; bit != wholeDay {
			mask = 1 << bit
		}
		if o>>6 == last>>6 {
			b.Masks[len(b.Masks)-1] |= mask
			continue
		}
		if len(b.Start) == 0 || o>>38 != last>>38 {
			b.Start = append(b.Start, uint32(len(b.Users)))
			for d, v := range s.cells.tupleOf(s.full, ranks.order[o>>38]) {
				b.Dims[d] = append(b.Dims[d], v)
			}
		}
		b.Users, b.Masks, last = append(b.Users, uint32(o>>6)), append(b.Masks, mask), o
	}
	b.Start = append(b.Start, uint32(len(b.Users)))
	return b
}

// radixSort sorts keys by their used bits, 11 at a time, and returns the sorted slice and the other one for reuse.
func radixSort(keys, spare []uint64) (sorted, free []uint64) {
	if len(keys) < 256 {
		slices.Sort(keys)
		return keys, spare
	}
	all := uint64(0)
	for _, k := range keys {
		all |= k
	}
	spare = slices.Grow(spare[:0], len(keys))[:len(keys)]
	for shift := 0; shift < 64 && all>>shift != 0; shift += 11 {
		if all>>shift&2047 == 0 {
			continue
		}
		var at [2048]uint32
		for _, k := range keys {
			at[k>>shift&2047]++
		}
		sum := uint32(0)
		for i, n := range at {
			at[i], sum = sum, sum+n
		}
		for _, k := range keys {
			i := k >> shift & 2047
			spare[at[i]] = k
			at[i]++
		}
		keys, spare = spare, keys
	}
	return keys, spare
}
