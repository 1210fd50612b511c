package block

import (
	"fmt"
	"math"

	"rollcall"
)

// openOldPart reads the one blob that stood for sets before users and masks were kept apart: a section of cells (dimension
// columns and sizes), one of users, one of masks.
func openOldPart(blob []byte, key SetKey) (p Part, reason string) {
	body, reason := unseal(blob, formatSets, key.bytes())
	if reason != "" {
		return p, reason
	}
	cells, body, ok := readSection(body)
	if !ok {
		return p, "bad section of cells"
	}
	s := &Sets{Key: key}
	total, reason := s.readOldCells(cells)
	if reason != "" {
		return p, reason
	}
	users, body, ok := readSection(body)
	if !ok || total > uint64(len(users)) {
		return p, "bad section of users"
	}
	masks, rest, ok := readSection(body)
	if !ok || len(rest) != 0 {
		return p, "bad section of masks"
	}
	s.Users, s.Masks = make([]uint32, total), make([]uint64, total)
	if !readGaps(users, s.Users) || !readMasks(masks, s.Masks) {
		return p, "bad users"
	}
	for i := range s.Len() {
		if !sumGaps(s.Users[s.Start[i]:s.Start[i+1]]) {
			return p, "bad users"
		}
	}
	newUsers, newMasks := s.Encode()
	if newMasks == nil {
		newMasks = []byte{}
	}
	return openPart(newUsers, newMasks, key)
}

// readOldCells reads the dimension columns and the sizes of the cells, and gives the number of users over all of them.
func (s *Sets) readOldCells(data []byte) (total uint64, reason string) {
	dims, data, ok := readLength(data, 0)
	if !ok || dims > rollcall.MaxDimensions {
		return 0, "bad number of dimensions"
	}
	n, data, ok := readLength(data, 0)
	if !ok {
		return 0, "bad number of cells"
	}
	s.Dims = make([][]rollcall.Value, dims)
	for i := range s.Dims {
		s.Dims[i] = make([]rollcall.Value, n)
		if data, ok = readColumn(data, s.Dims[i]); !ok {
			return 0, fmt.Sprintf("bad dimension column %d", i)
		}
	}
	s.Start = make([]uint32, n+1)
	for i := range n {
		if i > 0 && !dimsLess(s.Dims, i-1, s.Dims, i) {
			return 0, "cells out of order"
		}
		size, used := longUvarint(data)
		if used == 0 || size > math.MaxUint32-total {
			return 0, "bad cell size"
		}
		data, total = data[used:], total+size
		s.Start[i+1] = uint32(total)
	}
	if len(data) != 0 {
		return 0, "bytes after the cells"
	}
	return total, ""
}
