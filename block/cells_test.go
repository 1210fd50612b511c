package block

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"rollcall"
)

// sums adds rows up the naive way.
func sums(rows []row) map[string]rollcall.Counters {
	m := map[string]rollcall.Counters{}
	for _, r := range rows {
		k := fmt.Sprint(r.sub, r.values)
		c := m[k]
		c.Add(&r.counters)
		m[k] = c
	}
	maps.DeleteFunc(m, func(_ string, c rollcall.Counters) bool { return c.IsZero() })
	return m
}

func (c *Cells) rows() []row {
	rows := make([]row, c.Len())
	for i := range rows {
		rows[i] = row{sub: c.Sub[i], values: []rollcall.Value{}, counters: c.counters(uint32(i))}
		for _, col := range c.Dims {
			rows[i].values = append(rows[i].values, col[i])
		}
	}
	return rows
}

func TestCellsBuildSumsAndSorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := dayKey
		key.Cuboid = rollcall.Cuboid(rapid.Uint32Range(0, 15).Draw(t, "cuboid"))
		rows := genRows(t, key.Cuboid.Size())
		c := buildCells(key, rows)
		if !c.sorted() {
			t.Fatalf("not sorted: %+v", c)
		}
		if got, want := sums(c.rows()), sums(rows); !maps.Equal(got, want) || len(got) != c.Len() {
			t.Fatalf("%d rows\n%v\n%v", c.Len(), got, want)
		}
	})
}

func TestCellsMergeOfSplitIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := genRows(t, 2)
		whole := buildCells(dayKey, rows).Encode(nil)
		var parts []*Cells
		for _, hand := range deal(t, rows, rapid.IntRange(1, 5).Draw(t, "parts")) {
			parts = append(parts, buildCells(dayKey, hand))
		}
		if got := MergeCells(parts).Encode(nil); !bytes.Equal(got, whole) {
			t.Fatal("merge of the parts is not the whole")
		}
		nested := MergeCells([]*Cells{MergeCells(parts[1:]), parts[0]}[boolInt(len(parts) == 1):])
		if got := nested.Encode(nil); !bytes.Equal(got, whole) {
			t.Fatal("merge depends on order or grouping")
		}
	})
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestCellsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := buildCells(dayKey, genRows(t, 2))
		blob := c.Encode([]byte("before"))[6:]
		back, err := DecodeCells(blob, dayKey)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.Encode(nil), blob) || !maps.Equal(sums(back.rows()), sums(c.rows())) {
			t.Fatal("round trip changed the block")
		}
	})
}

func TestCellsOfAnotherKeyAreCorrupt(t *testing.T) {
	blob := buildCells(dayKey, []row{{values: make([]rollcall.Value, 2), counters: rollcall.Counters{1}}}).Encode(nil)
	other := dayKey
	other.Period++
	if _, err := DecodeCells(blob, other); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	for i := range blob {
		for bit := range 8 {
			blob[i] ^= 1 << bit
			if _, err := DecodeCells(blob, dayKey); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("flip of bit %d of byte %d: %v", bit, i, err)
			}
			blob[i] ^= 1 << bit
		}
	}
}

func FuzzDecodeCells(f *testing.F) {
	for _, c := range []*Cells{buildCells(dayKey, nil), sampleCells(dayKey, 700, 3)} {
		blob := c.Encode(nil)
		f.Add(blob[1 : len(blob)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		blob := seal(append([]byte{formatCells}, body...), 0, dayKey.bytes())
		c, err := DecodeCells(blob, dayKey)
		if err != nil {
			return
		}
		if c.Len() > max(256, maxRatio*len(blob)) {
			t.Fatalf("%d rows from %d bytes", c.Len(), len(blob))
		}
		if back, err := DecodeCells(c.Encode(nil), dayKey); err != nil || back.Len() != c.Len() {
			t.Fatal(err)
		}
	})
}
