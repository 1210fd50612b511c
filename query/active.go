package query

import (
	"rollcall"
	"rollcall/block"
)

// countActive sets the active users of every row.
func (r *reader) countActive() error {
	if !r.plan.asks("active_users") {
		return nil
	}
	for i := range r.table.figures {
		f := &r.table.figures[i]
		f.active = f.Counters[rollcall.Counted]
		if r.plan.counted {
			f.active += f.Counters[rollcall.Active]
		}
	}
	if r.plan.counted || r.table.len() == 0 {
		return nil
	}
	from, until := r.plan.periods()
	for shard := range r.plan.head.Shards {
		u := union{reader: r, seen: make([]lastSeen, r.table.groups.n), users: r.plan.users(shard)}
		if err := r.eachSets(r.plan.source, shard, from, until, u.add); err != nil {
			return err
		}
	}
	return nil
}

// users is the room for the dense ids of a shard.
func (p *plan) users(shard int) int { return int(p.head.Shards[shard].Users) + 1 }

// union counts the distinct users of one shard in every row. Buckets come in rising order, so that the last bucket a
// user was seen in tells whether he is new in this one.
type union struct {
	*reader
	seen  []lastSeen // by group
	users int
	cells []int32 // by cell of the block at hand: group+1, or 0
}

func (u *union) add(s *block.Sets) error {
	u.cells = u.groupsOf(s, u.cells)
	for _, part := range u.plan.slots(s.Key.Period) {
		if !u.table.find(part.bucket) {
			continue
		}
		masks, stamp := s.Masks, int32(u.table.open+1)
		if part.subs == allSubs {
			masks = nil
		}
		for cell, g := range u.cells {
			if g == 0 {
				continue
			}
			f := u.table.row(uint32(g - 1))
			if f == nil {
				continue
			}
			from, to := s.Start[cell], s.Start[cell+1]
			if masks == nil {
				f.active += u.fresh(&u.seen[g-1], s.Users[from:to], stamp)
			} else {
				f.active += u.freshIn(&u.seen[g-1], s.Users[from:to], masks[from:to], part.subs, stamp)
			}
		}
	}
	return nil
}

func (u *union) fresh(seen *lastSeen, users []uint32, stamp int32) (n int64) {
	for _, user := range users {
		if seen.touch(user, stamp, stamp, u.users) != stamp {
			n++
		}
	}
	return n
}

func (u *union) freshIn(seen *lastSeen, users []uint32, masks []uint64, subs uint64, stamp int32) (n int64) {
	for i, user := range users {
		if masks[i]&subs != 0 && seen.touch(user, stamp, stamp, u.users) != stamp {
			n++
		}
	}
	return n
}

// groupsOf gives for each cell of the sets its group+1, or 0 when it does not match or its group has no row.
func (r *reader) groupsOf(s *block.Sets, cells []int32) []int32 {
	columns := r.plan.columnsOf(r.plan.full, s.Dims)
	pass := r.plan.selected(r.plan.full, s.Dims, s.Len())
	cells = cells[:0]
	for i := range s.Len() {
		cell := int32(0)
		if pass == nil || pass[i] {
			if g, ok := r.table.groups.find(columns, i); ok {
				cell = int32(g) + 1
			}
		}
		cells = append(cells, cell)
	}
	return cells
}
