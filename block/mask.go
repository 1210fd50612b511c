package block

import (
	"encoding/binary"
	"math/bits"
)

// A mask is stored as the numbers of its bits, rising, a byte each; all but the last have moreBits set. An empty mask
// is noBits. A mask of more than eight bits is wideMask and its eight bytes. No bytes at all stand for empty masks.
const (
	noBits   = 0x40
	moreBits = 0x80
	wideMask = 0xc0
)

func appendMasks(dst []byte, masks []uint64) []byte {
	for _, m := range masks {
		dst = appendMask(dst, m)
	}
	return dst
}

func appendMask(dst []byte, m uint64) []byte {
	switch {
	case m == 0:
		return append(dst, noBits)
	case bits.OnesCount64(m) > 8:
		return binary.LittleEndian.AppendUint64(append(dst, wideMask), m)
	}
	for ; m&(m-1) != 0; m &= m - 1 {
		dst = append(dst, moreBits|byte(bits.TrailingZeros64(m)))
	}
	return append(dst, byte(bits.TrailingZeros64(m)))
}

// readMasks reads exactly len(masks) masks.
func readMasks(data []byte, masks []uint64) bool {
	if len(data) == 0 {
		clear(masks)
		return true
	}
	pos := 0
	for i := range masks {
		if pos >= len(data) {
			return false
		}
		b := data[pos]
		if b >= noBits {
			m, n := readMask(data[pos:])
			if n == 0 {
				return false
			}
			masks[i] = m
			pos += n
			continue
		}
		masks[i] = 1 << b
		pos++
	}
	return pos == len(data)
}

// readMask reads a mask that is not one bit; n is 0 when there is none.
func readMask(data []byte) (m uint64, n int) {
	switch data[0] {
	case noBits:
		return 0, 1
	case wideMask:
		if len(data) < 9 {
			return 0, 0
		}
		return binary.LittleEndian.Uint64(data[1:]), 9
	}
	for n < min(len(data), 8) {
		b := data[n]
		n++
		if b&noBits != 0 {
			return 0, 0
		}
		m |= 1 << (b & 0x3f)
		if b&moreBits == 0 {
			return m, n
		}
	}
	return 0, 0
}
