package verify

import (
	"encoding/binary"
	"slices"

	"rollcall"
)

// cellTable numbers the combinations of all dimension values that a shard has.
type cellTable struct {
	values  *values
	numbers map[string]uint32
	tuples  []rollcall.Value // values of cell c: [c*dims, (c+1)*dims)
	project [][]uint32       // by cuboid's index and cell: see in; +1, 0 for not known

	of      []uint32 // of each combination of the batch at hand
	columns []int    // where the batch has each dimension; -1 for not at all
	known   []rollcall.Value
	tuple   []rollcall.Value
	code    []byte
}

// maxCells is how many combinations an event has room to name.
const maxCells = 1 << 26

func newCellTable(v *values) *cellTable {
	return &cellTable{values: v, numbers: map[string]uint32{}, tuple: make([]rollcall.Value, len(v.names))}
}

func (t *cellTable) dims() int { return len(t.values.names) }

func (t *cellTable) tupleOf(cell uint32) []rollcall.Value {
	n := t.dims()
	return t.tuples[int(cell)*n : (int(cell)+1)*n]
}

// cell gives the number of a combination.
func (t *cellTable) cell(tuple []rollcall.Value) uint32 {
	t.code = appendTuple(t.code[:0], tuple)
	c, ok := t.numbers[string(t.code)]
	if !ok {
		c = uint32(len(t.numbers))
		t.numbers[string(t.code)] = c
		t.tuples = append(t.tuples, tuple...)
	}
	return c
}

func appendTuple(code []byte, tuple []rollcall.Value) []byte {
	for _, x := range tuple {
		code = binary.LittleEndian.AppendUint32(code, uint32(x))
	}
	return code
}

// in gives the cell with the values that a cuboid keeps, and rollcall.NotSetValue for the others.
func (t *cellTable) in(cell uint32, index int, cuboid rollcall.Cuboid) uint32 {
	for index >= len(t.project) {
		t.project = append(t.project, nil)
	}
	p := t.project[index]
	if n := len(t.numbers); len(p) < n {
		p = append(p, make([]uint32, n-len(p))...)
		t.project[index] = p
	}
	if p[cell] == 0 {
		tuple := slices.Clone(t.tupleOf(cell))
		for d := range tuple {
			if !cuboid.Has(d) {
				tuple[d] = rollcall.NotSetValue
			}
		}
		p[cell] = t.cell(tuple) + 1
	}
	return p[cell] - 1
}

// kept gives the values of a cell that a cuboid keeps. They are valid until the next call.
func (t *cellTable) kept(cell uint32, cuboid rollcall.Cuboid) []rollcall.Value {
	t.tuple = t.tuple[:0]
	for d, x := range t.tupleOf(cell) {
		if cuboid.Has(d) {
			t.tuple = append(t.tuple, x)
		}
	}
	return t.tuple
}

// resolve fills in the cell of each combination of a batch.
func (t *cellTable) resolve(b *Batch) {
	t.columns = t.columns[:0]
	for _, name := range t.values.names {
		at := -1
		for i := range b.DimNames {
			if string(b.DimNames[i]) == name {
				at = i
			}
		}
		t.columns = append(t.columns, at)
	}
	n := len(b.Strings)
	t.known = append(t.known[:0], make([]rollcall.Value, n*t.dims())...) // +1; 0 for not looked up
	width, count := len(b.DimNames), 1
	if width > 0 {
		count = len(b.Tuples) / width
	}
	t.of, t.tuple = t.of[:0], t.tuple[:t.dims()]
	for i := range count {
		for d, at := range t.columns {
			t.tuple[d] = rollcall.NotSetValue
			if at >= 0 {
				t.tuple[d] = t.look(b, d, int(b.Tuples[i*width+at]))
			}
		}
		t.of = append(t.of, t.cell(t.tuple))
	}
}

func (t *cellTable) look(b *Batch, dim, text int) rollcall.Value {
	known := &t.known[dim*len(b.Strings)+text]
	if *known == 0 {
		*known = t.values.number(dim, b.Strings[text]) + 1
	}
	return *known - 1
}
