package block

import "rollcall"

// Firsts is the first event of each user of a part of a dictionary: user User[i] had it at Time[i] (Unix ms) in the full
// cell with the values Dims[0][i], …; sorted by user. It does not change and may be read by several goroutines.
type Firsts struct {
	User []uint32
	Time []int64
	Dims [][]rollcall.Value
}

// Len is the number of users.
func (f *Firsts) Len() int { return len(f.User) }

// Bytes is the memory that the first events take, about.
func (f *Firsts) Bytes() int { return 100 + f.Len()*(12+4*len(f.Dims)) }
