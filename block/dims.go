package block

import "rollcall"

// dimsLess compares the dimension values of row i of a with those of row j of b.
func dimsLess(a [][]rollcall.Value, i int, b [][]rollcall.Value, j int) bool {
	for d := range a {
		if a[d][i] != b[d][j] {
			return a[d][i] < b[d][j]
		}
	}
	return false
}

func dimsEqual(dims [][]rollcall.Value, i, j int) bool {
	for _, col := range dims {
		if col[i] != col[j] {
			return false
		}
	}
	return true
}
