package query

import (
	"slices"

	"rollcall"
	"rollcall/block"
)

// stream counts many groups, one after the other: it remembers for each user when he was last seen in the group at hand.
// The cells of a group are visited by rising period, so that this tells whether he is new in a bucket.
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
	return &stream{counting: c, rowIndex: newRowIndex(c.table), cells: make([][]cellAt, c.table.groups.n), seen: make([]int32, c.users())}
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

// eachGroup calls visit for the cells of each period of each group.
func (s *stream) eachGroup(begin func(), visit func(group int, sets *block.Packed) error) error {
	for g, cells := range s.cells {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		s.room()
		begin()
		for len(cells) > 0 {
			n := 1
			for n < len(cells) && cells[n].sets == cells[0].sets {
				n++
			}
			if !s.decode(cells[:n]) {
				return cells[0].sets.Corrupt()
			}
			if err := visit(g, cells[0].sets); err != nil {
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
	return len(s.members) == 0 || int(slices.Max(s.members)) < len(s.seen)
}

// streamActive counts the active users of every row.
func (c *counting) streamActive() error {
	grain, masks := c.plan.source, c.plan.source != rollcall.Day
	if grain == rollcall.Hour {
		grain = rollcall.Day // whose masks have the hours
	}
	s := c.newStream()
	from, until := c.plan.periods()
	if err := s.gather(grain, from, until, masks); err != nil {
		return err
	}
	slots := map[block.Period][]slot{}
	last := int64(0)
	return s.eachGroup(func() { s.stamp, last = s.stamp+1, -1<<63 }, func(g int, sets *block.Packed) error {
		p := sets.Key.Period
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
