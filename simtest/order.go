package simtest

import (
	"cmp"
	"slices"
	"strings"
)

func bucketOrder(tallies []*tally) map[string]int64 {
	order := map[string]int64{}
	for _, t := range tallies {
		order[t.bucket.label] = t.bucket.order
	}
	return order
}

// sortRows orders rows by columns; rows that tie keep their order, nil comes last.
func sortRows(rows []Row, order []string, buckets map[string]int64) {
	slices.SortStableFunc(rows, func(a, b Row) int {
		for _, column := range order {
			name, sign := column, 1
			if rest, falling := strings.CutPrefix(column, "-"); falling {
				name, sign = rest, -1
			}
			if c := compareCells(name, a[name], b[name], sign, buckets); c != 0 {
				return c
			}
		}
		return 0
	})
}

func compareCells(name string, a, b any, sign int, buckets map[string]int64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	case name == "bucket":
		return sign * cmp.Compare(buckets[a.(string)], buckets[b.(string)])
	}
	if x, ok := a.(string); ok {
		return sign * strings.Compare(x, b.(string))
	}
	return sign * cmp.Compare(a.(float64), b.(float64))
}
