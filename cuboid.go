package rollcall

import "math/bits"

// Cuboid is a set of dimensions kept: bit i stands for the i-th configured dimension. 0 is the grand total.
type Cuboid uint32

// Full is the cuboid that keeps all n dimensions.
func Full(n int) Cuboid { return Cuboid(1)<<n - 1 }

// Has tells whether the cuboid keeps dimension i.
func (c Cuboid) Has(i int) bool { return c>>i&1 == 1 }

// Size is the number of dimensions kept.
func (c Cuboid) Size() int { return bits.OnesCount32(uint32(c)) }

// Covers tells whether c keeps every dimension that d keeps.
func (c Cuboid) Covers(d Cuboid) bool { return c&d == d }

// Cuboids lists the cuboids materialised for n dimensions, smallest first: all subsets up to four dimensions, beyond
// that the total, the singles, the pairs and the full set. The full cuboid is always last.
func Cuboids(n int) []Cuboid {
	var cs []Cuboid
	for size := 0; size <= n; size++ {
		if n > 4 && size > 2 && size < n {
			continue
		}
		for c := Cuboid(0); c <= Full(n); c++ {
			if c.Size() == size {
				cs = append(cs, c)
			}
		}
	}
	return cs
}

// Value is the number of a dimension value within its dimension. The store gives the numbers, once and for ever.
type Value uint32

// The values every dimension has.
const (
	NotSetValue Value = 0
	OtherValue  Value = 1
	FirstValue  Value = 2 // the first number the store gives to a value that was seen
)

// Counters are the figures of a cell, indexed by the constants below. Adding them over cells, shards and time is right
// for all but Active, which counts distinct users and adds up over shards only.
type Counters [NumCounters]int64

// The counters of a cell.
const (
	Events   = iota
	Sessions // that began in the bucket
	Bounces
	Duration // ms, over all sessions
	NewUsers
	Active  // distinct user_ids
	Counted // active users counted by the producer, in session records without a user_id
	NumCounters
)

// Add adds d to c.
func (c *Counters) Add(d *Counters) {
	for i := range c {
		c[i] += d[i]
	}
}

// IsZero tells whether nothing is counted.
func (c *Counters) IsZero() bool { return *c == Counters{} }
