package cache

// Stats tells how the memory does.
type Stats struct {
	Kinds        []KindStats
	Bytes        int64 // kept, about
	Budget       int64
	Entries      int64
	Evicted      int64 // entries let go for lack of room, not those superseded
	EvictedBytes int64
	Moved        int64 // reads that had to begin anew because the store had gone on
}

// KindStats counts the look-ups of one kind of things.
type KindStats struct {
	Kind         string // cells, sets, masked sets, ledger, first events, unions, answers
	Hits, Misses int64
}

var kindNames = [numKinds]string{"cells", "sets", "masked sets", "ledger", "first events", "unions", "answers"}

// Stats gives the counts since the start. It costs nothing to speak of.
func (c *Cache) Stats() Stats {
	m := c.memory
	s := Stats{Bytes: int64(m.cache.WeightedSize()), Budget: int64(m.cache.GetMaximum()), Entries: int64(m.cache.EstimatedSize()), Moved: c.moves.Load(),
		Evicted: m.evictions.Load(), EvictedBytes: m.evicted.Load()}
	for k, name := range kindNames {
		s.Kinds = append(s.Kinds, KindStats{name, m.hits[k].Load(), m.miss[k].Load()})
	}
	return s
}
