package rollcall

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The cuboids are unique, rise in size, begin with the total and end with the full one.
func TestCuboids(t *testing.T) {
	for n := range MaxDimensions + 1 {
		cs := Cuboids(n)
		seen := map[Cuboid]bool{}
		for i, c := range cs {
			if seen[c] || !Full(n).Covers(c) || i > 0 && c.Size() < cs[i-1].Size() {
				t.Fatalf("%d dimensions: cuboid %b at %d of %b", n, c, i, cs)
			}
			seen[c] = true
		}
		if cs[0] != 0 || cs[len(cs)-1] != Full(n) {
			t.Fatalf("%d dimensions: %b", n, cs)
		}
		want := 1 << n
		if n > 4 {
			want = 1 + n + n*(n-1)/2 + 1
		}
		if len(cs) != want {
			t.Fatalf("%d dimensions: %d cuboids, want %d", n, len(cs), want)
		}
	}
}

// Cover and size agree with sets of dimensions written out.
func TestCuboidCovers(t *testing.T) {
	dims := func(c Cuboid) []int {
		var set []int
		for i := range MaxDimensions {
			if c.Has(i) {
				set = append(set, i)
			}
		}
		return set
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.Uint32Range(0, uint32(Full(MaxDimensions)))
		a := Cuboid(draw.Draw(t, "a"))
		b := Cuboid(rapid.OneOf(draw, rapid.Map(draw, func(x uint32) uint32 { return x & uint32(a) })).Draw(t, "b"))
		covers := true
		for _, i := range dims(b) {
			covers = covers && slices.Contains(dims(a), i)
		}
		if a.Covers(b) != covers || a.Size() != len(dims(a)) {
			t.Fatalf("%b covers %b: %v; size %d", a, b, a.Covers(b), a.Size())
		}
	})
}

// Counters are a commutative group under Add.
func TestCountersAdd(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) (c Counters) {
		for i := range c {
			c[i] = rapid.Int64().Draw(t, "n")
		}
		return c
	})
	sum := func(cs ...Counters) (s Counters) {
		for i := range cs {
			s.Add(&cs[i])
		}
		return s
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := draw.Draw(t, "a"), draw.Draw(t, "b"), draw.Draw(t, "c")
		minus := Counters{}
		for i := range a {
			minus[i] = -a[i]
		}
		if sum(a, b, c) != sum(c, sum(a, b)) || sum(a, b) != sum(b, a) {
			t.Fatalf("%v %v %v", a, b, c)
		}
		if zero := sum(a, minus); !zero.IsZero() {
			t.Fatalf("%v and %v make %v", a, minus, zero)
		}
	})
}
