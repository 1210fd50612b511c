package fold

import (
	"math"
	"math/bits"
)

// dictionary numbers the users of a shard densely from 1 (0 is nobody) and keeps the first event of each. A user is
// known by the 64-bit keyed hash of the user_id.
type dictionary struct {
	slots   []userSlot
	hashes  []uint64 // by number-1
	firsts  []first  // by number-1
	texts   arena
	changed []uint32 // numbers whose entry is not yet in a delta
	shift   uint8
}

// userSlot is one line of the open-addressing table. second is the first event's time in Unix seconds, clamped, so that
// most events need not look at the first event itself.
type userSlot struct {
	hash   uint64
	user   uint32 // 0 for a free slot
	second uint32
}

// first is a user's earliest event.
type first struct {
	time    int64
	cell    uint32
	id      textRef
	level   uint8
	changed bool
}

func newDictionary() *dictionary {
	d := &dictionary{}
	d.resize(1 << 10)
	return d
}

func (d *dictionary) len() int { return len(d.hashes) }

func (d *dictionary) resize(n int) {
	old := d.slots
	d.slots, d.shift = make([]userSlot, n), uint8(64-bits.TrailingZeros(uint(n)))
	for _, s := range old {
		if s.user != 0 {
			d.slots[d.free(s.hash)] = s
		}
	}
}

func (d *dictionary) free(hash uint64) uint64 {
	mask := uint64(len(d.slots) - 1)
	i := hash >> d.shift
	for d.slots[i].user != 0 {
		i = (i + 1) & mask
	}
	return i
}

// find gives the slot of a user, or nil.
func (d *dictionary) find(hash uint64) *userSlot {
	if user, at := d.look(hash); user != 0 {
		return &d.slots[at]
	}
	return nil
}

// look gives the number of a user and where it is kept; 0 for an unknown one.
func (d *dictionary) look(hash uint64) (user, at uint32) {
	mask := uint64(len(d.slots) - 1)
	for i := hash >> d.shift; ; i = (i + 1) & mask {
		s := &d.slots[i]
		if s.hash == hash && s.user != 0 || s.user == 0 {
			return s.user, uint32(i)
		}
	}
}

// add numbers a new user. The first event is yet to be set.
func (d *dictionary) add(hash uint64) *userSlot {
	if 5*len(d.hashes) >= 3*len(d.slots) {
		d.resize(2 * len(d.slots))
	}
	d.hashes = append(d.hashes, hash)
	d.firsts = append(d.firsts, first{time: math.MaxInt64})
	s := &d.slots[d.free(hash)]
	*s = userSlot{hash: hash, user: uint32(len(d.hashes)), second: math.MaxUint32}
	return s
}

func (d *dictionary) setFirst(s *userSlot, f first) {
	old := &d.firsts[s.user-1]
	if !old.changed {
		d.changed = append(d.changed, s.user)
	}
	f.changed = true
	*old = f
	s.second = clampSecond(f.time)
}

func clampSecond(ms int64) uint32 {
	if ms < 0 {
		return 0
	}
	return uint32(min(ms/1000, math.MaxUint32))
}

func (d *dictionary) bytes() int64 {
	return int64(len(d.slots))*16 + int64(cap(d.hashes))*8 + int64(cap(d.firsts))*24 + d.texts.bytes()
}
