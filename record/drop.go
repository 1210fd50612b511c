package record

import (
	"encoding/binary"

	"rollcall"
)

// Drop is a run of rows of one record that count in no figure: duplicates, or events beyond the late horizon.
type Drop struct {
	Offset     rollcall.Offset // of the record
	Row, Count int
	Late       bool
}

// AppendDrop appends the bytes of a drop. Drops may be joined in any order.
func AppendDrop(b []byte, d Drop) []byte {
	late := uint64(0)
	if d.Late {
		late = 1
	}
	b = binary.AppendUvarint(b, uint64(d.Offset))
	b = binary.AppendUvarint(b, uint64(d.Row))
	return binary.AppendUvarint(b, uint64(d.Count)<<1|late)
}

// Drops reads what AppendDrop has appended. ErrMalformed for anything else.
func Drops(b []byte) (drops []Drop, err error) {
	r := reader{b: b}
	for r.left() > 0 {
		offset, row, run := r.uvarint(), r.uint32(), r.uvarint()
		if r.bad || run>>1 == 0 || run>>33 != 0 {
			return nil, ErrMalformed
		}
		drops = append(drops, Drop{rollcall.Offset(offset), int(row), int(run >> 1), run&1 == 1})
	}
	return drops, nil
}
