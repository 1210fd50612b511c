package query

import (
	"slices"

	"rollcall"
	"rollcall/block"
)

// stream counts many groups, one after the other. The cells of a group are visited by rising period, so that it is enough to
// know of each user whether, or when, he was last seen in the group at hand.
type stream struct {
	*counting
	*rowIndex
	cells   [][]cellAt // by group
	seen    []int32    // by user: the last stamp; those of earlier groups are smaller than stamp
	stamp   int32
	members []uint32
	masks   []uint64
}

// cellAt is a cell of the user sets.
type cellAt struct {
	sets *block.Packed
	part *block.Part
	cell int
}

func (c *counting) newStream() *stream {
	return &stream{counting: c, rowIndex: newRowIndex(c.table), cells: make([][]cellAt, c.table.groups.n)}
}

// gather lists the cells of each group. The sets stay in memory until the stream is done.
func (s *stream) gather(grain rollcall.Grain, from, until block.Period, masks bool) error {
	var groups []int32
	return s.eachSets(s.ctx, grain, s.shard, s.stamps(grain, from, until), masks, func(sets *block.Packed) error {
		for i := range sets.Parts {
			part := &sets.Parts[i]
			groups = s.groupsOf(part, groups)
			for cell, g := range groups {
				if g > 0 {
					s.cells[g-1] = append(s.cells[g-1], cellAt{sets, part, cell})
				}
			}
		}
		return nil
	})
}

// eachGroup calls visit for the cells of each period of each group, and begin before each group.
func (s *stream) eachGroup(begin func(), visit func(group int, cells []cellAt) error) error {
	for g, cells := range s.cells {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		begin()
		for len(cells) > 0 {
			n := 1
			for n < len(cells) && cells[n].sets == cells[0].sets {
				n++
			}
			if err := visit(g, cells[:n]); err != nil {
				return err
			}
			cells = cells[n:]
		}
	}
	return nil
}

// room begins the stamps anew before they overflow.
func (s *stream) room() {
	if s.stamp > 1<<30 {
		s.stamp = 0
		clear(s.seen)
	}
}

func (s *stream) decode(cells []cellAt) (ok bool) {
	s.members, s.masks = s.members[:0], s.masks[:0]
	for _, c := range cells {
		if s.members, ok = c.part.AppendUsers(s.members, c.cell); !ok {
			return false
		}
		if c.part.HasMasks() {
			if s.masks, ok = c.part.AppendMasks(s.masks, c.cell); !ok {
				return false
			}
		}
	}
	return len(s.members) == 0 || int(slices.Max(s.members)) < s.counting.users()
}

// streamActive counts the active users of every row.
func (c *counting) streamActive() error {
	if c.plan.source == rollcall.Day {
		return c.markActive()
	}
	grain := c.plan.source
	if grain == rollcall.Hour {
		grain = rollcall.Day // whose masks have the hours
	}
	s := c.newStream()
	s.seen = make([]int32, c.users())
	from, until := c.plan.periods()
	if err := s.gather(grain, from, until, true); err != nil {
		return err
	}
	slots := map[block.Period][]slot{}
	last := int64(0)
	return s.eachGroup(func() { s.room(); s.stamp, last = s.stamp+1, -1<<63 }, func(g int, cells []cellAt) error {
		if !s.decode(cells) {
			return cells[0].sets.Corrupt()
		}
		p := cells[0].sets.Key.Period
		if slots[p] == nil {
			slots[p] = c.plan.slots(p)
		}
		for _, slot := range slots[p] {
			if slot.bucket != last {
				s.stamp, last = s.stamp+1, slot.bucket
			}
			if bucket, ok := slices.BinarySearch(c.table.buckets, slot.bucket); ok {
				if row := s.row(bucket, g); row >= 0 {
					c.rows[row].active += s.fresh(slot.subs)
				}
			}
		}
		return nil
	})
}

// markActive counts whole days: each bucket of a group is a bit set over the users of the shard, cleared for the next.
func (c *counting) markActive() error {
	s := c.newStream()
	from, until := c.plan.periods()
	if err := s.gather(rollcall.Day, from, until, false); err != nil {
		return err
	}
	set, last, row := make([]uint64, c.users()/64+1), int64(0), -1
	var marked []cellAt
	return s.eachGroup(func() { row = -1 }, func(g int, cells []cellAt) error {
		if bucket := c.plan.dateBucket(rollcall.Date(cells[0].sets.Key.Period)); row < 0 || bucket != last {
			s.wipe(set, marked)
			marked = marked[:0]
			i, ok := slices.BinarySearch(c.table.buckets, bucket)
			if last, row = bucket, -1; ok {
				row = s.row(i, g)
			}
		}
		if row < 0 {
			return nil
		}
		marked = append(marked, cells...)
		for _, cell := range cells {
			fresh, ok := cell.part.Mark(cell.cell, set)
			if !ok {
				return cell.sets.Corrupt()
			}
			c.rows[row].active += int64(fresh)
		}
		return nil
	})
}

// wipe empties a bit set that only the users of some cells are in: word by word when they are few.
func (s *stream) wipe(set []uint64, marked []cellAt) {
	n := 0
	for _, c := range marked {
		n += int(c.part.Start[c.cell+1] - c.part.Start[c.cell])
	}
	if n > len(set)/4 || !s.decode(marked) {
		clear(set)
		return
	}
	for _, u := range s.members {
		set[u>>6] = 0
	}
}

// fresh counts the users at hand, of some sub-buckets, that do not bear the present stamp yet, and gives it to them.
func (s *stream) fresh(subs uint64) (n int64) {
	for i, u := range s.members {
		if subs != allSubs && s.masks[i]&subs == 0 {
			continue
		}
		if s.seen[u] != s.stamp {
			s.seen[u] = s.stamp
			n++
		}
	}
	return n
}
