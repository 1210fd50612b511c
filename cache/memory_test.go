package cache

import (
	"testing"
)

// What does not fit is let go and counted, with its bytes; what is dropped or put anew is not.
func TestEvictionsAreCounted(t *testing.T) {
	const budget, each, n = 100_000, 1_000, 5_000
	c := New(Config{Bytes: budget}, Deps{})
	for i := range n {
		c.memory.Put(Key{Period: 1, Version: uint64(i)}, i, each)
	}
	c.memory.cache.CleanUp()
	s := c.Stats()
	if s.Bytes > budget || s.Entries > budget/each || s.Evicted != n-s.Entries || s.EvictedBytes != s.Evicted*(each+overhead) {
		t.Errorf("%+v", s)
	}
	for i := range n {
		c.memory.Drop(Key{Period: 1, Version: uint64(i)})
	}
	c.memory.Put(Key{}, 1, each)
	c.memory.Put(Key{}, 2, each)
	c.memory.cache.CleanUp()
	if after := c.Stats(); after.Evicted != s.Evicted || after.Entries != 1 {
		t.Errorf("%+v, before %+v", after, s)
	}
}

func BenchmarkHit(b *testing.B) {
	m := newMemory(1 << 20)
	m.Put(Key{Period: 1}, 1, 100)
	b.ReportAllocs()
	for b.Loop() {
		m.Get(Key{Period: 1})
	}
}
