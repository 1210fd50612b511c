package decode

import (
	"encoding/binary"
	"math/bits"
)

const nameSlots = 128 // a power of two, several times maxInputs

// names finds the number of a known field name: a hash table over length, first and last bytes.
type names struct {
	list  []string
	slots [nameSlots]uint8 // number+1
}

// add gives the number of a name, a new one if it is not known yet.
func (t *names) add(name string) uint8 {
	if n := t.find([]byte(name)); n >= 0 {
		return uint8(n)
	}
	t.list = append(t.list, name)
	i := hashName([]byte(name))
	for t.slots[i] != 0 {
		i = (i + 1) % nameSlots
	}
	t.slots[i] = uint8(len(t.list))
	return uint8(len(t.list) - 1)
}

// find gives the number of a name, -1 when it is unknown.
func (t *names) find(name []byte) int {
	for i := hashName(name); ; i = (i + 1) % nameSlots {
		n := int(t.slots[i]) - 1
		if n < 0 || t.list[n] == string(name) {
			return n
		}
	}
}

func hashName(s []byte) uint64 {
	n := len(s)
	h := uint64(n)
	switch {
	case n >= 8:
		h += binary.LittleEndian.Uint64(s) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(s[n-8:]), 29)
	case n >= 4:
		h += uint64(binary.LittleEndian.Uint32(s)) ^ uint64(binary.LittleEndian.Uint32(s[n-4:]))<<29
	case n > 0:
		h += uint64(s[0]) | uint64(s[n/2])<<8 | uint64(s[n-1])<<16
	}
	return h * 0x9E3779B97F4A7C15 >> 57 % nameSlots
}
