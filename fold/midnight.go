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
	if !p.oldest || t.time-d.base >= s.cfg.Gap {
		return chain{}
	}
	if q, r := s.newestBefore(d, t.user, t.time); r != nil {
		return s.chainOf(q, t.user, r)
	}
	return chain{}
}

// chainAfter gives the session of a later day that begins within the gap after the event, if the event is the newest
// of its own day.
func (s *Shard) chainAfter(d *sessionDay, t *touch, p spot) chain {
	newest := p.later == nil && (p.a == nil || t.time >= d.base+int64(p.a.last))
	if !newest || t.time+s.cfg.Gap < d.base+dayMS {
		return chain{}
	}
	if q, r := s.oldestAfter(d, t.user, t.time); r != nil {
		return s.chainOf(q, t.user, r)
	}
	return chain{}
}

// newestBefore finds the user's newest run of the days before d that ends no more than the gap before time.
func (s *Shard) newestBefore(d *sessionDay, user uint32, time int64) (*sessionDay, *run) {
	for day := d.day - 1; (day+1)*dayMS+s.cfg.Gap > time; day-- {
		q := s.wantPart(day)
		if q == nil {
			return nil, nil
		}
		if slot := q.find(user); slot != nil {
			if q.base+int64(slot.last)+s.cfg.Gap < time {
				return nil, nil
			}
			return q, &slot.run
		}
	}
	return nil, nil
}

// oldestAfter finds the user's oldest run of the days after d that begins no more than the gap after time.
func (s *Shard) oldestAfter(d *sessionDay, user uint32, time int64) (*sessionDay, *run) {
	for day := d.day + 1; day*dayMS <= time+s.cfg.Gap; day++ {
		q := s.wantPart(day)
		if q == nil {
			return nil, nil
		}
		if slot := q.find(user); slot != nil {
			r := &slot.run
			for r.next != 0 {
				r = &q.older[r.next-1]
			}
			if q.base+int64(r.first) > time+s.cfg.Gap {
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
	for q, h := d, r; h.next == 0 && int64(h.first) < s.cfg.Gap; {
		if q, h = s.newestBefore(q, user, q.base+int64(h.first)); h == nil {
			break
		}
		c.first, c.cell, c.level = q.base+int64(h.first), h.cell, h.level
		c.inter = min(c.inter+h.inter, 2)
	}
	for q, h := d, r; ; {
		slot := q.find(user)
		if slot == nil || h != &slot.run || int64(h.last)+s.cfg.Gap < dayMS {
			break
		}
		if q, h = s.oldestAfter(q, user, q.base+int64(h.last)); h == nil {
			break
		}
		c.last = q.base + int64(h.last)
		c.inter = min(c.inter+h.inter, 2)
	}
	return c
}
