package fold

import (
	"math/bits"
)

// UserKey is the identity of an event id or a session id: the user's number and the 64-bit keyed hash of the text. Two
// different texts of one user collide with probability 2^-64; texts of different users never do.
type UserKey struct {
	Hash uint64
	User uint32
}

// keyIndex knows which keys were seen. Those since the last snapshot are kept exactly, in order of arrival, with an
// open-addressing table over them; those written out before are in filters that err on one side only: what they call
// unseen is unseen, and what they call seen must be looked up in the chunks of the key's part.
type keyIndex struct {
	keys    []keyValue
	slots   []uint64 // upper half of the key's mix, then index+1 into keys; 0 is free
	shift   uint8
	filters []filter
}

// keyValue is a key with a value that is not 0.
type keyValue struct {
	hash  uint64
	user  uint32
	value int32
}

func newKeyIndex() *keyIndex {
	x := &keyIndex{}
	x.resize(1 << 8)
	return x
}

func (x *keyIndex) resize(n int) {
	x.slots, x.shift = make([]uint64, n), uint8(64-bits.TrailingZeros(uint(n)))
	for i := range x.keys {
		k := UserKey{x.keys[i].hash, x.keys[i].user}
		at, _ := x.find(k)
		x.slots[at] = k.tag() | uint64(i+1)
	}
}

func (k UserKey) tag() uint64 { return k.mix() << 32 }

func (k UserKey) mix() uint64 {
	return (k.Hash ^ uint64(k.User)*0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93
}

// find gives the slot of a key: its own, or the free one where it would go.
func (x *keyIndex) find(k UserKey) (at uint64, found bool) {
	h, mask := k.mix(), uint64(len(x.slots)-1)
	for at = h >> x.shift; ; at = (at + 1) & mask {
		slot := x.slots[at]
		if slot == 0 {
			return at, false
		}
		if uint32(slot>>32) == uint32(h) {
			if v := &x.keys[uint32(slot)-1]; v.hash == k.Hash && v.user == k.User {
				return at, true
			}
		}
	}
}

// add keeps a key with a value other than 0, and tells whether it is new; otherwise the value kept stays.
func (x *keyIndex) add(k UserKey, value int32) (fresh bool) {
	if 2*len(x.keys) >= len(x.slots) {
		x.resize(2 * len(x.slots))
	}
	at, found := x.find(k)
	if found {
		return false
	}
	x.keys = append(x.keys, keyValue{k.Hash, k.User, value})
	x.slots[at] = k.tag() | uint64(len(x.keys))
	return true
}

// get gives the value of a key, 0 when it is not among those since the last snapshot.
func (x *keyIndex) get(k UserKey) int32 {
	if at, found := x.find(k); found {
		return x.keys[uint32(x.slots[at])-1].value
	}
	return 0
}

// maybe tells whether the key may be among those written out.
func (x *keyIndex) maybe(k UserKey) bool {
	h := k.mix()
	for i := range x.filters {
		if x.filters[i].has(h) {
			return true
		}
	}
	return false
}

// written moves the exact keys to the filter: they are in the store from now on.
func (x *keyIndex) written() {
	for i := range x.keys {
		x.remember(UserKey{x.keys[i].hash, x.keys[i].user})
	}
	x.keys = x.keys[:0]
	clear(x.slots)
}

// remember adds a key that is in the store to the filter.
func (x *keyIndex) remember(k UserKey) {
	last := len(x.filters) - 1
	if last < 0 || x.filters[last].full() {
		size := 1 << 16
		if last >= 0 {
			size = max(1<<20, 2*x.filters[last].room)
		}
		x.filters = append(x.filters, newFilter(size))
		last++
	}
	x.filters[last].add(k.mix())
}

// expect makes room for n keys to be remembered, so that they share one filter.
func (x *keyIndex) expect(n int) {
	if len(x.filters) == 0 && n > 1<<16 {
		x.filters = append(x.filters, newFilter(n+n/2))
	}
}

func (x *keyIndex) bytes() int64 {
	n := int64(len(x.slots))*8 + int64(cap(x.keys))*16
	for _, f := range x.filters {
		n += int64(len(f.blocks)) * 32
	}
	return n
}

// filter is a split block Bloom filter (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters; the
// one Parquet uses): one 256-bit block a key, one bit in each of its eight words, 20 bits a key and about 0.05 % false
// answers when full.
type filter struct {
	blocks     [][8]uint32
	used, room int
}

func newFilter(room int) filter {
	return filter{blocks: make([][8]uint32, room*20/256+1), room: room}
}

func (f *filter) full() bool { return f.used >= f.room }

var salts = [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}

func (f *filter) block(h uint64) *[8]uint32 {
	hi, _ := bits.Mul64(h, uint64(len(f.blocks)))
	return &f.blocks[hi]
}

func (f *filter) add(h uint64) {
	f.used++
	b, low := f.block(h), uint32(h)
	for i, salt := range salts {
		b[i] |= 1 << (low * salt >> 27)
	}
}

func (f *filter) has(h uint64) bool {
	b, low, missing := f.block(h), uint32(h), uint32(0)
	for i, salt := range salts { // without a branch: where it would end is chance
		missing |= ^b[i] >> (low * salt >> 27)
	}
	return missing&1 == 0
}
