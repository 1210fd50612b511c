package verify

// index gives 64-bit keys numbers: 16 bytes a slot, open addressing.
type index struct {
	slots []indexed
	used  int
	shift uint8
}

type indexed struct {
	key    uint64 // +1; 0 is free
	number uint32
}

// of gives the number of a key, which is next when the key is new.
func (x *index) of(key uint64, next uint32) (number uint32, fresh bool) {
	if 4*x.used >= 3*len(x.slots) {
		x.grow()
	}
	s := x.slot(key + 1)
	if s.key != 0 {
		return s.number, false
	}
	*s = indexed{key + 1, next}
	x.used++
	return next, true
}

func (x *index) slot(key uint64) *indexed {
	mask := uint64(len(x.slots) - 1)
	for at := key * 0x9E3779B97F4A7C15 >> x.shift; ; at = (at + 1) & mask {
		if s := &x.slots[at]; s.key == key || s.key == 0 {
			return s
		}
	}
}

func (x *index) grow() {
	old := x.slots
	if len(old) == 0 {
		x.shift = 64 - 5
	}
	x.shift--
	x.slots = make([]indexed, 1<<(64-x.shift))
	for _, s := range old {
		if s.key != 0 {
			*x.slot(s.key) = s
		}
	}
}
