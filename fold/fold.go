package fold

import (
	"math"

	"rollcall"
	"rollcall/record"
)

// Need names a part of state that Fold must see before it can go on.
type Need struct {
	Day     rollcall.Date // who was active on a date (LoadDay)
	Hour    int64         // who was active in an hour (LoadHour), by period
	Part    int64         // the sessions of a UTC day (LoadSessions)
	Missing Missing
}

// Missing tells which field of a Need counts.
type Missing uint8

// What may be missing.
const (
	Nothing Missing = iota
	MissingDay
	MissingHour
	MissingPart
)

func (n *Need) any() bool { return n.Missing != Nothing }

// Late is an event beyond the late horizon.
type Late struct {
	Offset rollcall.Offset
	Row    int
	Event  rollcall.Event // a copy
}

// Fold folds the rows of a prepared batch from row from on. It returns the number of rows done, and when these are not
// all, what it needs to go on.
func (s *Shard) Fold(b *Batch, from int) (done int, need Need) {
	s.need = Need{}
	for i := from; i < len(b.Rows); i++ {
		if i%ahead == 0 || i == from {
			s.touchAhead(b.keys[i:min(i+ahead, len(b.keys))])
		}
		if !s.foldRow(b, i) {
			return i, s.need
		}
	}
	return len(b.Rows), Need{}
}

// foldRow folds one row, unless it is erased; it returns false, with s.need set, when state is missing.
func (s *Shard) foldRow(b *Batch, i int) bool {
	r, k := &b.Rows[i], &b.keys[i]
	if r.Erased {
		return true
	}
	date, tod := s.date(r.Time)
	if s.late(date) {
		s.refuse(b, i)
		return true
	}
	level := s.level(r.Time, b.Received)
	day := s.wantDay(date)
	var hour *hourPresence
	var minute uint8
	if level == levelMinute && day != nil {
		var period int64
		period, minute = minuteOf(r.Time, tod)
		if hour = s.wantHour(period); hour == nil {
			return false
		}
	}
	part := s.wantPart(floorDiv(r.Time, dayMS))
	if day == nil || part == nil {
		return false
	}
	slot := s.user(r, k)
	user := uint32(0)
	if slot != nil {
		user = slot.user
	}
	s.maxTime = max(s.maxTime, r.Time)
	if len(r.ID) > 0 && !s.resumed && s.duplicate(b, UserKey{k.id, user}, r.Time) {
		s.drop(b, i, false)
		return true
	}
	cell := s.admit(day, b.cells[r.Tuple])
	if !r.Record {
		t := touch{user: user, cell: cell, time: r.Time, id: r.ID, inter: s.interactive(b, r), level: level}
		if !s.touch(part, &t, r, k, b) {
			s.resumed = true
			return false
		}
		part.modified = s.clock
	}
	s.resumed = false
	c := s.counters(r.Time, level, cell)
	c[rollcall.Events]++
	if r.Record {
		s.countRecord(c, r)
	}
	if user != 0 {
		s.arrive(day, hour, user, cell, level, minute, r.Time, tod)
		if slot.second == math.MaxUint32 || r.Time <= int64(slot.second)*1000+999 {
			s.maybeFirst(slot, r, cell, level)
		}
	}
	s.accept(b, r)
	return true
}

// late tells whether a date is before that of the horizon, which lies behind the newest event the shard has seen.
func (s *Shard) late(date rollcall.Date) bool {
	if s.cfg.LateHorizon == 0 || s.maxTime == math.MinInt64 {
		return false
	}
	if s.maxTime != s.horizonOf {
		d, _ := s.date(s.maxTime - s.cfg.LateHorizon)
		s.horizon, s.horizonOf = d, s.maxTime
	}
	return date < s.horizon
}

// user gives the dictionary's slot for the row's user, who may be new; nil for a record without one.
func (s *Shard) user(r *record.Row, k *rowKey) *userSlot {
	if len(r.User) == 0 {
		return nil
	}
	if slot := &s.users.slots[k.slot]; slot.hash == k.userHash && slot.user != 0 {
		return slot
	}
	if slot := s.users.find(k.userHash); slot != nil {
		return slot
	}
	return s.users.add(k.userHash)
}

// duplicate tells whether the event was seen before, and keeps its id.
func (s *Shard) duplicate(b *Batch, k UserKey, time int64) bool {
	_, seen := b.KnownIDs[k]
	if !seen {
		seen = !s.ids.add(k, 1)
	}
	if seen {
		s.counts.Duplicates++
		s.ledgerRow(time).Duplicates++
	}
	return seen
}

func (s *Shard) touch(d *sessionDay, t *touch, r *record.Row, k *rowKey, b *Batch) bool {
	if len(r.Session) > 0 {
		return s.touchNamed(d, UserKey{k.session, t.user}, t, b.KnownSessions)
	}
	return s.touchGap(d, t)
}

func (s *Shard) countRecord(c *rollcall.Counters, r *record.Row) {
	c[rollcall.Sessions]++
	c[rollcall.Duration] += r.Duration
	if r.Bounce {
		c[rollcall.Bounces]++
	}
	if r.NewUser && len(r.User) == 0 {
		c[rollcall.Counted]++
	}
}

// arrive makes the user active in the day and, when they count, the hour and the minute. The event is counted already, so
// that the accs of its periods are there.
func (s *Shard) arrive(day *dayPresence, hour *hourPresence, user, cell uint32, level, minute uint8, time, tod int64) {
	a := s.dayAcc(day.date)
	bit := uint8(noBit)
	if level >= levelHour {
		bit = a.hour(time, tod)
	}
	n := len(day.pend)
	day.add(user, cell, bit, s.cells, &a.acc, true)
	if len(day.pend) > n {
		day.modified = s.clock
	}
	if hour != nil {
		hour.add(user, cell, minute, s.cells, &s.minutes[minuteKeyOf(hour.period, day.date)].acc, false)
		hour.modified = s.clock
	}
}

// maybeFirst moves the user's first event when this one is earlier.
func (s *Shard) maybeFirst(slot *userSlot, r *record.Row, cell uint32, level uint8) {
	f := &s.users.firsts[slot.user-1]
	if r.Time > f.time || r.Time == f.time && !s.before(r.ID, cell, s.users.texts.get(f.id), f.cell) {
		return
	}
	if f.time != noTime {
		s.counters(f.time, f.level, f.cell)[rollcall.NewUsers]--
		s.users.texts.drop(f.id)
	}
	s.users.setFirst(slot, first{time: r.Time, cell: cell, id: s.users.texts.put(r.ID), level: level})
	s.counters(r.Time, level, cell)[rollcall.NewUsers]++
}

func (s *Shard) accept(b *Batch, r *record.Row) {
	s.counts.Accepted++
	l := s.ledgerRow(r.Time)
	l.Count++
	l.addHash(b.Hash(r))
}

func (s *Shard) refuse(b *Batch, i int) {
	s.counts.Late++
	s.ledgerRow(b.Rows[i].Time).Late++
	l := Late{Offset: b.Offset, Row: i}
	b.Event(i, &l.Event)
	l.Event = l.Event.Clone()
	s.letters = append(s.letters, l)
	s.drop(b, i, true)
}

// drop tells that a row counts in no figure.
func (s *Shard) drop(b *Batch, i int, late bool) {
	if n := len(s.drops); n > 0 {
		if d := &s.drops[n-1]; d.Offset == b.Offset && d.Late == late && d.Row+d.Count == i {
			d.Count++
			return
		}
	}
	s.drops = append(s.drops, record.Drop{Offset: b.Offset, Row: i, Count: 1, Late: late})
}

// admit gives the cell in which a full cell counts on a date: itself, or the one with values beyond the cap replaced.
func (s *Shard) admit(day *dayPresence, cell uint32) uint32 {
	if day.seen.has(cell) {
		return cell
	}
	if c, ok := day.capped[cell]; ok {
		return c
	}
	values := append(s.scratch.values[:0], s.cells.tupleOf(s.full, cell)...)
	s.scratch.values = values
	capped := false
	for d, v := range values {
		if !s.cfg.Admit(d, day.date, v) {
			values[d], capped = rollcall.OtherValue, true
		}
	}
	if !capped {
		day.seen.set(cell)
		return cell
	}
	if day.capped == nil {
		day.capped = map[uint32]uint32{}
	}
	to := s.cells.of(values)
	day.capped[cell] = to
	return to
}
