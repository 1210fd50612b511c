package verify

import (
	"math/bits"

	"github.com/zeebo/xxh3"

	"rollcall/record"
)

// key is a 128-bit hash that stands for a text: two texts of a billion share one with a probability of 10^-21. It is
// seeded anew in each run.
type key struct{ hi, lo uint64 }

func hashOf(text []byte, seed uint64) key {
	h := xxh3.Hash128Seed(text, seed)
	return key{h.Hi, h.Lo | 1} // not zero
}

// eventKey is the identity of an event for de-duplication: its user and its event id.
func eventKey(r *record.Row, seed uint64) key {
	session := len(r.Session) + 1
	for n := len(r.Session); n >= 0x80; n >>= 7 {
		session++
	}
	return hashOf(r.Identity[:len(r.Identity)-session], seed)
}

func place(hi uint64, slots int) uint64 {
	at, _ := bits.Mul64(hi, uint64(slots))
	return at
}

// keySet is a set of keys: 16 bytes a slot, open addressing.
type keySet struct {
	slots []key
	used  int
}

func newKeySet(room int64) *keySet { return &keySet{slots: make([]key, room+room/2+64)} }

func (s *keySet) add(k key) (fresh bool) {
	if 5*s.used >= 4*len(s.slots) {
		s.grow()
	}
	at := s.find(k)
	if s.slots[at] == k {
		return false
	}
	s.slots[at] = k
	s.used++
	return true
}

func (s *keySet) find(k key) uint64 {
	for at := place(k.hi, len(s.slots)); ; at++ {
		if at == uint64(len(s.slots)) {
			at = 0
		}
		if x := s.slots[at]; x == k || x == (key{}) {
			return at
		}
	}
}

func (s *keySet) grow() {
	old := s.slots
	s.slots = make([]key, 2*len(old))
	for _, k := range old {
		if k != (key{}) {
			s.slots[s.find(k)] = k
		}
	}
}

// numbering numbers users from 1 in the order in which they come.
type numbering struct {
	slots []numbered
	used  uint32
}

// numbered is 96 bits of a user's key, and his number.
type numbered struct {
	hi     uint64
	lo     uint32
	number uint32 // 0 is free
}

func newNumbering(room int64) *numbering {
	return &numbering{slots: make([]numbered, room+room/2+64)}
}

func (n *numbering) of(k key) uint32 {
	if 5*int(n.used) >= 4*len(n.slots) {
		n.grow()
	}
	s := n.slot(k.hi, uint32(k.lo>>32))
	if s.number == 0 {
		n.used++
		*s = numbered{k.hi, uint32(k.lo >> 32), n.used}
	}
	return s.number
}

func (n *numbering) slot(hi uint64, lo uint32) *numbered {
	for at := place(hi, len(n.slots)); ; at++ {
		if at == uint64(len(n.slots)) {
			at = 0
		}
		if s := &n.slots[at]; s.number == 0 || s.hi == hi && s.lo == lo {
			return s
		}
	}
}

func (n *numbering) grow() {
	old := n.slots
	n.slots = make([]numbered, 2*len(old))
	for _, s := range old {
		if s.number != 0 {
			*n.slot(s.hi, s.lo) = s
		}
	}
}
