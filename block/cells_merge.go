package block

import (
	"slices"

	"rollcall"
)

// NewCells makes an empty block with room for n rows.
func NewCells(key CellKey, n int) *Cells {
	c := &Cells{Key: key, Sub: make([]uint8, 0, n), Dims: make([][]rollcall.Value, key.Cuboid.Size())}
	for i := range c.Dims {
		c.Dims[i] = make([]rollcall.Value, 0, n)
	}
	for i := range c.Counters {
		c.Counters[i] = make([]int64, 0, n)
	}
	return c
}

// CellsBuilder collects rows in any order. It may be used again after Reset, and keeps its memory.
type CellsBuilder struct{ rows Cells }

// Reset empties the builder and sets the key of the block to build.
func (b *CellsBuilder) Reset(key CellKey) {
	r := &b.rows
	r.Key, r.Sub = key, r.Sub[:0]
	if n := key.Cuboid.Size(); cap(r.Dims) < n {
		r.Dims = append(r.Dims[:cap(r.Dims)], make([][]rollcall.Value, n-cap(r.Dims))...)
	} else {
		r.Dims = r.Dims[:n]
	}
	for i := range r.Dims {
		r.Dims[i] = r.Dims[i][:0]
	}
	for i := range r.Counters {
		r.Counters[i] = r.Counters[i][:0]
	}
}

// Add adds counters to the row of sub and values: one value for each dimension that the cuboid keeps.
func (b *CellsBuilder) Add(sub uint8, values []rollcall.Value, counters *rollcall.Counters) {
	r := &b.rows
	r.Sub = append(r.Sub, sub)
	for i := range r.Dims {
		r.Dims[i] = append(r.Dims[i], values[i])
	}
	for i := range r.Counters {
		r.Counters[i] = append(r.Counters[i], counters[i])
	}
}

// Len is the number of rows added, equal ones counted each time.
func (b *CellsBuilder) Len() int { return b.rows.Len() }

// Build gives the block: sorted, equal rows added up, rows that add up to nothing left out. The block shares no memory
// with the builder. It costs one pass over a row for each byte that differs in a key column.
func (b *CellsBuilder) Build() *Cells { return sortCells(&b.rows) }

// MergeCells adds up blocks of one key. Rows that add up to nothing are left out. It returns nil for no blocks.
func MergeCells(blocks []*Cells) *Cells {
	if len(blocks) == 0 {
		return nil
	}
	n := 0
	for _, c := range blocks {
		n += c.Len()
	}
	all := NewCells(blocks[0].Key, n)
	for _, c := range blocks {
		all.Sub = append(all.Sub, c.Sub...)
		for i := range all.Dims {
			all.Dims[i] = append(all.Dims[i], c.Dims[i]...)
		}
		for i := range all.Counters {
			all.Counters[i] = append(all.Counters[i], c.Counters[i]...)
		}
	}
	return sortCells(all)
}

func sortCells(c *Cells) *Cells {
	o := newOrder(c.Len())
	for _, col := range slices.Backward(c.Dims) {
		sortBy(o, col)
	}
	sortBy(o, c.Sub)
	out := NewCells(c.Key, c.Len())
	for i := 0; i < len(o.rows); {
		first := o.rows[i]
		sum := c.counters(first)
		for i++; i < len(o.rows) && c.sameKey(first, o.rows[i]); i++ {
			next := c.counters(o.rows[i])
			sum.Add(&next)
		}
		if !sum.IsZero() {
			out.appendRow(c, first, &sum)
		}
	}
	return out
}

func (c *Cells) counters(row uint32) (sum rollcall.Counters) {
	for i := range sum {
		sum[i] = c.Counters[i][row]
	}
	return sum
}

func (c *Cells) sameKey(a, b uint32) bool {
	return c.Sub[a] == c.Sub[b] && dimsEqual(c.Dims, int(a), int(b))
}

func (c *Cells) appendRow(from *Cells, row uint32, counters *rollcall.Counters) {
	c.Sub = append(c.Sub, from.Sub[row])
	for i := range c.Dims {
		c.Dims[i] = append(c.Dims[i], from.Dims[i][row])
	}
	for i := range c.Counters {
		c.Counters[i] = append(c.Counters[i], counters[i])
	}
}
