package query

import (
	"cmp"
	"math"
	"slices"
)

// sort orders the rows as asked, then by bucket and dimensions, and cuts them to the limit.
func (r *Result) sort() {
	r.order = r.byBucket(r.byRank())
	limit := r.plan.limit
	if limit == 0 || limit > len(r.order) {
		limit = len(r.order)
	}
	if len(r.plan.order) == 0 {
		r.order = r.order[:limit]
		return
	}
	k := keys{columns: make([][]float64, 0, len(r.plan.order))}
	for _, key := range r.plan.order {
		k.columns = append(k.columns, r.key(key))
	}
	r.order = k.first(r.order, limit)
}

// byRank lists the rows of the table by the order of their groups, whatever their buckets.
func (r *Result) byRank() []uint32 {
	ranks := r.ranks()
	next := make([]uint32, len(ranks)+1)
	for _, g := range r.table.group {
		next[ranks[g]+1]++
	}
	for i := range ranks {
		next[i+1] += next[i]
	}
	rows := make([]uint32, len(r.table.group))
	for row, g := range r.table.group {
		at := &next[ranks[g]]
		rows[*at] = uint32(row)
		*at++
	}
	return rows
}

// byBucket puts rows into the order of their buckets; rows of one bucket keep theirs.
func (r *Result) byBucket(rows []uint32) []uint32 {
	next := slices.Clone(r.table.start)
	sorted := make([]uint32, len(rows))
	for _, row := range rows {
		at := &next[r.buckets[row]]
		sorted[*at] = row
		*at++
	}
	return sorted
}

// ranks gives each group its place: that of the leaders, or that of the texts of its values.
func (r *Result) ranks() []uint32 {
	ranks := make([]uint32, r.table.groups.n)
	for g := range ranks {
		ranks[g] = uint32(g)
	}
	if r.plan.ranking != nil {
		return ranks
	}
	order := slices.Clone(ranks)
	slices.SortFunc(order, func(a, b uint32) int {
		for i := range r.texts {
			if c := cmp.Compare(r.texts[i].number[a], r.texts[i].number[b]); c != 0 {
				return c
			}
		}
		return 0
	})
	for place, g := range order {
		ranks[g] = uint32(place)
	}
	return ranks
}

// key gives each row of the table a number that rises in the order of a sort key; nulls are last.
func (r *Result) key(k sortKey) []float64 {
	sign := 1.0
	if k.desc {
		sign = -1
	}
	column := make([]float64, len(r.table.group))
	for row, g := range r.table.group {
		var v float64
		switch d := k.column - 1; {
		case k.column == 0:
			v = float64(r.buckets[row])
		case d < len(r.texts):
			v = float64(r.texts[d].number[g])
		default:
			v = r.values[d-len(r.texts)][row]
		}
		if column[row] = sign * v; math.IsNaN(v) {
			column[row] = math.Inf(1)
		}
	}
	return column
}

// keys order rows by columns of numbers, one at least.
type keys struct{ columns [][]float64 }

// candidate is a row, its number in the first column, and its place in the order that ties keep.
type candidate struct {
	key        float64
	row, place uint32
}

func (k *keys) candidate(rows []uint32, i int) candidate {
	return candidate{k.columns[0][rows[i]], rows[i], uint32(i)}
}

func (k *keys) compare(a, b candidate) int {
	if a.key < b.key {
		return -1
	} else if a.key > b.key {
		return 1
	}
	for _, column := range k.columns[1:] {
		if c := cmp.Compare(column[a.row], column[b.row]); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.place, b.place)
}

// first gives the first n rows in order, 0 < n <= len(rows) or none. It keeps a heap of n whose top is the last of them.
func (k *keys) first(rows []uint32, n int) []uint32 {
	heap := make([]candidate, n)
	for i := range heap {
		heap[i] = k.candidate(rows, i)
	}
	if n < len(rows) {
		for i := n/2 - 1; i >= 0; i-- {
			k.sink(heap, i)
		}
		for i := n; i < len(rows); i++ {
			if c := k.candidate(rows, i); k.compare(c, heap[0]) < 0 {
				heap[0] = c
				k.sink(heap, 0)
			}
		}
	}
	slices.SortFunc(heap, k.compare)
	for i, c := range heap {
		rows[i] = c.row
	}
	return rows[:n]
}

func (k *keys) sink(heap []candidate, i int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && k.compare(heap[child], heap[child+1]) < 0 {
			child++
		}
		if k.compare(heap[i], heap[child]) >= 0 {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}
