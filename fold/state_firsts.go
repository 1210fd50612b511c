package fold

import (
	"fmt"

	"rollcall"
	"rollcall/block"
)

// partUsers is the number of users in a part of the dictionary.
const partUsers = 1 << 16

// entryBytes is less than most entries take.
const entryBytes = 16

// ReadFirsts gives the first event of each user of a dictionary part: of the newest entry among its chunks, which come oldest
// first. Errors wrap ErrState. Cost: some 70 ns an entry, and 3 MiB for a full part while it works.
func ReadFirsts(chunks [][]byte) (*block.Firsts, error) {
	p := &firstsOfPart{part: -1, dims: -1}
	for _, data := range chunks {
		p.room += len(data) / entryBytes
	}
	for _, data := range chunks {
		if err := p.read(data); err != nil {
			return nil, fmt.Errorf("read first events: %w", err)
		}
	}
	return p.firsts(), nil
}

// firstsOfPart collects the newest entries, by the low bits of the user, as far as there are users: most parts of a small
// shard hold few.
type firstsOfPart struct {
	at     []first // level 1 for a user who is there
	values [][]rollcall.Value
	part   int64 // -1 before the first entry
	dims   int   // -1 before the first chunk
	room   int   // for so many entries at first
	n      int
}

func (p *firstsOfPart) read(data []byte) error {
	r, _, err := readUserHead(data)
	if err != nil {
		return err
	}
	if p.dims >= 0 && p.dims != r.dims {
		return fmt.Errorf("%w: chunks of %d and of %d dimensions", ErrState, p.dims, r.dims)
	}
	p.dims = r.dims
	user := uint32(0)
	for r.more() {
		u := r.user(user)
		r.skipText()
		if user = u.user; r.bad {
			break
		}
		if p.part < 0 {
			p.part = UserPart(user)
		}
		if UserPart(user) != p.part {
			return fmt.Errorf("%w: user %d in part %d", ErrState, user, p.part)
		}
		at := int(user % partUsers)
		p.reach(at)
		if p.at[at].level == 0 {
			p.n++
		}
		p.at[at], p.values[at] = first{time: u.time, level: 1}, u.values
	}
	return r.err()
}

// reach makes room for the entry of a user, and for others behind it.
func (p *firstsOfPart) reach(at int) {
	if at < len(p.at) {
		return
	}
	p.room = min(max(p.room, 2*at+1), partUsers)
	p.at = append(make([]first, 0, p.room), p.at...)[:p.room]
	p.values = append(make([][]rollcall.Value, 0, p.room), p.values...)[:p.room]
}

func (p *firstsOfPart) firsts() *block.Firsts {
	f := &block.Firsts{User: make([]uint32, 0, p.n), Time: make([]int64, 0, p.n), Dims: make([][]rollcall.Value, max(p.dims, 0))}
	for d := range f.Dims {
		f.Dims[d] = make([]rollcall.Value, 0, p.n)
	}
	for i := range p.at {
		if p.at[i].level == 0 {
			continue
		}
		f.User, f.Time = append(f.User, uint32(p.part)*partUsers+uint32(i)), append(f.Time, p.at[i].time)
		for d, v := range p.values[i] {
			f.Dims[d] = append(f.Dims[d], v)
		}
	}
	return f
}
