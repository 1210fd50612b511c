package verify

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"rollcall"
)

// chunkDays is how many dates are counted at a time, so that the cells of hours and minutes need not all be in memory.
const chunkDays = 31

// recount counts the chosen days of the users of a pass.
func (s *shard) recount(ctx context.Context) error {
	g := s.grouped()
	ids, err := s.readIDs(ctx, g.tied)
	if err != nil {
		return err
	}
	dates := s.chosenDates()
	chunks := (len(dates) + chunkDays - 1) / chunkDays
	for dates := range slices.Chunk(dates, chunkDays) {
		c := &counting{shard: s, tally: newTally(s, dates), ids: ids}
		if err := c.all(ctx, g, chunks); err != nil {
			return err
		}
		s.addCells(c.tally.blocks())
		s.addSets(c.tally)
	}
	return nil
}

// all counts all users, in one of some chunks of days.
func (c *counting) all(ctx context.Context, g *groups, chunks int) error {
	told, read := uint32(0), 0
	for user := range uint32(len(g.start) - 1) {
		if int(g.start[user+1]) > read {
			read = c.readAhead(g.order, read)
		}
		c.count(user, g.order[g.start[user]:g.start[user+1]])
		if n := g.start[user+1] - told; n > toldEvents {
			told += n
			c.progress(int(n) / chunks)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// readAhead reads the next events in the order of users before they are needed: they lie all over memory, and so the misses
// overlap.
func (c *counting) readAhead(order []uint32, from int) (until int) {
	until = min(from+2*ahead, len(order))
	sum := int64(0)
	for _, at := range order[from:until] {
		sum += c.events[at].time
	}
	c.touched += uint64(sum)
	return until
}

const toldEvents = 1 << 16

// chosenDates lists the dates of the events at hand that are to be counted.
func (s *shard) chosenDates() (dates []rollcall.Date) {
	seen := map[rollcall.Date]bool{}
	for i := range s.events {
		seen[s.date(s.events[i].time)] = true
	}
	for d := range seen {
		if s.chosen(d) {
			dates = append(dates, d)
		}
	}
	slices.Sort(dates)
	return dates
}

// groups are the events by user, each user's by time, ties in log order. tied are the rows of those at one time of one
// user that are not alike.
type groups struct {
	order []uint32 // places in columns
	start []uint32 // of user u: order[start[u]:start[u+1]]
	tied  []uint32 // rising
}

func (s *shard) grouped() *groups {
	g := &groups{order: make([]uint32, len(s.events)), start: make([]uint32, s.users.used+2)}
	for _, u := range s.columns.user {
		g.start[u+1]++
	}
	for u := 1; u < len(g.start); u++ {
		g.start[u] += g.start[u-1]
	}
	next := slices.Clone(g.start)
	for i, u := range s.columns.user {
		g.order[next[u]] = uint32(i)
		next[u]++
	}
	for u := 1; u < len(g.start)-1; u++ {
		own := g.order[g.start[u]:g.start[u+1]]
		slices.SortStableFunc(own, func(a, b uint32) int { return cmp.Compare(s.events[a].time, s.events[b].time) })
		g.tied = s.appendTied(g.tied, own)
	}
	slices.Sort(g.tied)
	g.tied = slices.Compact(g.tied)
	return g
}

func (s *shard) appendTied(tied, own []uint32) []uint32 {
	for i := 1; i < len(own); i++ {
		a, b := &s.events[own[i-1]], &s.events[own[i]]
		if a.time != b.time || a.full() == b.full() && a.level() == b.level() {
			continue
		}
		for j := i - 1; j >= 0 && s.events[own[j]].time == b.time; j-- {
			tied = s.appendRow(tied, own[j])
		}
		for ; i < len(own) && s.events[own[i]].time == a.time; i++ {
			tied = s.appendRow(tied, own[i])
		}
	}
	return tied
}

func (s *shard) appendRow(rows []uint32, at uint32) []uint32 {
	if s.events[at].cell&flagID == 0 {
		return rows
	}
	return append(rows, s.events[at].row)
}

// idTable has the event ids of some rows.
type idTable struct {
	rows  []uint32
	ends  []int
	bytes []byte
}

// readIDs reads the shard again for the ids that decide ties: they are not kept, as hardly any is ever needed.
func (s *shard) readIDs(ctx context.Context, rows []uint32) (*idTable, error) {
	t := &idTable{rows: rows}
	if len(rows) == 0 {
		return t, nil
	}
	row := uint64(0)
	err := s.source.Read(ctx, s.number, s.until, func(b *Batch) error {
		for i := range b.Rows {
			if at := len(t.ends); at < len(rows) && uint64(rows[at]) == row {
				t.bytes = append(t.bytes, b.Rows[i].ID...)
				t.ends = append(t.ends, len(t.bytes))
			}
			row++
		}
		return ctx.Err()
	})
	return t, err
}

func (t *idTable) of(e *event) []byte {
	at, ok := slices.BinarySearch(t.rows, e.row)
	if !ok {
		return nil
	}
	start := 0
	if at > 0 {
		start = t.ends[at-1]
	}
	return t.bytes[start:t.ends[at]]
}

// counting counts one user after the other.
type counting struct {
	*shard
	tally *tally
	ids   *idTable
	own   []placed // the user's events, in order of time
	named []namedEvent
}

// placed is an event, and the number of the leaf that it counts in; none when its date is not counted.
type placed struct {
	event
	leaf uint32
}

type namedEvent struct {
	session uint64
	placed
}

func (c *counting) count(user uint32, places []uint32) {
	if len(places) == 0 {
		return
	}
	c.own, c.named = c.own[:0], c.named[:0]
	runs := gathered{c: c}
	for _, at := range places {
		extra := uint64(0)
		if c.extra != nil {
			extra = c.extra[at]
		}
		e := placed{c.events[at], c.tally.leaf(&c.events[at])}
		if e.leaf != none {
			c.event(&c.tally.leaves[e.leaf], user, &e.event, extra)
		}
		if user == 0 {
			continue
		}
		c.own = append(c.own, e)
		switch {
		case e.cell&flagRecord != 0:
		case e.cell&flagNamed != 0:
			c.named = append(c.named, namedEvent{extra, e})
		default:
			runs.add(&e)
		}
	}
	if user == 0 {
		return
	}
	runs.end()
	c.enter(c.own, &rollcall.Counters{rollcall.NewUsers: 1})
	c.namedSessions()
}

func (c *counting) event(leaf *leaf, user uint32, e *event, extra uint64) {
	leaf.counters[rollcall.Events]++
	if user != 0 {
		c.tally.present(leaf, user)
	}
	if e.cell&flagRecord == 0 {
		return
	}
	leaf.counters[rollcall.Sessions]++
	leaf.counters[rollcall.Duration] += int64(extra) >> 2
	if extra&isBounce != 0 {
		leaf.counters[rollcall.Bounces]++
	}
	if extra&isCounted != 0 {
		leaf.counters[rollcall.Counted]++
	}
}

// gathered gathers the events of one session, in order of time, and counts it when the next begins.
type gathered struct {
	c           *counting
	entries     []placed // those at the session's first instant
	last        int64
	interactive int
}

func (r *gathered) add(e *placed) {
	if len(r.entries) > 0 && e.time-r.last > r.c.cfg.Gap.Milliseconds() {
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
		if e := &events[i]; e.leaf != first.leaf && c.before(e, first) {
			first = e
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
