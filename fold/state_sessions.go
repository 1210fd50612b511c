package fold

import (
	"fmt"
	"slices"

	"rollcall"
	"rollcall/block"
)

// State is what a snapshot writes: every change of sessions and seen ids since the last one.
type State struct {
	Clock      uint64 // number of the snapshot, for Evict
	Head       []byte // what else the state at this offset rests on; replaces the one before
	IDs        []Chunk
	Sessions   []Chunk
	SessionIDs []Chunk
}

// Chunk is an addition to a part of state.
type Chunk struct {
	Part int64
	Data []byte
}

// Snapshot takes the changes of state since the last Snapshot. Call it right after Cut: both are then as of the same
// offset.
func (s *Shard) Snapshot() *State {
	st := &State{Clock: s.clock - 1, Head: s.writeHead()}
	s.ids.cut(false, func(part int64, data []byte) { st.IDs = append(st.IDs, Chunk{part, data}) })
	s.ids.written()
	s.sids.cut(true, func(part int64, data []byte) { st.SessionIDs = append(st.SessionIDs, Chunk{part, data}) })
	s.sids.written()
	w := newChunkWriter(s.cfg.Dims)
	for day, d := range s.parts {
		if len(d.changed)+len(d.renamed) > 0 {
			w.reset()
			s.writeSessions(w, d)
			st.Sessions = append(st.Sessions, Chunk{day, w.bytes()})
		}
		if d.texts.wasteful() {
			d.compact()
		}
	}
	return st
}

func (s *Shard) writeHead() []byte {
	w := newChunkWriter(0)
	w.fixed(s.key[0])
	w.fixed(s.key[1])
	w.varint(s.maxTime)
	w.varint(s.counts.Accepted)
	return w.bytes()
}

// LoadHead sets the totals that folding rests on to those of the snapshot; Restore sets those of the last commit. The
// head has the shard's secret too: a shard may have seen ids before it has a user, whose entry would bring it.
func (s *Shard) LoadHead(data []byte) error {
	r, err := readChunk(data)
	if err != nil {
		return fmt.Errorf("load snapshot head: %w", err)
	}
	s.key = Key{r.fixed(), r.fixed()}
	s.maxTime, s.counts.Accepted = r.varint(), r.varint()
	return r.err()
}

// writeSessions writes the runs of the users that changed, and the named sessions that did.
func (s *Shard) writeSessions(w *chunkWriter, d *sessionDay) {
	slices.Sort(d.changed)
	w.uvarint(uint64(len(d.changed)))
	last := uint32(0)
	for _, user := range d.changed {
		slot := d.place(user)
		slot.changed = false
		w.uvarint(uint64(user - last))
		last = user
		n := uint64(1)
		for r := &slot.run; r.next != 0; r = &d.older[r.next-1] {
			n++
		}
		w.uvarint(n)
		for r := &slot.run; ; r = &d.older[r.next-1] {
			w.uvarint(uint64(r.first))
			w.uvarint(uint64(r.last - r.first))
			w.byte(r.inter | r.level<<2)
			w.cell(s.cells, r.cell)
			w.text(d.texts.get(r.id))
			if r.next == 0 {
				break
			}
		}
	}
	d.changed = d.changed[:0]
	for _, i := range d.renamed {
		n := &d.named[i]
		n.changed = false
		w.uvarint(uint64(n.key.User))
		w.fixed(n.key.Hash)
		w.varint(n.first)
		w.uvarint(uint64(n.last - n.first))
		w.byte(n.inter | n.level<<2)
		w.cell(s.cells, n.cell)
		w.text(d.texts.get(n.id))
	}
	d.renamed = d.renamed[:0]
}

// compact rebuilds the arena of entry events' ids.
func (d *sessionDay) compact() {
	old := d.texts
	d.texts = arena{}
	for i := range d.slots {
		s := &d.slots[i]
		if s.user == 0 {
			continue
		}
		for r := &s.run; ; r = &d.older[r.next-1] {
			r.id = d.texts.put(old.get(r.id))
			if r.next == 0 {
				break
			}
		}
	}
	for i := range d.named {
		if n := &d.named[i]; n.home == d.day {
			n.id = d.texts.put(old.get(n.id))
		}
	}
}

// runRecord and namedRecord are sessions as written.
type runRecord struct {
	first, last  uint64
	inter, level uint8
	values       []rollcall.Value
	id           []byte
}

type namedRecord struct {
	key          UserKey
	first, last  int64
	inter, level uint8
	values       []rollcall.Value
	id           []byte
}

func readSessions(data []byte, user func(user uint32, runs []runRecord), name func(namedRecord)) (dims int, err error) {
	r, err := readChunk(data)
	if err != nil {
		return 0, err
	}
	users, id := r.uvarint(), uint32(0)
	for range users {
		id += uint32(r.uvarint())
		n := r.uvarint()
		if n == 0 || n > uint64(len(r.b)) {
			return 0, ErrState
		}
		runs := make([]runRecord, 0, n)
		for range n {
			x := runRecord{first: r.uvarint()}
			x.last = x.first + r.uvarint()
			flags := r.byte()
			x.inter, x.level = flags&3, flags>>2
			x.values, x.id = r.tuple(), slices.Clone(r.text())
			runs = append(runs, x)
		}
		if r.bad || runs[0].last > 1<<31-1 {
			return 0, ErrState
		}
		user(id, runs)
	}
	for r.more() {
		x := namedRecord{key: UserKey{User: uint32(r.uvarint()), Hash: r.fixed()}, first: r.varint()}
		x.last = x.first + int64(r.uvarint())
		flags := r.byte()
		x.inter, x.level = flags&3, flags>>2
		x.values, x.id = r.tuple(), slices.Clone(r.text())
		if !r.bad {
			name(x)
		}
	}
	return r.dims, r.err()
}

// LoadSessions brings in the sessions of a UTC day, oldest chunk first; no chunks for a day without any.
func (s *Shard) LoadSessions(day int64, chunks [][]byte) error {
	d := &sessionDay{day: day, base: day * dayMS}
	if before := s.parts[day-1]; before != nil && before.used > 64 {
		d.resize(len(before.slots)) // days are alike
	}
	for _, data := range chunks {
		dims, err := readSessions(data, func(user uint32, runs []runRecord) { s.loadRuns(d, user, runs) }, func(n namedRecord) { s.loadNamed(d, n) })
		if err == nil && dims != s.cfg.Dims {
			err = fmt.Errorf("%w: %d dimensions", ErrState, dims)
		}
		if err != nil {
			return fmt.Errorf("load sessions of day %d: %w", day, err)
		}
	}
	s.parts[day] = d
	return nil
}

func (s *Shard) loadRuns(d *sessionDay, user uint32, runs []runRecord) {
	slot := d.slot(user)
	if slot.user == 0 {
		d.used++
	}
	for at := slot.next; slot.user != 0 && at != 0; {
		after := d.older[at-1].next
		d.older[at-1].next, d.free = d.free, at
		at = after
	}
	next := uint32(0)
	for i := len(runs) - 1; i >= 0; i-- {
		x := runs[i]
		r := run{first: int32(x.first), last: int32(x.last), inter: x.inter, level: x.level, cell: s.cells.of(x.values), id: d.texts.put(x.id), next: next}
		if i == 0 {
			*slot = runSlot{user, r}
		} else {
			next = d.alloc(r)
		}
	}
}

func (s *Shard) loadNamed(d *sessionDay, x namedRecord) {
	i := d.name(x.key)
	if i < 0 {
		i = d.addName(namedSession{key: x.key})
	}
	d.named[i] = namedSession{key: x.key, first: x.first, last: x.last, home: d.day, cell: s.cells.of(x.values), id: d.texts.put(x.id), inter: x.inter, level: x.level}
}

// LoadDay brings in who was active on a date; nil for nobody.
func (s *Shard) LoadDay(d rollcall.Date, sets *block.Sets) {
	p := &dayPresence{date: d}
	if before := s.days[d-1]; before != nil && before.used > 64 {
		p.resize(len(before.slots)) // days are alike
	}
	load(&p.presence, sets, s.cells)
	s.days[d] = p
}

// LoadHour brings in who was active in an hour, by minute; nil for nobody.
func (s *Shard) LoadHour(at int64, sets *block.Sets) {
	p := &hourPresence{period: at}
	load(&p.presence, sets, s.cells)
	s.hours[at] = p
}

func load[M uint32 | uint64](p *presence[M], sets *block.Sets, t *cellTable) {
	if sets == nil {
		return
	}
	values := make([]rollcall.Value, len(sets.Dims))
	for c := range sets.Len() {
		for d := range values {
			values[d] = sets.Dims[d][c]
		}
		cell := t.of(values)
		for i := sets.Start[c]; i < sets.Start[c+1]; i++ {
			p.put(sets.Users[i], cell, M(sets.Masks[i]), t)
		}
	}
	p.pend = p.pend[:0]
}
