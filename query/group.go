package query

import (
	"encoding/binary"
	"fmt"

	"rollcall"
)

// maxDense bounds the table that finds groups by their values, in entries of four bytes.
const maxDense = 1 << 20

// groups numbers the combinations of values of the dimensions grouped by, in the order they are met.
type groups struct {
	plan   *plan
	sizes  []int
	dense  []uint32          // number+1 by mixed radix of the values; nil when there are too many combinations
	sparse map[string]uint32 // number by values
	values []rollcall.Value  // of each group, len(sizes) apiece
	n      int
	rest   int // the group of all combinations that have none of their own, +1; 0 for none
}

func newGroups(p *plan) *groups {
	g := &groups{plan: p, sparse: map[string]uint32{}}
	product := 1
	for _, d := range p.groupBy {
		size := p.size(d)
		g.sizes = append(g.sizes, size)
		product = min(product*size, maxDense+1)
	}
	if product <= maxDense {
		g.dense = make([]uint32, product)
	}
	if p.ranking != nil {
		g.limit(p.leaders)
	}
	return g
}

// find gives the number of the group that a row of columns belongs to; ok is false when it was never met. Several goroutines
// may find groups while none is added.
func (g *groups) find(columns [][]rollcall.Value, row int) (number uint32, ok bool) {
	if g.dense != nil {
		number = g.dense[g.radix(columns, row)]
		number, ok = number-1, number > 0
	} else {
		var room [4 * rollcall.MaxDimensions]byte
		number, ok = g.sparse[string(encode(room[:0], columns, row))]
	}
	if !ok && g.rest > 0 {
		return uint32(g.rest - 1), true
	}
	return number, ok
}

// add numbers a new group.
func (g *groups) add(columns [][]rollcall.Value, row int) uint32 {
	for _, col := range columns {
		g.values = append(g.values, col[row])
	}
	number := uint32(g.n)
	g.n++
	if g.dense != nil {
		g.dense[g.radix(columns, row)] = number + 1
	} else {
		g.sparse[string(encode(nil, columns, row))] = number
	}
	return number
}

func (g *groups) radix(columns [][]rollcall.Value, row int) int {
	at := 0
	for i, col := range columns {
		at = at*g.sizes[i] + int(col[row])
	}
	return at
}

func encode(dst []byte, columns [][]rollcall.Value, row int) []byte {
	for _, col := range columns {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(col[row]))
	}
	return dst
}

// valuesOf gives the values of a group in the order of group_by.
func (g *groups) valuesOf(number uint32) []rollcall.Value {
	w := len(g.sizes)
	return g.values[int(number)*w : (int(number)+1)*w]
}

// columnsOf gives the columns of the dimensions grouped by, from those of a block that keeps the dimensions of cuboid.
func (p *plan) columnsOf(cuboid rollcall.Cuboid, dims [][]rollcall.Value) [][]rollcall.Value {
	columns := make([][]rollcall.Value, len(p.groupBy))
	for i, d := range p.groupBy {
		columns[i] = dims[place(cuboid, d)]
	}
	return columns
}

// place is the number of the column that a block of the cuboid has for dimension d.
func place(cuboid rollcall.Cuboid, d int) int { return (cuboid & (1<<d - 1)).Size() }

// selected marks the rows of a block that pass the filters; nil when there are none.
func (p *plan) selected(cuboid rollcall.Cuboid, dims [][]rollcall.Value, n int) []bool {
	if len(p.filters) == 0 {
		return nil
	}
	pass := make([]bool, n)
	for i := range pass {
		pass[i] = true
	}
	for _, f := range p.filters {
		for i, v := range dims[place(cuboid, f.dim)] {
			pass[i] = pass[i] && f.matches[v]
		}
	}
	return pass
}

// check tells whether every value of a block is one that the store has named.
func (p *plan) check(cuboid rollcall.Cuboid, dims [][]rollcall.Value) error {
	for d := range p.dims {
		if !cuboid.Has(d) {
			continue
		}
		size := rollcall.Value(p.size(d))
		for _, v := range dims[place(cuboid, d)] {
			if v >= size {
				return p.nameless(d, v)
			}
		}
	}
	return nil
}

func (p *plan) nameless(d int, v rollcall.Value) error {
	return fmt.Errorf("value %d of dimension %q has no name in the store, which names %d", v, p.dims[d], p.size(d))
}

// signature tells the groups and their numbers.
func (g *groups) signature() string {
	b := make([]byte, 0, 4*len(g.values)+4*len(g.plan.groupBy))
	for _, d := range g.plan.groupBy {
		b = binary.LittleEndian.AppendUint32(b, uint32(d))
	}
	for _, v := range g.values {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return string(b)
}
