package block

import (
	"encoding/binary"
	"fmt"
	"math"

	"rollcall"
)

// Encode gives the two blobs of the sets. The first has a section for the cells (dimension columns, then of each cell the
// number of users and the bytes of its users and masks) and, plain, the users of one cell after the other: the first id,
// then the gaps less one. The second has the masks, and readers of whole periods need not fetch it; it is empty when all
// masks are. Equal sets have equal blobs.
func (s *Sets) Encode() (users, masks []byte) {
	var sizes []uint64 // of each cell: users, bytes of users, bytes of masks
	list, marks := make([]byte, 0, 2*len(s.Users)), make([]byte, 0, 2*len(s.Users))
	marked := s.hasMasks()
	for i := range s.Len() {
		from, to := s.Start[i], s.Start[i+1]
		a, b := len(list), len(marks)
		list = appendGaps(list, s.Users[from:to])
		if marked {
			marks = appendMasks(marks, s.Masks[from:to])
		}
		sizes = append(sizes, uint64(to-from), uint64(len(list)-a), uint64(len(marks)-b))
	}
	users = append(make([]byte, 0, len(list)+64+8*s.Len()), formatUsers)
	users = appendSection(users, s.appendCells(nil, sizes))
	users = seal(append(users, list...), 0, s.Key.bytes())
	if marked {
		masks = seal(appendSection([]byte{formatMasks}, marks), 0, s.Key.bytes())
	}
	return users, masks
}

func (s *Sets) hasMasks() bool {
	for _, m := range s.Masks {
		if m != 0 {
			return true
		}
	}
	return false
}

func (s *Sets) appendCells(dst []byte, sizes []uint64) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s.Dims)))
	dst = binary.AppendUvarint(dst, uint64(s.Len()))
	for _, col := range s.Dims {
		dst = appendColumn(dst, col)
	}
	for _, n := range sizes {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func appendGaps(dst []byte, users []uint32) []byte {
	next := uint32(0)
	for _, u := range users {
		if gap := u - next; gap < 0x80 {
			dst = append(dst, byte(gap))
		} else {
			dst = binary.AppendUvarint(dst, uint64(gap))
		}
		next = u + 1
	}
	return dst
}

// OpenSets reads the blobs of user sets, all but the users and masks, which are decoded cell by cell when they are asked
// for. Nil masks mean that they are not wanted; what has none has an empty blob of them. The sets keep both blobs. Errors
// wrap ErrCorrupt and name the key. Cost: the checksum, and some 10 ns a cell.
func OpenSets(users, masks []byte, key SetKey) (*Packed, error) {
	part, reason := openPart(users, masks, key)
	if reason != "" {
		return nil, fmt.Errorf("%v: %w: %s", key, ErrCorrupt, reason)
	}
	return &Packed{Key: key, Parts: []Part{part}}, nil
}

func openPart(users, masks []byte, key SetKey) (p Part, reason string) {
	if len(users) > 0 && users[0] == formatSets {
		return openOldPart(users, key)
	}
	p.blob = users
	body, reason := unseal(users, formatUsers, key.bytes())
	if reason != "" {
		return p, reason
	}
	cells, body, ok := readSection(body)
	if !ok {
		return p, "bad section of cells"
	}
	if reason := p.readCells(cells); reason != "" {
		return p, reason
	}
	if p.users = body; int(p.at[len(p.at)-1]) != len(body) {
		return p, "users of another length"
	}
	if masks == nil {
		return p, ""
	}
	return p, p.openMasks(masks, key)
}

func (t *Part) openMasks(blob []byte, key SetKey) (reason string) {
	wanted := int(t.maskAt[len(t.maskAt)-1])
	if len(blob) == 0 && wanted == 0 {
		t.masks = []byte{}
		return ""
	}
	body, reason := unseal(blob, formatMasks, key.bytes())
	if reason != "" {
		return "masks: " + reason
	}
	masks, rest, ok := readSection(body)
	if !ok || len(rest) != 0 || len(masks) != wanted {
		return "bad section of masks"
	}
	t.masks = masks
	return ""
}

// readCells reads the dimension columns and the sizes of the cells.
func (t *Part) readCells(data []byte) (reason string) {
	dims, data, ok := readLength(data, 0)
	if !ok || dims > rollcall.MaxDimensions {
		return "bad number of dimensions"
	}
	n, data, ok := readLength(data, 0)
	if !ok {
		return "bad number of cells"
	}
	t.Dims = make([][]rollcall.Value, dims)
	for i := range t.Dims {
		t.Dims[i] = make([]rollcall.Value, n)
		if data, ok = readColumn(data, t.Dims[i]); !ok {
			return fmt.Sprintf("bad dimension column %d", i)
		}
	}
	offsets := make([]uint32, 3*(n+1))
	t.Start, t.at, t.maskAt = offsets[:n+1:n+1], offsets[n+1:2*n+2:2*n+2], offsets[2*n+2:]
	for i := range n {
		if i > 0 && !dimsLess(t.Dims, i-1, t.Dims, i) {
			return "cells out of order"
		}
		for _, sum := range [...][]uint32{t.Start, t.at, t.maskAt} {
			size, used := uvarintAt(data, 0)
			if used == 0 || size > math.MaxUint32-uint64(sum[i]) {
				return "bad cell size"
			}
			data, sum[i+1] = data[used:], sum[i]+uint32(size)
		}
		if t.Start[i+1]-t.Start[i] > t.at[i+1]-t.at[i] {
			return "more users than bytes"
		}
	}
	if len(data) != 0 {
		return "bytes after the cells"
	}
	return ""
}
