package fold

import (
	"math/bits"

	"rollcall"
)

// presence knows which users were active in which full cells of a period, and in which of its sub-buckets: for each
// (user, cell) one mask of sub-bucket bits. A user has few cells a period, so they are a list that begins in the user's
// slot; whether the user is new in a coarser cuboid follows from the same list. A user with very many cells is moved to
// a hash map, so that no input makes the list long.
type presence[M uint32 | uint64] struct {
	slots []userCells[M]
	used  int
	shift uint8
	more  []userCell[M]
	wide  map[wideKey]*M
	pend  []pair
}

type userCells[M uint32 | uint64] struct {
	user uint32 // 0 is free
	userCell[M]
}

type userCell[M uint32 | uint64] struct {
	cell uint32
	mask M
	next uint32 // index+1 into more; isWide in the slot of a user in the map
}

const (
	isWide   = 1<<32 - 1
	maxCells = 24
)

type wideKey struct {
	user, cell uint32
	cuboid     uint8
}

// pair is a new entry, or a new bit of one, since the last Cut. bit is noBit when the user was in no sub-bucket.
type pair struct {
	cell, user uint32
	bit        uint8
}

const noBit = 255

// news tells where a user is new: in the period, in the sub-bucket.
type news struct{ period, sub bool }

func (p *presence[M]) slot(user uint32) *userCells[M] {
	if 5*p.used >= 3*len(p.slots) {
		p.grow()
	}
	mask := uint32(len(p.slots) - 1)
	for i := user * 0x9E3779B1 >> p.shift; ; i = (i + 1) & mask {
		if s := &p.slots[i]; s.user == user || s.user == 0 {
			return s
		}
	}
}

func (p *presence[M]) grow() { p.resize(max(64, 2*len(p.slots))) }

func (p *presence[M]) resize(n int) {
	old := p.slots
	p.slots, p.shift = make([]userCells[M], n), uint8(32-bits.TrailingZeros(uint(n)))
	for _, s := range old {
		if s.user != 0 {
			*p.slot(s.user) = s
		}
	}
}

// add makes the user active in a full cell and sub-bucket (noBit for none), and counts him in each cuboid in which he is
// new in the sub-bucket or, where period is set, in the period. Without an acc nothing is counted.
func (p *presence[M]) add(user, cell uint32, bit uint8, t *cellTable, to *acc, period bool) {
	s := p.slot(user)
	m := M(0)
	if bit != noBit {
		m = 1 << bit
	}
	if s.user == 0 {
		p.used++
		*s = userCells[M]{user, userCell[M]{cell: cell, mask: m}}
		p.pend = append(p.pend, pair{cell, user, bit})
		p.count(t, to, cell, bit, news{true, m != 0}, nil, period)
		return
	}
	if s.next == isWide {
		p.addWide(user, cell, bit, t, to, period)
		return
	}
	e, at, n := &s.userCell, uint32(0), 1 // at is e's place in more, +1
	for e.cell != cell && e.next != 0 {
		at = e.next
		e = &p.more[at-1]
		n++
	}
	if e.cell == cell {
		if fresh := m &^ e.mask; fresh != 0 {
			p.count(t, to, cell, bit, news{false, true}, s, period)
			e.mask |= m
			p.pend = append(p.pend, pair{cell, user, bit})
		}
		return
	}
	if n >= maxCells {
		p.widen(s, t)
		p.addWide(user, cell, bit, t, to, period)
		return
	}
	p.count(t, to, cell, bit, news{true, m != 0}, s, period)
	p.more = append(p.more, userCell[M]{cell: cell, mask: m})
	if at > 0 {
		e = &p.more[at-1] // append may have moved it
	}
	e.next = uint32(len(p.more))
	p.pend = append(p.pend, pair{cell, user, bit})
}

// count adds the user to the cells of every cuboid in which nothing in s, the cells he has already, was.
func (p *presence[M]) count(t *cellTable, to *acc, cell uint32, bit uint8, fresh news, s *userCells[M], period bool) {
	if to == nil {
		return
	}
	full := len(t.cuboids) - 1
	if fresh.period && period {
		to.at(wholeDay, cell)[rollcall.Active]++
	}
	if fresh.sub {
		to.at(bit, cell)[rollcall.Active]++
	}
	for c := range full {
		f := fresh
		in := t.in(cell, c)
		if s != nil {
			f = p.newIn(s, t, c, in, bit, f)
		}
		if f.period && period {
			to.addActive(wholeDay, c, in)
		}
		if f.sub {
			to.addActive(bit, c, in)
		}
	}
}

// newIn strikes from f what the user's other cells already cover in cell in of cuboid c.
func (p *presence[M]) newIn(s *userCells[M], t *cellTable, c int, in uint32, bit uint8, f news) news {
	for e := &s.userCell; ; e = &p.more[e.next-1] {
		if t.in(e.cell, c) == in {
			f.period = false
			if bit != noBit && e.mask>>bit&1 == 1 {
				f.sub = false
			}
		}
		if e.next == 0 || !f.period && !f.sub {
			return f
		}
	}
}

// widen moves a user's cells to the map.
func (p *presence[M]) widen(s *userCells[M], t *cellTable) {
	if p.wide == nil {
		p.wide = map[wideKey]*M{}
	}
	for e := &s.userCell; ; e = &p.more[e.next-1] {
		for c := range t.cuboids {
			k := wideKey{s.user, t.in(e.cell, c), uint8(c)}
			if p.wide[k] == nil {
				p.wide[k] = new(M)
			}
			*p.wide[k] |= e.mask
		}
		if e.next == 0 {
			break
		}
	}
	s.next = isWide
}

func (p *presence[M]) addWide(user, cell uint32, bit uint8, t *cellTable, to *acc, period bool) {
	for c := range t.cuboids {
		in := t.in(cell, c)
		k := wideKey{user, in, uint8(c)}
		mask, seen := p.wide[k]
		if !seen {
			mask = new(M)
			p.wide[k] = mask
		}
		sub := bit != noBit && *mask>>bit&1 == 0
		if sub {
			*mask |= 1 << bit
		}
		full := c == len(t.cuboids)-1
		if full && (sub || !seen) {
			p.pend = append(p.pend, pair{cell, user, bit})
		}
		countWide(to, c, in, bit, news{!seen && period, sub}, full)
	}
}

func countWide(to *acc, c int, in uint32, bit uint8, f news, full bool) {
	if to == nil {
		return
	}
	for _, at := range [2]struct {
		is  bool
		sub uint8
	}{{f.period, wholeDay}, {f.sub, bit}} {
		switch {
		case at.is && full:
			to.at(at.sub, in)[rollcall.Active]++
		case at.is:
			to.addActive(at.sub, c, in)
		}
	}
}

// put brings in what was written out; nothing is counted.
func (p *presence[M]) put(user, cell uint32, mask M, t *cellTable) {
	p.add(user, cell, noBit, t, nil, false)
	for ; mask != 0; mask &= mask - 1 {
		p.add(user, cell, uint8(bits.TrailingZeros64(uint64(mask))), t, nil, false)
	}
}

func (p *presence[M]) bytes() int64 {
	var m M
	width := int64(bits.Len64(uint64(^m))) / 8
	return int64(len(p.slots))*(12+width) + int64(cap(p.more))*(8+width) + int64(len(p.wide))*64 + int64(cap(p.pend))*12
}

// dayPresence is who was active on a date, by hour.
type dayPresence struct {
	presence[uint32]
	date     rollcall.Date
	seen     bitset            // full cells met on this date whose values are within the cap
	capped   map[uint32]uint32 // full cell → the cell with values beyond the cap replaced
	modified uint64            // clock of the last change
	touched  uint64
}

// hourPresence is who was active in an hour, by minute.
type hourPresence struct {
	presence[uint64]
	period   int64
	modified uint64
	touched  uint64
}

type bitset []uint64

func (b bitset) has(i uint32) bool { return int(i>>6) < len(b) && b[i>>6]>>(i&63)&1 == 1 }

func (b *bitset) set(i uint32) {
	for int(i>>6) >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[i>>6] |= 1 << (i & 63)
}
