package generate

import (
	"slices"
	"sort"
)

// shares are weights of the words of a dimension. As factors, 0 and what is left out change nothing.
type shares []float64

func (s shares) lean(factors shares) shares {
	out := append(shares(nil), s...)
	for i, f := range factors {
		if f > 0 {
			out[i] *= f
		}
	}
	return out
}

// willing scales factors so that the largest one, or 1, becomes 1.
func (s shares) willing(factors shares) []float64 {
	usual := make(shares, len(s))
	for i := range usual {
		usual[i] = 1
	}
	out := usual.lean(factors)
	most := max(1, slices.Max(out))
	for i := range out {
		out[i] /= most
	}
	return out
}

func (s shares) mixture() mixture {
	m := make(mixture, 0, len(s))
	for _, w := range s {
		m = m.and(w)
	}
	return m
}

// mixture holds running sums of weights, to draw an index by them.
type mixture []float64

func (m mixture) and(weight float64) mixture { return append(m, m.total()+weight) }

func (m mixture) total() float64 {
	if len(m) == 0 {
		return 0
	}
	return m[len(m)-1]
}

// at gives the index whose part of the whole a fraction from 0 to below 1 falls in.
func (m mixture) at(fraction float64) int {
	x := fraction * m.total()
	return min(sort.Search(len(m), func(i int) bool { return m[i] > x }), len(m)-1)
}
