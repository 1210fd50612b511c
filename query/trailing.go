package query

import (
	"rollcall"
	"rollcall/block"
)

// The days that wau and mau look at, the last one included.
const (
	weekDays  = 7
	monthDays = 30
)

// countTrailing sets wau and mau of every row: distinct users of whole days that end with the row's last date.
func (r *reader) countTrailing() error {
	if !r.plan.asks("wau", "mau") || r.table.len() == 0 {
		return nil
	}
	for shard := range r.plan.head.Shards {
		w := r.newWindow()
		w.seen, w.users = make([]lastSeen, r.table.groups.n), r.plan.users(shard)
		err := r.eachSets(rollcall.Day, shard, block.Period(w.date+1), block.Period(w.last+1), func(s *block.Sets) error {
			w.advance(rollcall.Date(s.Key.Period))
			w.addSets(s)
			return nil
		})
		if err != nil {
			return err
		}
		w.advance(w.last + 1)
	}
	w := r.newWindow()
	err := r.eachCells(rollcall.Day, block.Period(w.date+1), block.Period(w.last+1), func(c *block.Cells) error {
		w.advance(rollcall.Date(c.Key.Period))
		w.addCounted(c)
		return nil
	})
	w.advance(w.last + 1)
	return err
}

// window slides over the days and keeps, for each group, how many users were last seen on each of the last 32 days.
type window struct {
	*reader
	seen  []lastSeen // by group
	users int

	origin rollcall.Date // the day before the first
	date   rollcall.Date // the day at hand
	last   rollcall.Date
	bucket int // the first whose rows are not set yet
	rings  [][ringDays]int64
	cells  []int32
}

const ringDays = 32

func (r *reader) newWindow() *window {
	t := r.table
	first, last := r.plan.lastDate(t.buckets[0]), r.plan.lastDate(t.buckets[len(t.buckets)-1])
	return &window{reader: r, origin: first - monthDays, date: first - monthDays, last: last, rings: make([][ringDays]int64, t.groups.n)}
}

// advance goes on to a date; what ends on the way is final and added to the rows.
func (w *window) advance(to rollcall.Date) {
	for w.date < to {
		for w.bucket < len(w.table.buckets) && w.plan.lastDate(w.table.buckets[w.bucket]) == w.date {
			w.emit()
			w.bucket++
		}
		w.date++
		day := w.date & (ringDays - 1)
		for g := range w.rings {
			w.rings[g][day] = 0
		}
	}
}

func (w *window) emit() {
	t := w.table
	for n, g := range t.rows(w.bucket) {
		f, ring := &t.figures[t.start[w.bucket]+n], &w.rings[g]
		for back := range rollcall.Date(monthDays) {
			count := ring[(w.date-back)&(ringDays-1)]
			f.mau += count
			if back < weekDays {
				f.wau += count
			}
		}
	}
}

func (w *window) addSets(s *block.Sets) {
	w.cells = w.groupsOf(s, w.cells)
	stamp := int32(w.date - w.origin)
	keep := stamp - monthDays + 1
	for cell, g := range w.cells {
		if g == 0 {
			continue
		}
		seen, ring, fresh := &w.seen[g-1], &w.rings[g-1], int64(0)
		for _, user := range s.Users[s.Start[cell]:s.Start[cell+1]] {
			before := seen.touch(user, stamp, keep, w.users)
			if before == stamp {
				continue
			}
			fresh++
			if before >= keep && before > 0 {
				ring[(w.origin+rollcall.Date(before))&(ringDays-1)]--
			}
		}
		ring[w.date&(ringDays-1)] += fresh
	}
}

func (w *window) addCounted(c *block.Cells) {
	columns := w.plan.columnsOf(w.plan.cuboid, c.Dims)
	pass := w.plan.selected(w.plan.cuboid, c.Dims, c.Len())
	for row, n := range c.Counters[rollcall.Counted] {
		if n == 0 || pass != nil && !pass[row] {
			continue
		}
		if g, ok := w.table.groups.find(columns, row); ok {
			w.rings[g][w.date&(ringDays-1)] += n
		}
	}
}
