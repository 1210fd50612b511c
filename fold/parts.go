package fold

import (
	"rollcall"
)

// wantDay gives the presence of a date, or nil with s.need set.
func (s *Shard) wantDay(d rollcall.Date) *dayPresence {
	if s.day != nil && s.day.date == d {
		return s.day
	}
	p, ok := s.days[d]
	if !ok {
		s.need = Need{Day: d, Missing: MissingDay}
		return nil
	}
	s.lastUsed++
	s.day, p.touched = p, s.lastUsed
	return p
}

// wantHour gives the presence of an hour by minute, or nil with s.need set.
func (s *Shard) wantHour(period int64) *hourPresence {
	if s.hour != nil && s.hour.period == period {
		return s.hour
	}
	p, ok := s.hours[period]
	if !ok {
		s.need = Need{Hour: period, Missing: MissingHour}
		return nil
	}
	s.lastUsed++
	s.hour, p.touched = p, s.lastUsed
	return p
}

// wantPart gives the sessions of a UTC day, or nil with s.need set.
func (s *Shard) wantPart(day int64) *sessionDay {
	if s.part != nil && s.part.day == day {
		return s.part
	}
	p, ok := s.parts[day]
	if !ok {
		s.need = Need{Part: day, Missing: MissingPart}
		return nil
	}
	s.lastUsed++
	s.part, p.touched = p, s.lastUsed
	return p
}

// Bytes is about the memory the shard's state takes: what Evict can free, and what it can't.
func (s *Shard) Bytes() (evictable, fixed int64) {
	for _, p := range s.days {
		evictable += p.bytes()
	}
	for _, p := range s.hours {
		evictable += p.bytes()
	}
	for _, p := range s.parts {
		evictable += p.bytes()
	}
	return evictable, s.users.bytes() + s.ids.bytes() + s.sids.bytes()
}

// Evict lets go of parts until no more than keep bytes are left, the longest unused first. Only what is in the store goes:
// presence unchanged since Cut number committed, sessions unchanged since Cut number snapshot. What the last event used
// stays, unless keep is 0: the next event will most likely use it, and loading it again for each commit would cost more than its
// memory. It returns the bytes left.
func (s *Shard) Evict(keep int64, committed, snapshot uint64) int64 {
	left, _ := s.Bytes()
	if keep == 0 {
		s.day, s.hour, s.part = nil, nil, nil
	}
	for left > keep {
		freed := s.evictOldest(committed, snapshot)
		if freed == 0 {
			break
		}
		left -= freed
	}
	return left
}

func (s *Shard) evictOldest(committed, snapshot uint64) (freed int64) {
	oldest := s.lastUsed + 1
	drop := func() {}
	for k, p := range s.days {
		if p.modified <= committed && p.touched < oldest && p != s.day {
			oldest, freed = p.touched, max(p.bytes(), 1)
			drop = func() { delete(s.days, k) }
		}
	}
	for k, p := range s.hours {
		if p.modified <= committed && p.touched < oldest && p != s.hour {
			oldest, freed = p.touched, max(p.bytes(), 1)
			drop = func() { delete(s.hours, k) }
		}
	}
	for k, p := range s.parts {
		if p.modified <= snapshot && p.touched < oldest && p != s.part {
			oldest, freed = p.touched, max(p.bytes(), 1)
			drop = func() { delete(s.parts, k) }
		}
	}
	drop()
	return freed
}
