package verify

import (
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
			if err := c.pace(ctx); err != nil {
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
