package query

// lastSeen remembers, for one group, the stamp at which each user of a shard was last seen. It is a hash table while
// that is smaller than an array over all users of the shard. Stamps are positive.
type lastSeen struct {
	dense  []int32 // stamp by user, 0 for never; nil while keys is in use
	keys   []uint32
	stamps []int32 // of keys, 0 for a free place
	used   int
	shift  uint8
}

const minTable = 64

// touch sets the stamp of a user and gives the one before, 0 when there was none or it was below keep. users is the
// expected size of the shard's dictionary.
func (s *lastSeen) touch(user uint32, stamp, keep int32, users int) (before int32) {
	if int(user) < len(s.dense) {
		before = s.dense[user]
		s.dense[user] = stamp
		return before
	}
	return s.touchSlow(user, stamp, keep, users)
}

func (s *lastSeen) touchSlow(user uint32, stamp, keep int32, users int) (before int32) {
	if s.dense != nil {
		s.extend(int(user) + 1)
		s.dense[user] = stamp
		return 0
	}
	if 2*s.used >= len(s.keys) {
		s.grow(keep, users)
		return s.touch(user, stamp, keep, users)
	}
	i := s.probe(user)
	before = s.stamps[i]
	if before == 0 {
		s.keys[i] = user
		s.used++
	}
	s.stamps[i] = stamp
	return before
}

func (s *lastSeen) probe(user uint32) uint32 {
	mask := uint32(len(s.keys) - 1)
	i := user * 0x9E3779B1 >> s.shift
	for s.stamps[i] != 0 && s.keys[i] != user {
		i = (i + 1) & mask
	}
	return i
}

// grow makes room: it drops the users last seen before keep, and becomes an array when the table would be larger.
func (s *lastSeen) grow(keep int32, users int) {
	live := 0
	for _, stamp := range s.stamps {
		if stamp >= keep && stamp > 0 {
			live++
		}
	}
	size, shift := minTable, uint8(26)
	for size < 4*live {
		size, shift = 2*size, shift-1
	}
	keys, stamps := s.keys, s.stamps
	if 2*size >= users && users > 0 {
		*s = lastSeen{dense: make([]int32, users)}
	} else {
		*s = lastSeen{keys: make([]uint32, size), stamps: make([]int32, size), shift: shift}
	}
	for i, stamp := range stamps {
		if stamp >= keep && stamp > 0 {
			s.touch(keys[i], stamp, keep, users)
		}
	}
}

func (s *lastSeen) extend(n int) {
	if n > len(s.dense) {
		s.dense = append(s.dense, make([]int32, max(n-len(s.dense), len(s.dense)/4))...)
	}
}
