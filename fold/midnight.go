package fold

// chain is a session that may reach over midnight: its head run decides where it counts.
type chain struct {
	session
	ok bool
}

// touchNearMidnight folds an event whose session may begin or go on in another day.
func (s *Shard) touchNearMidnight(d *sessionDay, slot *runSlot, p spot, t *touch) bool {
	var old [2]chain
	switch {
	case p.a != nil:
		old[0] = s.chainOf(d, t.user, p.a)
		if p.b != nil {
			old[1] = s.chainOf(d, t.user, p.b)
		}
	default:
		old[0] = s.chainBefore(d, t, p)
		old[1] = s.chainAfter(d, t, p)
	}
	if p.a != nil && p.b == nil {
		// The event may join the touched run to a run of the day before or after.
		if c := s.chainBefore(d, t, p); c.ok && c.first < old[0].first {
			old[1] = c
		} else if c := s.chainAfter(d, t, p); c.ok && c.first > old[0].first {
			old[1] = c
		}
	}
	if s.need.any() {
		return false
	}
	for i, c := range old {
		if c.ok && (i == 0 || !old[0].ok || c.first != old[0].first) {
			s.countSession(c.session, -1)
		}
	}
	rel := int32(t.time - d.base)
	var r *run
	if p.a == nil {
		r = d.insert(slot, p, t, rel)
	} else {
		r = s.merge(d, slot, p, t, rel)
	}
	c := s.chainOf(d, t.user, r)
	s.countSession(c.session, 1)
	return true
}

// chainBefore gives the session of an earlier day that ends within the gap before the event, if the event is the oldest
// of its own day.
func (s *Shard) chainBefore(d *sessionDay, t *touch, p spot) chain {
	from, _ := s.reach(t.time)
	if !p.oldest || from >= d.base {
		return chain{}
	}
	if q, r := s.newestSince(d, t.user, from); r != nil {
		return s.chainOf(q, t.user, r)
	}
	return chain{}
}

// chainAfter gives the session of a later day that begins within the gap after the event, if the event is the newest
// of its own day.
func (s *Shard) chainAfter(d *sessionDay, t *touch, p spot) chain {
	newest := p.later == nil && (p.a == nil || t.time >= d.base+int64(p.a.last))
	_, until := s.reach(t.time)
	if !newest || until < d.base+dayMS {
		return chain{}
	}
	if q, r := s.oldestUntil(d, t.user, until); r != nil {
		return s.chainOf(q, t.user, r)
	}
	return chain{}
}

// newestSince finds the user's newest run of the days before d, if it ends at from or later.
func (s *Shard) newestSince(d *sessionDay, user uint32, from int64) (*sessionDay, *run) {
	for day := d.day - 1; (day+1)*dayMS > from; day-- {
		q := s.wantPart(day)
		if q == nil {
			return nil, nil
		}
		if slot := q.find(user); slot != nil {
			if q.base+int64(slot.last) < from {
				return nil, nil
			}
			return q, &slot.run
		}
	}
	return nil, nil
}

// oldestUntil finds the user's oldest run of the days after d, if it begins at until or before.
func (s *Shard) oldestUntil(d *sessionDay, user uint32, until int64) (*sessionDay, *run) {
	for day := d.day + 1; day*dayMS <= until; day++ {
		q := s.wantPart(day)
		if q == nil {
			return nil, nil
		}
		if slot := q.find(user); slot != nil {
			r := &slot.run
			for r.next != 0 {
				r = &q.older[r.next-1]
			}
			if q.base+int64(r.first) > until {
				return nil, nil
			}
			return q, r
		}
	}
	return nil, nil
}

// chainOf gives the session that a run of day d belongs to.
func (s *Shard) chainOf(d *sessionDay, user uint32, r *run) chain {
	c := chain{d.session(r), true}
	for q, h := d, r; h.next == 0; {
		from, _ := s.reach(q.base + int64(h.first))
		if from >= q.base {
			break
		}
		if q, h = s.newestSince(q, user, from); h == nil {
			break
		}
		c.first, c.cell, c.level = q.base+int64(h.first), h.cell, h.level
		c.inter = min(c.inter+h.inter, 2)
	}
	for q, h := d, r; ; {
		slot := q.find(user)
		_, until := s.reach(q.base + int64(h.last))
		if slot == nil || h != &slot.run || until < q.base+dayMS {
			break
		}
		if q, h = s.oldestUntil(q, user, until); h == nil {
			break
		}
		c.last = q.base + int64(h.last)
		c.inter = min(c.inter+h.inter, 2)
	}
	return c
}
