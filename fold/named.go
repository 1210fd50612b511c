package fold

// namedSession is a session known by its session_id. It is kept in the part of the day its first seen event lies in,
// its home; the other days of its events hold aliases, in memory only.
type namedSession struct {
	key         UserKey
	first, last int64 // Unix ms
	home        int64 // an alias when it is not the day that holds it
	cell        uint32
	id          textRef
	inter       uint8
	level       uint8
	changed     bool
}

// name gives the index of a session or alias in named, or -1.
func (d *sessionDay) name(k UserKey) int {
	for probe := k.mix() >> 1; len(d.names.slots) > 0; probe++ {
		s := d.names.slot(probe + 1)
		if s.key == 0 {
			break
		}
		if d.named[s.row].key == k {
			return int(s.row)
		}
	}
	return -1
}

func (d *sessionDay) addName(n namedSession) int {
	for probe := n.key.mix() >> 1; ; probe++ {
		if _, fresh := d.names.of(probe, len(d.named)); fresh {
			d.named = append(d.named, n)
			return len(d.named) - 1
		}
	}
}

// touchNamed folds an event with a session id. It returns false, with s.need set and nothing changed, when the
// session's home is not loaded.
func (s *Shard) touchNamed(d *sessionDay, k UserKey, t *touch, known map[UserKey]int32) bool {
	home, i := d, d.name(k)
	if i < 0 || d.named[i].home != d.day {
		day, ok := s.homeOf(d, i, k, known)
		if ok && day != d.day {
			if home = s.wantPart(day); home == nil {
				return false
			}
			if i < 0 {
				d.addName(namedSession{key: k, home: day})
			}
			i = home.name(k)
		}
	}
	if i < 0 {
		s.startNamed(d, k, t)
		return true
	}
	n := &home.named[i]
	s.countSession(n.session(), -1)
	if t.time < n.first || t.time == n.first && s.before(t.id, t.cell, home.texts.get(n.id), n.cell) {
		home.texts.drop(n.id)
		n.first, n.cell, n.id, n.level = t.time, t.cell, home.texts.put(t.id), t.level
	}
	n.last = max(n.last, t.time)
	n.inter = min(n.inter+t.inter, 2)
	home.markNamed(i)
	home.modified = s.clock
	s.countSession(n.session(), 1)
	return true
}

// homeOf tells which day holds the session, if any does.
func (s *Shard) homeOf(d *sessionDay, alias int, k UserKey, known map[UserKey]int32) (int64, bool) {
	if alias >= 0 {
		return d.named[alias].home, true
	}
	if v := s.sids.get(k); v != 0 {
		return homeDay(v), true
	}
	if v, ok := known[k]; ok {
		return homeDay(v), true
	}
	return 0, false
}

// A home day is kept as a value other than 0.
func homeValue(day int64) int32 { return int32(day<<1 | 1) }
func homeDay(v int32) int64     { return int64(v >> 1) }

func (s *Shard) startNamed(d *sessionDay, k UserKey, t *touch) {
	i := d.addName(namedSession{key: k, first: t.time, last: t.time, home: d.day, cell: t.cell, id: d.texts.put(t.id), inter: min(t.inter, 2), level: t.level})
	d.markNamed(i)
	s.sids.add(k, homeValue(d.day))
	s.countSession(d.named[i].session(), 1)
}

func (d *sessionDay) markNamed(i int) {
	if n := &d.named[i]; !n.changed {
		n.changed = true
		d.renamed = append(d.renamed, uint32(i))
	}
}

func (n *namedSession) session() session {
	return session{first: n.first, last: n.last, cell: n.cell, inter: n.inter, level: n.level}
}
