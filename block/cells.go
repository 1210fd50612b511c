package block

import "rollcall"

// CellKey names a block of cells.
type CellKey struct {
	Grain  rollcall.Grain // Minute, Hour or Day
	Period Period
	Cuboid rollcall.Cuboid
}

// Period is the stretch of time a block covers. For grains Day and Hour it is the civil date (rollcall.Date) as a
// number; for grain Minute it is the start of the hour bucket in Unix minutes.
type Period int64

// Cells is a block of cells: row i has sub-bucket Sub[i], the dimension values Dims[0][i], Dims[1][i], … (one column
// for each dimension the cuboid keeps, in configured order) and the counters Counters[rollcall.Events][i], ….
//
// Sub is 0 for grain Day, the index into Calendar.Hours for grain Hour, and the minute of the hour for grain Minute.
// Rows are sorted by (Sub, Dims…) and unique.
type Cells struct {
	Key      CellKey
	Sub      []uint8
	Dims     [][]rollcall.Value
	Counters [rollcall.NumCounters][]int64
}

// Len is the number of rows.
func (c *Cells) Len() int { return len(c.Sub) }
