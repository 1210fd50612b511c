package query

import (
	"math/bits"
	"slices"

	"rollcall"
)

// chunkWords is how many words of each day's bit set are worked on at a time: so that some 120 days stay in the caches.
const chunkWords = 256

// countWindows counts the distinct users of each bucket, and of the 7 and 30 days that end with its last date, of every
// group. It goes over the ids in chunks; within a chunk, every day is a short row of bits. Cost: for each group, shard and
// day, some 5 operations for each 64 users of the shard.
func (c *counting) countWindows(days []unitedDay, active, trailing bool) {
	if len(days) == 0 {
		return
	}
	first, last := days[0].date, days[len(days)-1].date
	if trailing {
		a, b := c.dates()
		first, last = min(first, a-monthDays+1), max(last, b)
	}
	w := &windows{counting: c, days: days, first: first, dayBits: make([][]uint64, last-first+1)}
	w.room, w.written = make([]uint64, len(days)*chunkWords), make([]int, len(days))
	w.before, w.now = make([]uint64, monthDays*chunkWords), make([]uint64, chunkWords)
	w.index, w.ends = newRowIndex(c.table), c.bucketsByEnd(first, last)
	w.findBuckets()
	for g := range c.table.groups.n {
		clear(w.written)
		for from := 0; from < c.users() && c.ctx.Err() == nil; from += 64 * chunkWords {
			w.load(g, from)
			if active {
				w.countBuckets(g)
			}
			if trailing {
				w.slide(g, weekDays, func(n *counts) *int64 { return &n.wau })
				w.slide(g, monthDays, func(n *counts) *int64 { return &n.mau })
			}
		}
	}
}

type windows struct {
	*counting
	days    []unitedDay
	first   rollcall.Date
	index   *rowIndex
	inside  []int32    // by day: the number of the bucket it counts in, -1 for none
	ends    [][]int    // by date since first: the buckets whose last date it is
	dayBits [][]uint64 // by date since first: the bits of the chunk, nil for nobody
	room    []uint64
	written []int // by day: how many of its ids are in the chunks so far
	before  []uint64
	now     []uint64
}

func (w *windows) findBuckets() {
	w.inside = make([]int32, len(w.days))
	for i, d := range w.days {
		w.inside[i] = -1
		if d.date < w.plan.first || d.date > w.plan.last || w.plan.grain < rollcall.Day {
			continue
		}
		if b, ok := slices.BinarySearch(w.table.buckets, w.plan.dateBucket(d.date)); ok {
			w.inside[i] = int32(b)
		}
	}
}

// load writes the bits of each day in the chunk that begins with the id from.
func (w *windows) load(group, from int) {
	for i, d := range w.days {
		m := &d.groups[group]
		if m.n == 0 {
			w.dayBits[d.date-w.first] = nil
			continue
		}
		row := w.room[i*chunkWords : (i+1)*chunkWords]
		m.into(row, from, &w.written[i])
		w.dayBits[d.date-w.first] = row
	}
}

func (w *windows) row(bucket, group int) *counts {
	if row := w.index.row(bucket, group); row >= 0 {
		return &w.rows[row]
	}
	return nil
}

// countBuckets adds the users of the chunk to the active users of the buckets that their days lie in.
func (w *windows) countBuckets(group int) {
	clear(w.now)
	for i, d := range w.days {
		or(w.now, w.dayBits[d.date-w.first])
		if bucket := w.inside[i]; i+1 == len(w.days) || w.inside[i+1] != bucket {
			if bucket >= 0 {
				if n := w.row(int(bucket), group); n != nil {
					n.active += count(w.now, nil)
				}
			}
			clear(w.now)
		}
	}
}

// slide adds the users of the chunk to the windows of k days. A window is the end of one block of k days and the beginning of
// the next: unions of all ends and all beginnings cost one operation a day each (van Herk and Gil-Werman).
func (w *windows) slide(group, k int, field func(*counts) *int64) {
	for block := 0; block < len(w.dayBits); block += k {
		clear(w.now)
		end := min(block+k, len(w.dayBits))
		for i := block; i < end; i++ {
			or(w.now, w.dayBits[i])
			if len(w.ends[i]) == 0 {
				continue
			}
			var tail []uint64
			if j := i + 1 - block; j < k && block > 0 {
				tail = w.before[j*chunkWords : (j+1)*chunkWords]
			}
			users := count(w.now, tail)
			for _, b := range w.ends[i] {
				if n := w.row(b, group); n != nil {
					*field(n) += users
				}
			}
		}
		if end == block+k {
			w.endsOf(block, k)
		}
	}
}

// endsOf makes, for each day of a block, the union of it and the days of the block behind it.
func (w *windows) endsOf(block, k int) {
	for j := k - 1; j >= 0; j-- {
		to := w.before[j*chunkWords : (j+1)*chunkWords]
		if j == k-1 {
			clear(to)
		} else {
			copy(to, w.before[(j+1)*chunkWords:(j+2)*chunkWords])
		}
		or(to, w.dayBits[block+j])
	}
}

// or adds the bits of a row to a set; a nil row has none.
func or(set, row []uint64) {
	if row == nil {
		return
	}
	row = row[:len(set)]
	for i := range set {
		set[i] |= row[i]
	}
}

// count is the number of bits in a or b; nil has none.
func count(a, b []uint64) (n int64) {
	if b == nil {
		for _, w := range a {
			n += int64(bits.OnesCount64(w))
		}
		return n
	}
	b = b[:len(a)]
	for i, w := range a {
		n += int64(bits.OnesCount64(w | b[i]))
	}
	return n
}
