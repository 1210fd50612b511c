package block

import (
	"encoding/binary"
	"fmt"
	"math"

	"rollcall"
)

// Packed is user sets as they are stored: the union of its parts, each of one commit or of several that were merged. The
// users of a cell are decoded when they are asked for.
type Packed struct {
	Key   SetKey
	Parts []Part
}

// Part is one part of packed sets. Cell i has the dimension values Dims[0][i], … and Start[i+1]-Start[i] users. It does
// not change and may be read by several goroutines.
type Part struct {
	Dims   [][]rollcall.Value
	Start  []uint32
	at     []uint32 // bytes of users before the cell
	maskAt []uint32 // bytes of masks before the cell
	users  []byte
	masks  []byte // nil when they were not read
	blob   []byte // that the users lie in
}

// Join gives the union of packed sets of one key.
func Join(list []*Packed) *Packed {
	all := &Packed{Key: list[0].Key}
	for _, p := range list {
		all.Parts = append(all.Parts, p.Parts...)
	}
	return all
}

// Encode gives the blobs of the union, masks only when all parts have them. Cost: next to nothing for one part.
func (p *Packed) Encode() (users, masks []byte, err error) {
	if len(p.Parts) == 1 {
		t := &p.Parts[0]
		if len(t.masks) > 0 {
			masks = seal(appendSection([]byte{formatMasks}, t.masks), 0, p.Key.bytes())
		}
		return t.blob, masks, nil
	}
	s, err := p.Sets()
	if err != nil {
		return nil, nil, err
	}
	users, masks = s.Encode()
	return users, masks, nil
}

// Bytes is the memory that the sets take, about.
func (p *Packed) Bytes() (n int) {
	for i := range p.Parts {
		t := &p.Parts[i]
		n += len(t.users) + len(t.masks) + t.Len()*(12+4*len(t.Dims)) + 200
	}
	return n
}

// Len is the number of cells of all parts.
func (p *Packed) Len() (n int) {
	for i := range p.Parts {
		n += p.Parts[i].Len()
	}
	return n
}

// HasMasks tells whether the masks were read.
func (p *Packed) HasMasks() bool {
	for i := range p.Parts {
		if !p.Parts[i].HasMasks() {
			return false
		}
	}
	return true
}

// Sets decodes all parts and gives their union. Errors wrap ErrCorrupt and name the key. Cost: 2 to 6 ns a user.
func (p *Packed) Sets() (*Sets, error) {
	parts := make([]*Sets, len(p.Parts))
	masked := p.HasMasks()
	for i := range parts {
		var ok bool
		if parts[i], ok = p.Parts[i].sets(p.Key, masked); !ok {
			return nil, p.Corrupt()
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return MergeSets(parts), nil
}

// Corrupt is the error of sets whose users or masks turned out to be malformed.
func (p *Packed) Corrupt() error { return fmt.Errorf("%v: %w: bad users", p.Key, ErrCorrupt) }

// HasMasks tells whether the masks were read.
func (t *Part) HasMasks() bool { return t.masks != nil }

// Len is the number of cells.
func (t *Part) Len() int { return max(len(t.Start)-1, 0) }

func (t *Part) sets(key SetKey, masked bool) (s *Sets, ok bool) {
	n := t.Start[t.Len()]
	s = &Sets{Key: key, Dims: t.Dims, Start: t.Start, Users: make([]uint32, 0, n)}
	if masked {
		s.Masks = make([]uint64, 0, n)
	}
	for cell := range t.Len() {
		if s.Users, ok = t.AppendUsers(s.Users, cell); !ok {
			return nil, false
		}
		if masked {
			if s.Masks, ok = t.AppendMasks(s.Masks, cell); !ok {
				return nil, false
			}
		}
	}
	return s, true
}

// AppendUsers appends the ascending ids of a cell to dst; not ok when they are malformed.
func (t *Part) AppendUsers(dst []uint32, cell int) (users []uint32, ok bool) {
	data := t.users[t.at[cell]:t.at[cell+1]]
	n := int(t.Start[cell+1] - t.Start[cell])
	from := len(dst)
	dst = append(dst, make([]uint32, n)...)
	ids := dst[from:]
	return dst, readGaps(data, ids) && sumGaps(ids)
}

// AppendMasks appends the masks of a cell's users to dst; not ok when they are malformed.
func (t *Part) AppendMasks(dst []uint64, cell int) (masks []uint64, ok bool) {
	n := int(t.Start[cell+1] - t.Start[cell])
	from := len(dst)
	dst = append(dst, make([]uint64, n)...)
	return dst, readMasks(t.masks[t.maskAt[cell]:t.maskAt[cell+1]], dst[from:])
}

// Mark adds the users of a cell to a bit set and tells how many were not in it yet; not ok when they are malformed or
// beyond the end of the set. Cost: 1 to 2 ns a user.
func (t *Part) Mark(cell int, set []uint64) (fresh int, ok bool) {
	data := t.users[t.at[cell]:t.at[cell+1]]
	next := uint64(0)
	for i := 0; i < len(data); {
		gap := uint64(data[i])
		if gap < 0x80 {
			i++
		} else {
			u, n := binary.Uvarint(data[i:])
			if n <= 0 || u > math.MaxUint32 {
				return fresh, false
			}
			gap, i = u, i+n
		}
		id := next + gap
		word := id >> 6
		if word >= uint64(len(set)) {
			return fresh, false
		}
		w, bit := set[word], id&63
		fresh += int(^w >> bit & 1)
		set[word] = w | 1<<bit
		next = id + 1
	}
	return fresh, true
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

// sumGaps turns the gaps of a cell into ids.
func sumGaps(users []uint32) bool {
	next := uint64(0)
	for j, gap := range users {
		next += uint64(gap)
		users[j] = uint32(next)
		next++
	}
	return next <= math.MaxUint32+1
}
