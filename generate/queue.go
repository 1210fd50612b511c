package generate

import "slices"

// item is an event as numbers. due is when it arrives.
type item struct {
	due, time    int64
	seq          uint64
	user         uint32
	campaign     uint16
	kind, device uint8
}

// queue holds items until they arrive. They are put in line for a span of time, and taken from the line.
type queue struct {
	items []item
	order []uint64 // the line: arrival since the span's start in ms, then index into items
	next  int
}

func (q *queue) empty() bool { return q.next == len(q.order) }

// first is the item that take gives next.
func (q *queue) first() *item { return &q.items[uint32(q.order[q.next])] }

func (q *queue) take() *item {
	q.next++
	return &q.items[uint32(q.order[q.next-1])]
}

// drop forgets what was taken, and takes the line apart.
func (q *queue) drop() {
	for _, o := range q.order[:q.next] {
		q.items[uint32(o)].due = gone
	}
	q.items = slices.DeleteFunc(q.items, func(it item) bool { return it.due == gone })
	q.order, q.next = q.order[:0], 0
}

// skip forgets what arrives before now.
func (q *queue) skip(now int64) {
	q.drop()
	q.items = slices.DeleteFunc(q.items, func(it item) bool { return it.due < now })
}

const gone = -1 << 62

// line puts in line what arrives before end; nothing is due before start.
func (q *queue) line(start, end int64) {
	for i := range q.items {
		if it := &q.items[i]; it.due < end {
			q.order = append(q.order, uint64(it.due-start)<<32|uint64(i))
		}
	}
	slices.Sort(q.order)
}

// scatter lets some of the items behind from arrive up to two days late, or twice.
func (q *queue) scatter(from int, d *drawer, late, duplicates float64) {
	if late == 0 && duplicates == 0 {
		return
	}
	for i, n := from, len(q.items); i < n; i++ {
		if d.rng.Float64() < late {
			q.items[i].due += int64(d.rng.Uint64N(uint64(2 * dayMS)))
		}
		if d.rng.Float64() < duplicates {
			again := q.items[i]
			again.due += int64(d.rng.Uint64N(uint64(10 * minuteMS)))
			q.items = append(q.items, again)
		}
	}
}
