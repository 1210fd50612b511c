package fold

import (
	"encoding/binary"
	"slices"

	"rollcall"
)

// cellTable numbers the combinations of dimension values a shard has met: full cells densely from 0, and for every
// cuboid the projections of them.
type cellTable struct {
	dims    int
	cuboids []rollcall.Cuboid
	numbers []map[string]uint32 // by cuboid index: values → number
	values  [][]rollcall.Value  // by cuboid index: stride Size
	project []uint32            // full cell*len(cuboids)+cuboid index → number in that cuboid
	ranks   []ranking           // by cuboid index
	key     []byte
	tuple   []rollcall.Value
}

type ranking struct {
	rank  []uint32 // number → place in value order
	order []uint32 // place → number
}

func newCellTable(cfg Config) *cellTable {
	n := len(cfg.Cuboids)
	t := &cellTable{dims: cfg.Dims, cuboids: cfg.Cuboids, numbers: make([]map[string]uint32, n), values: make([][]rollcall.Value, n), ranks: make([]ranking, n)}
	for i := range t.numbers {
		t.numbers[i] = map[string]uint32{}
	}
	return t
}

func (t *cellTable) len() int { return len(t.numbers[len(t.cuboids)-1]) }

// of gives the number of the full cell with these values. It costs a map look-up.
func (t *cellTable) of(values []rollcall.Value) uint32 {
	full := len(t.cuboids) - 1
	if n, ok := t.numbers[full][string(t.encode(values))]; ok {
		return n
	}
	cell := uint32(t.len())
	for c, cuboid := range t.cuboids {
		t.tuple = t.tuple[:0]
		for d, v := range values {
			if cuboid.Has(d) {
				t.tuple = append(t.tuple, v)
			}
		}
		key := t.encode(t.tuple)
		n, ok := t.numbers[c][string(key)]
		if !ok {
			n = uint32(len(t.numbers[c]))
			t.numbers[c][string(key)] = n
			t.values[c] = append(t.values[c], t.tuple...)
		}
		t.project = append(t.project, n)
	}
	return cell
}

func (t *cellTable) encode(values []rollcall.Value) []byte {
	t.key = t.key[:0]
	for _, v := range values {
		t.key = binary.LittleEndian.AppendUint32(t.key, uint32(v))
	}
	return t.key
}

// in gives the number, in cuboid index c, of the cell that full cell belongs to.
func (t *cellTable) in(cell uint32, c int) uint32 { return t.project[int(cell)*len(t.cuboids)+c] }

// tupleOf gives the values of cell n of cuboid index c, one for each dimension the cuboid keeps.
func (t *cellTable) tupleOf(c int, n uint32) []rollcall.Value {
	w := t.cuboids[c].Size()
	return t.values[c][int(n)*w : (int(n)+1)*w]
}

// ranked gives the value order of the cells of a cuboid, sorted anew only when cells were added.
func (t *cellTable) ranked(c int) *ranking {
	r := &t.ranks[c]
	n := len(t.numbers[c])
	if len(r.rank) == n {
		return r
	}
	r.order, r.rank = slices.Grow(r.order[:0], n)[:n], slices.Grow(r.rank[:0], n)[:n]
	for i := range r.order {
		r.order[i] = uint32(i)
	}
	slices.SortFunc(r.order, func(a, b uint32) int { return slices.Compare(t.tupleOf(c, a), t.tupleOf(c, b)) })
	for place, cell := range r.order {
		r.rank[cell] = uint32(place)
	}
	return r
}
