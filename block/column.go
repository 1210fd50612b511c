package block

import (
	"encoding/binary"
	"math"
	"math/bits"
)

type number interface{ ~uint32 | ~int64 }

// How a column of whole numbers is stored.
const (
	columnZero   = 0 // every number is 0; nothing follows
	columnPlain  = 1 // uvarints
	columnZigzag = 2 // zigzag varints
	columnDelta  = 3 // zigzag varints of the difference to the number before
)

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
func varintLen(u uint64) int  { return (bits.Len64(u|1) + 6) / 7 }

// appendColumn stores a column in the shortest of its forms.
func appendColumn[T number](dst []byte, col []T) []byte {
	form := shortestForm(col)
	dst = append(dst, form)
	if form == columnZero {
		return dst
	}
	var prev T
	for _, v := range col {
		u := uint64(v)
		switch form {
		case columnZigzag:
			u = zigzag(int64(v))
		case columnDelta:
			u = zigzag(int64(v) - int64(prev))
			prev = v
		}
		if u < 0x80 {
			dst = append(dst, byte(u))
		} else {
			dst = binary.AppendUvarint(dst, u)
		}
	}
	return dst
}

func shortestForm[T number](col []T) byte {
	var plain, zig, delta int
	var all, prev T
	for _, v := range col {
		plain += varintLen(uint64(v))
		zig += varintLen(zigzag(int64(v)))
		delta += varintLen(zigzag(int64(v) - int64(prev)))
		all, prev = all|v, v
	}
	switch {
	case all == 0:
		return columnZero
	case delta < plain && delta < zig:
		return columnDelta
	case zig < plain:
		return columnZigzag
	}
	return columnPlain
}

// readColumn fills col and gives what follows the column in data.
func readColumn[T number](data []byte, col []T) (rest []byte, ok bool) {
	if len(data) == 0 {
		return nil, false
	}
	form, data := data[0], data[1:]
	switch form {
	case columnZero:
		clear(col)
		return data, true
	case columnPlain:
		return readPlain(data, col)
	case columnZigzag:
		return readZigzag(data, col)
	case columnDelta:
		return readDelta(data, col)
	}
	return nil, false
}

func readPlain[T number](data []byte, col []T) (rest []byte, ok bool) {
	pos, misfit := 0, uint64(0)
	for i := range col {
		if pos < len(data) && data[pos] < 0x80 { // by hand: it is too large to be inlined
			col[i] = T(data[pos])
			pos++
			continue
		}
		u, n := moreUvarint(data, pos)
		if n == 0 {
			return nil, false
		}
		col[i] = T(u)
		misfit |= uint64(int64(col[i])) ^ u
		pos += n
	}
	return data[pos:], misfit == 0
}

func readZigzag[T number](data []byte, col []T) (rest []byte, ok bool) {
	pos, misfit := 0, int64(0)
	for i := range col {
		u, n := uint64(0), 1
		if pos < len(data) && data[pos] < 0x80 {
			u = uint64(data[pos])
		} else if u, n = moreUvarint(data, pos); n == 0 {
			return nil, false
		}
		v := unzigzag(u)
		col[i] = T(v)
		misfit |= int64(col[i]) ^ v
		pos += n
	}
	return data[pos:], misfit == 0
}

func readDelta[T number](data []byte, col []T) (rest []byte, ok bool) {
	pos, v, misfit := 0, int64(0), int64(0)
	for i := range col {
		u, n := uint64(0), 1
		if pos < len(data) && data[pos] < 0x80 {
			u = uint64(data[pos])
		} else if u, n = moreUvarint(data, pos); n == 0 {
			return nil, false
		}
		v += unzigzag(u)
		col[i] = T(v)
		misfit |= int64(col[i]) ^ v
		pos += n
	}
	return data[pos:], misfit == 0
}

// uvarintAt reads the uvarint at data[pos:]; n is 0 when there is none.
func uvarintAt(data []byte, pos int) (u uint64, n int) {
	if pos < len(data) && data[pos] < 0x80 {
		return uint64(data[pos]), 1
	}
	return moreUvarint(data, pos)
}

// moreUvarint reads a uvarint of more than a byte.
func moreUvarint(data []byte, pos int) (u uint64, n int) {
	if pos+4 <= len(data) {
		w := binary.LittleEndian.Uint32(data[pos:])
		switch {
		case w&0x8000 == 0:
			return uint64(w&0x7f | w>>1&0x3f80), 2
		case w&0x800000 == 0:
			return uint64(w&0x7f | w>>1&0x3f80 | w>>2&0x1fc000), 3
		case w&0x80000000 == 0:
			return uint64(w&0x7f | w>>1&0x3f80 | w>>2&0x1fc000 | w>>3&0xfe00000), 4
		}
	}
	return longUvarint(data[min(pos, len(data)):])
}

func longUvarint(data []byte) (u uint64, n int) {
	u, n = binary.Uvarint(data)
	return u, max(n, 0)
}

// readLength reads a uvarint that counts things of which each takes at least one of the bytes that follow, or that is
// at most free.
func readLength(data []byte, free int) (n int, rest []byte, ok bool) {
	u, size := longUvarint(data)
	if size == 0 || u > math.MaxInt32 {
		return 0, nil, false
	}
	rest = data[size:]
	return int(u), rest, int(u) <= max(len(rest), free)
}
