package block

import "rollcall"

// SetKey names a block of user sets. Grain Day covers the hours of a date, grain Minute the minutes of an hour.
type SetKey struct {
	Grain  rollcall.Grain // Day or Minute
	Period Period
	Shard  int
}

// Sets tells who was active in each cell of the full cuboid, in one period and shard. Cell i has the dimension values
// Dims[0][i], Dims[1][i], …; its users are Users[Start[i]:Start[i+1]], ascending dense ids of the shard, and bit b of
// the mask of an entry tells that the user was active in sub-bucket b of the period (hour of the day, or minute of the
// hour). A user of a day whose events were too old for hour cells has mask 0 and is a member of the day all the same.
//
// Cells are sorted by (Dims…) and unique.
type Sets struct {
	Key   SetKey
	Dims  [][]rollcall.Value
	Start []uint32
	Users []uint32
	Masks []uint64
}

// Len is the number of cells.
func (s *Sets) Len() int { return max(len(s.Start)-1, 0) }
