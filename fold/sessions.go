package fold

import (
	"math/bits"

	"rollcall"
)

// sessionDay holds the sessions of one UTC day of a shard. Sessions by gap are kept as runs: a run is a maximal group
// of a user's events of that day with no gap within it. A session is a chain of runs of successive days that are no
// further apart than the gap; nearly always it is one run. So a day's runs depend on that day's events only, and a late
// event touches one day and, near midnight, its neighbours.
type sessionDay struct {
	day      int64 // days since 1970-01-01 UTC
	base     int64 // its start, Unix ms
	slots    []runSlot
	used     int
	shift    uint8
	older    []run
	free     uint32 // index+1 of the first unused entry of older, linked by next
	texts    arena
	named    []namedSession
	names    rowIndex
	changed  []uint32 // users whose runs changed since the last Snapshot
	renamed  []uint32 // indices of named that did
	modified uint64   // clock of the last change
	touched  uint64   // for eviction: when last used
}

// runSlot holds a user's newest run of the day; the older ones are a list that begins at next.
type runSlot struct {
	user uint32 // 0 is free
	run
}

type run struct {
	first, last int32 // ms after the day's base
	cell        uint32
	id          textRef // event id of the entry event
	next        uint32  // index+1 into older
	inter       uint8   // interactive events: 0, 1 or 2 for more
	level       uint8   // of the entry event
	changed     bool    // in the slot only: the user is in changed
}

// session is what counts of a session.
type session struct {
	first, last int64 // Unix ms
	cell        uint32
	inter       uint8
	level       uint8
}

// touch is an event as sessions see it.
type touch struct {
	user, cell   uint32
	time         int64
	id           []byte
	inter, level uint8
}

func (d *sessionDay) slot(user uint32) *runSlot {
	if 5*d.used >= 3*len(d.slots) {
		d.grow()
	}
	return d.place(user)
}

func (d *sessionDay) place(user uint32) *runSlot {
	mask := uint32(len(d.slots) - 1)
	for i := user * 0x9E3779B1 >> d.shift; ; i = (i + 1) & mask {
		if s := &d.slots[i]; s.user == user || s.user == 0 {
			return s
		}
	}
}

func (d *sessionDay) grow() { d.resize(max(64, 2*len(d.slots))) }

func (d *sessionDay) resize(n int) {
	old := d.slots
	d.slots, d.shift = make([]runSlot, n), uint8(32-bits.TrailingZeros(uint(n)))
	for _, s := range old {
		if s.user != 0 {
			*d.place(s.user) = s
		}
	}
}

// find gives the slot of a user who has runs, or nil.
func (d *sessionDay) find(user uint32) *runSlot {
	if d == nil || d.used == 0 {
		return nil
	}
	if s := d.place(user); s.user != 0 {
		return s
	}
	return nil
}

func (d *sessionDay) mark(s *runSlot) {
	if !s.changed {
		s.changed = true
		d.changed = append(d.changed, s.user)
	}
}

func (d *sessionDay) alloc(r run) uint32 {
	if d.free == 0 {
		d.older = append(d.older, r)
		return uint32(len(d.older))
	}
	i := d.free
	d.free = d.older[i-1].next
	d.older[i-1] = r
	return i
}

// place of an event, which reaches from one time to another, among the runs of its user and day: the runs it touches, newest first,
// and the run after which a new one would be listed.
type spot struct {
	later  *run // the untouched run next in time; nil when the event is at the newest end
	a, b   *run // touched: a, or a and the older b that the event joins to it
	oldest bool // no run of the day is older than the event or what it touches
}

func (d *sessionDay) spot(s *runSlot, from, until int64) (p spot) {
	p.oldest = true
	if s.user == 0 {
		return p
	}
	for r := &s.run; ; r = &d.older[r.next-1] {
		switch {
		case int64(r.last) < from:
			p.oldest = false
			return p
		case int64(r.first) > until:
			p.later = r
		case p.a == nil:
			p.a = r
		default:
			p.b = r
		}
		if r.next == 0 {
			return p
		}
	}
}

// touchGap folds an event without session id. It returns false, with s.need set and nothing changed, when it must see
// a day that is not loaded.
func (s *Shard) touchGap(d *sessionDay, t *touch) bool {
	rel, e := int32(t.time-d.base), s.eraOf(t.time)
	from, until := e.reach(t.time)
	slot := d.slot(t.user)
	p := d.spot(slot, from-d.base, until-d.base)
	low, high := int64(rel), int64(rel)
	for _, r := range [2]*run{p.a, p.b} {
		if r != nil {
			low, high = min(low, int64(r.first)), max(high, int64(r.last))
		}
	}
	if low < e.gap || high+e.gap >= dayMS {
		return s.touchNearMidnight(d, slot, p, t)
	}
	if p.a == nil {
		r := d.insert(slot, p, t, rel)
		s.countSession(d.session(r), 1)
		return true
	}
	if p.b == nil && rel > p.a.first {
		s.extend(d, p.a, t, rel)
		d.mark(slot)
		return true
	}
	s.countSession(d.session(p.a), -1)
	if p.b != nil {
		s.countSession(d.session(p.b), -1)
	}
	r := s.merge(d, slot, p, t, rel)
	s.countSession(d.session(r), 1)
	return true
}

// extend is the common case: the event lies in or after a run, whose entry and place stay.
func (s *Shard) extend(d *sessionDay, r *run, t *touch, rel int32) {
	longer := int64(max(rel-r.last, 0))
	inter := min(r.inter+t.inter, 2)
	unbounced := r.inter < 2 && inter == 2
	if longer > 0 || unbounced {
		c := s.counters(d.base+int64(r.first), r.level, r.cell)
		c[rollcall.Duration] += longer
		if unbounced {
			c[rollcall.Bounces]--
		}
	}
	r.last += int32(longer)
	r.inter = inter
}

// insert adds a run of one event.
func (d *sessionDay) insert(slot *runSlot, p spot, t *touch, rel int32) *run {
	r := run{first: rel, last: rel, cell: t.cell, id: d.texts.put(t.id), inter: min(t.inter, 2), level: t.level}
	switch {
	case slot.user == 0:
		d.used++
		slot.user = t.user
		slot.run = r
		d.mark(slot)
		return &slot.run
	case p.later == nil:
		r.changed = slot.changed
		slot.changed = false
		r.next = d.alloc(slot.run)
		slot.run = r
		d.mark(slot)
		return &slot.run
	default:
		inSlot := p.later == &slot.run
		at := p.later.next
		r.next = at
		i := d.alloc(r) // may move older
		if inSlot {
			slot.next = i
		} else {
			d.relink(slot, at, i)
		}
		d.mark(slot)
		return &d.older[i-1]
	}
}

// relink makes the one run that pointed to from, other than the new run to itself, point to to.
func (d *sessionDay) relink(slot *runSlot, from, to uint32) {
	for i := slot.next; ; i = d.older[i-1].next {
		if d.older[i-1].next == from {
			d.older[i-1].next = to
			return
		}
	}
}

// merge puts the event into the runs it touches, joining two into one.
func (s *Shard) merge(d *sessionDay, slot *runSlot, p spot, t *touch, rel int32) *run {
	r := p.a
	if b := p.b; b != nil {
		d.texts.drop(r.id)
		gone := r.next
		r.first, r.cell, r.id, r.level = b.first, b.cell, b.id, b.level
		r.inter, r.next = min(r.inter+b.inter, 2), b.next
		d.older[gone-1].next = d.free
		d.free = gone
	}
	if rel < r.first || rel == r.first && s.before(t.id, t.cell, d.texts.get(r.id), r.cell) {
		d.texts.drop(r.id)
		r.first, r.cell, r.id, r.level = rel, t.cell, d.texts.put(t.id), t.level
	}
	r.last = max(r.last, rel)
	r.inter = min(r.inter+t.inter, 2)
	d.mark(slot)
	return r
}

// before tells whether, of two events at the same time, the one with id a and cell x is the entry.
func (s *Shard) before(a []byte, x uint32, b []byte, y uint32) bool {
	if string(a) != string(b) {
		return string(a) < string(b)
	}
	if x == y {
		return false
	}
	v, w := s.cells.tupleOf(s.full, x), s.cells.tupleOf(s.full, y)
	for d := range v {
		if p, q := s.cfg.Text(d, v[d]), s.cfg.Text(d, w[d]); p != q {
			return p < q
		}
	}
	return false
}

func (d *sessionDay) session(r *run) session {
	return session{first: d.base + int64(r.first), last: d.base + int64(r.last), cell: r.cell, inter: r.inter, level: r.level}
}

// countSession adds a session to the figures, or takes it off.
func (s *Shard) countSession(x session, sign int64) {
	c := s.counters(x.first, x.level, x.cell)
	c[rollcall.Sessions] += sign
	c[rollcall.Duration] += sign * (x.last - x.first)
	if x.inter < 2 {
		c[rollcall.Bounces] += sign
	}
}

func (d *sessionDay) bytes() int64 {
	return int64(len(d.slots)+cap(d.older))*28 + d.texts.bytes() + int64(cap(d.changed))*4 +
		int64(cap(d.named))*48 + int64(len(d.names.slots))*16
}
