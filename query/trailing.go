package query

import (
	"rollcall"
	"rollcall/block"
)

// The days that wau and mau look at, the last one included.
const (
	weekDays  = 7
	monthDays = 30
	ringDays  = 32
)

// dates gives the first and the last date that wau and mau of any row end with.
func (r *reader) dates() (first, last rollcall.Date) {
	buckets := r.table.buckets
	return r.plan.lastDate(buckets[0]), r.plan.lastDate(buckets[len(buckets)-1])
}

// streamTrailing sets wau and mau of every row: distinct users of whole days that end with the row's last date. A ring keeps
// how many users of the group were last seen on each of the last days.
func (c *counting) streamTrailing() error {
	s := c.newStream()
	s.seen = make([]int32, c.users())
	first, last := c.dates()
	first -= monthDays - 1
	if err := s.gather(rollcall.Day, block.Period(first), block.Period(last)+1, false); err != nil {
		return err
	}
	ends := c.bucketsByEnd(first, last)
	days := int32(last - first + 1)
	for g, cells := range s.cells {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		s.room()
		s.stamp += monthDays
		var ring [ringDays]int64
		for day := range days {
			ring[day%ringDays] = 0
			n := 0
			for n < len(cells) && cells[n].sets.Key.Period == block.Period(first)+block.Period(day) {
				n++
			}
			if n > 0 && !s.decode(cells[:n]) {
				return cells[0].sets.Corrupt()
			}
			if n > 0 {
				s.roll(&ring, day)
				cells = cells[n:]
			}
			for _, b := range ends[day] {
				if row := s.row(b, g); row >= 0 {
					c.rows[row].wau += sumOf(&ring, day, weekDays)
					c.rows[row].mau += sumOf(&ring, day, monthDays)
				}
			}
		}
		s.stamp += days
	}
	return nil
}

// roll moves the users at hand to a day of the ring from the one they were last seen on.
func (s *stream) roll(ring *[ringDays]int64, day int32) {
	stamp := s.stamp + day
	for _, u := range s.members {
		before := s.seen[u]
		if before == stamp {
			continue
		}
		s.seen[u] = stamp
		ring[day%ringDays]++
		if before > stamp-monthDays && before >= s.stamp {
			ring[(before-s.stamp)%ringDays]--
		}
	}
}

func sumOf(ring *[ringDays]int64, day, days int32) (n int64) {
	for back := range min(days, day+1) {
		n += ring[(day-back)%ringDays]
	}
	return n
}

// bucketsByEnd gives, for each date from first to last, the buckets whose last date it is.
func (r *reader) bucketsByEnd(first, last rollcall.Date) [][]int {
	ends := make([][]int, last-first+1)
	for b, bucket := range r.table.buckets {
		if i := r.plan.lastDate(bucket) - first; i >= 0 && int(i) < len(ends) {
			ends[i] = append(ends[i], b)
		}
	}
	return ends
}

// addTrailingCounted adds the users that producers counted to wau and mau: they can't be united, only summed.
func (r *reader) addTrailingCounted() error {
	first, last := r.dates()
	first -= monthDays - 1
	days := int(last-first) + 1
	counted := map[uint32][]int64{} // by group and date
	err := r.eachCells(rollcall.Day, block.Period(first), block.Period(last)+1, func(c *block.Cells) error {
		if err := r.plan.checkCells(c, c.Dims); err != nil {
			return err
		}
		columns := r.plan.columnsOf(r.plan.cuboid, c.Dims)
		pass := r.plan.selected(r.plan.cuboid, c.Dims, c.Len())
		for row, n := range c.Counters[rollcall.Counted] {
			if n == 0 || pass != nil && !pass[row] {
				continue
			}
			if g, ok := r.table.groups.find(columns, row); ok {
				if counted[g] == nil {
					counted[g] = make([]int64, days)
				}
				counted[g][int(c.Key.Period)-int(first)] += n
			}
		}
		return nil
	})
	if err != nil || len(counted) == 0 {
		return err
	}
	for b, bucket := range r.table.buckets {
		end := int(r.plan.lastDate(bucket)-first) + 1
		for n, g := range r.table.rows(b) {
			f := &r.table.figures[r.table.start[b]+n]
			for i := max(0, end-monthDays); i < end && counted[g] != nil; i++ {
				f.mau += counted[g][i]
				if i >= end-weekDays {
					f.wau += counted[g][i]
				}
			}
		}
	}
	return nil
}
