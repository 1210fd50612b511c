package query

import (
	"math/bits"
)

// members is a set of users of one shard: ascending ids while that is smaller, else a bit for each id.
type members struct {
	n    int64
	ids  []uint32
	bits []uint64
}

// membersOf takes the n users of a bit set over, which it copies.
func membersOf(set []uint64, n int64) members {
	if n == 0 {
		return members{}
	}
	for set[len(set)-1] == 0 {
		set = set[:len(set)-1]
	}
	if 4*n >= int64(8*len(set)) {
		return members{n: n, bits: append([]uint64(nil), set...)}
	}
	m := members{n: n, ids: make([]uint32, 0, n)}
	for i, w := range set {
		for ; w != 0; w &= w - 1 {
			m.ids = append(m.ids, uint32(i*64+bits.TrailingZeros64(w)))
		}
	}
	return m
}

func (m *members) bytes() int { return 56 + 4*len(m.ids) + 8*len(m.bits) }

// into writes the users with from ≤ id < from + 64×len(dst) into dst, which it overwrites. at is the number of the first
// id not yet written, and is moved on: calls follow each other by rising from, the first from 0.
func (m *members) into(dst []uint64, from int, at *int) {
	if m.bits != nil {
		lo := min(from/64, len(m.bits))
		n := copy(dst, m.bits[lo:])
		clear(dst[n:])
		return
	}
	clear(dst)
	end := uint32(from + 64*len(dst))
	i := *at
	for ; i < len(m.ids) && m.ids[i] < end; i++ {
		bit := m.ids[i] - uint32(from)
		dst[bit>>6] |= 1 << (bit & 63)
	}
	*at = i
}

// join adds the users to a bit set that has room for all of them.
func (m *members) join(set []uint64) {
	for i, w := range m.bits {
		set[i] |= w
	}
	for _, u := range m.ids {
		set[u>>6] |= 1 << (u & 63)
	}
}
