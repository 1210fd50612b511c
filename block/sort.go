package block

// order keeps a permutation of row numbers and sorts it by one column at a time: called for the least significant
// column first, since every pass is stable. It costs one pass for each byte that differs within the column.
type order struct{ rows, spare []uint32 }

func newOrder(n int) *order {
	o := &order{make([]uint32, n), make([]uint32, n)}
	for i := range o.rows {
		o.rows[i] = uint32(i)
	}
	return o
}

func sortBy[T ~uint8 | ~uint32](o *order, col []T) {
	var all, none T
	none = ^none
	sorted := true
	var last T
	for _, r := range o.rows {
		v := col[r]
		all |= v
		none &= v
		sorted = sorted && last <= v
		last = v
	}
	if sorted {
		return
	}
	for differ, shift := uint32(all^none), 0; differ>>shift != 0; shift += 8 {
		if differ>>shift&0xff != 0 {
			pass(o, col, shift)
		}
	}
}

func pass[T ~uint8 | ~uint32](o *order, col []T, shift int) {
	var at [256]uint32
	for _, r := range o.rows {
		at[byte(uint32(col[r])>>shift)]++
	}
	sum := uint32(0)
	for i, n := range at {
		at[i] = sum
		sum += n
	}
	for _, r := range o.rows {
		b := byte(uint32(col[r]) >> shift)
		o.spare[at[b]] = r
		at[b]++
	}
	o.rows, o.spare = o.spare, o.rows
}
