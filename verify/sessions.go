package verify

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"rollcall"
)

// gathered gathers the events of one session, in order of time, and counts it when the next begins.
type gathered struct {
	c           *counting
	entries     []placed // those at the session's first instant
	last        int64
	interactive int
}

func (r *gathered) add(e *placed) {
	if len(r.entries) > 0 && r.c.cfg.apart(r.last, e.time) {
		r.end()
	}
	r.join(e)
}

func (r *gathered) join(e *placed) {
	if len(r.entries) == 0 || e.time == r.entries[0].time {
		r.entries = append(r.entries, *e)
	}
	r.last = e.time
	if e.cell&flagPassive == 0 {
		r.interactive++
	}
}

func (r *gathered) end() {
	if len(r.entries) == 0 {
		return
	}
	counters := rollcall.Counters{rollcall.Sessions: 1, rollcall.Duration: r.last - r.entries[0].time}
	if r.interactive <= 1 {
		counters[rollcall.Bounces] = 1
	}
	r.c.enter(r.entries, &counters)
	r.entries, r.interactive = r.entries[:0], 0
}

func (c *counting) namedSessions() {
	slices.SortStableFunc(c.named, func(a, b namedEvent) int { return cmp.Compare(a.session, b.session) })
	s := gathered{c: c}
	for i := range c.named {
		if i > 0 && c.named[i].session != c.named[i-1].session {
			s.end()
		}
		s.join(&c.named[i].placed)
	}
	s.end()
}

// enter adds counters where the earliest of some events lies, which are in order of time and log.
func (c *counting) enter(events []placed, counters *rollcall.Counters) {
	first := &events[0]
	if first.leaf == none {
		return
	}
	for i := 1; i < len(events) && events[i].time == first.time; i++ {
		if c.before(&events[i], first) {
			first = &events[i]
		}
	}
	c.tally.leaves[first.leaf].counters.Add(counters)
}

// before tells whether event a, which comes later in the log than b and is at the same time, is the entry all the same: by the
// smaller event id, then by the smaller values.
func (c *counting) before(a, b *placed) bool {
	if d := bytes.Compare(c.ids.of(&a.event), c.ids.of(&b.event)); d != 0 {
		return d < 0
	}
	x, y := c.cells.tupleOf(c.tally.leaves[a.leaf].cell), c.cells.tupleOf(c.tally.leaves[b.leaf].cell)
	for dim := range x {
		if x[dim] != y[dim] {
			return c.values.text(dim, x[dim]) < c.values.text(dim, y[dim])
		}
	}
	return false
}

// ruleAt is the rule for a time.
func (c *Config) ruleAt(at int64) (gap time.Duration, passive []string) {
	for _, r := range c.Earlier {
		if at < r.Until {
			return r.Gap, r.Passive
		}
	}
	return c.Gap, c.Passive
}

// apart tells whether two events, one after the other in time, are of two sessions.
func (c *Config) apart(before, now int64) bool {
	for _, r := range c.Earlier {
		if before < r.Until && now >= r.Until {
			return true
		}
	}
	gap, _ := c.ruleAt(now)
	return now-before > gap.Milliseconds()
}
