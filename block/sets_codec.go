package block

import (
	"encoding/binary"
	"fmt"
	"math"

	"rollcall"
)

// Encode appends the blob of the sets to dst: one section for the cells (dimension columns and sizes), one for the
// users (each cell's first id, then the gaps less one), one for the masks. Equal sets have equal blobs.
func (s *Sets) Encode(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, formatSets)
	buf := s.appendCells(make([]byte, 0, 64+4*len(s.Users)))
	dst = appendSection(dst, buf)
	buf = s.appendUsers(buf[:0])
	dst = appendSection(dst, buf)
	buf = s.appendMasks(buf[:0])
	dst = appendSection(dst, buf)
	return seal(dst, start, s.Key.bytes())
}

func (s *Sets) appendCells(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s.Dims)))
	dst = binary.AppendUvarint(dst, uint64(s.Len()))
	for _, col := range s.Dims {
		dst = appendColumn(dst, col)
	}
	for i := range s.Len() {
		dst = binary.AppendUvarint(dst, uint64(s.Start[i+1]-s.Start[i]))
	}
	return dst
}

func (s *Sets) appendUsers(dst []byte) []byte {
	for i := range s.Len() {
		next := uint32(0)
		for _, u := range s.Users[s.Start[i]:s.Start[i+1]] {
			if gap := u - next; gap < 0x80 {
				dst = append(dst, byte(gap))
			} else {
				dst = binary.AppendUvarint(dst, uint64(gap))
			}
			next = u + 1
		}
	}
	return dst
}

// DecodeSets reads the blob of user sets, and their masks only when asked: Masks is nil otherwise. The sets share no
// memory with data. Errors wrap ErrCorrupt and name the key. Cost: 2 to 6 ns a user, 1 to 3 more with the mask.
func DecodeSets(data []byte, key SetKey, withMasks bool) (*Sets, error) {
	body, reason := unseal(data, formatSets, key.bytes())
	if reason == "" {
		var s *Sets
		if s, reason = decodeSets(body, key, withMasks); reason == "" {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%v: %w: %s", key, ErrCorrupt, reason)
}

func decodeSets(body []byte, key SetKey, withMasks bool) (*Sets, string) {
	s := &Sets{Key: key}
	cells, body, ok := readSection(body)
	if !ok {
		return nil, "bad section of cells"
	}
	total, reason := s.readCells(cells)
	if reason != "" {
		return nil, reason
	}
	users, body, ok := readSection(body)
	if !ok || total > uint64(len(users)) {
		return nil, "bad section of users"
	}
	s.Users = make([]uint32, total)
	if !readGaps(users, s.Users) || !s.sumGaps() {
		return nil, "bad users"
	}
	if !withMasks {
		if _, rest, _, ok := rawSection(body); !ok || len(rest) != 0 {
			return nil, "bad section of masks"
		}
		return s, ""
	}
	masks, body, ok := readSection(body)
	if !ok || len(body) != 0 {
		return nil, "bad section of masks"
	}
	s.Masks = make([]uint64, total)
	if !readMasks(masks, s.Masks) {
		return nil, "bad masks"
	}
	return s, ""
}

// readCells reads the dimension columns and the sizes of the cells, and gives the number of users over all of them.
func (s *Sets) readCells(data []byte) (total uint64, reason string) {
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

// readGaps reads exactly len(gaps) uvarints, eight at a time where all of them have one byte.
func readGaps(data []byte, gaps []uint32) bool {
	pos := 0
	for i := 0; i < len(gaps); {
		if len(data)-pos >= 8 {
			w := binary.LittleEndian.Uint64(data[pos:])
			if w&0x8080808080808080 == 0 && len(gaps)-i >= 8 {
				g := gaps[i : i+8 : i+8]
				g[0], g[1], g[2], g[3] = uint32(w&0x7f), uint32(w>>8&0x7f), uint32(w>>16&0x7f), uint32(w>>24&0x7f)
				g[4], g[5], g[6], g[7] = uint32(w>>32&0x7f), uint32(w>>40&0x7f), uint32(w>>48&0x7f), uint32(w>>56)
				i, pos = i+8, pos+8
				continue
			}
			if u, n := shortUvarint(w); n > 0 {
				gaps[i] = u
				i, pos = i+1, pos+n
				continue
			}
		}
		u, n := longUvarint(data[pos:])
		if n == 0 || u > math.MaxUint32 {
			return false
		}
		gaps[i] = uint32(u)
		i, pos = i+1, pos+n
	}
	return pos == len(data)
}

// shortUvarint reads a uvarint of at most three bytes from the low bytes of w; n is 0 when it is longer.
func shortUvarint(w uint64) (u uint32, n int) {
	v := uint32(w)
	switch {
	case v&0x80 == 0:
		return v & 0x7f, 1
	case v&0x8000 == 0:
		return v&0x7f | v>>1&0x3f80, 2
	case v&0x800000 == 0:
		return v&0x7f | v>>1&0x3f80 | v>>2&0x1fc000, 3
	}
	return 0, 0
}

// sumGaps turns the gaps of each cell into ids.
func (s *Sets) sumGaps() bool {
	for i := range s.Len() {
		next := uint64(0)
		users := s.Users[s.Start[i]:s.Start[i+1]]
		for j, gap := range users {
			next += uint64(gap)
			users[j] = uint32(next)
			next++
		}
		if next > math.MaxUint32+1 {
			return false
		}
	}
	return true
}
