package redis

import "sync/atomic"

// Stats are figures since New, and the state now.
type Stats struct {
	Hits, Misses   int64 // keys asked for
	BadValues      int64 // damaged, foreign or too large, and so not found
	Puts, Deletes  int64 // that the server has done
	DroppedPuts    int64 // for lack of room or of a server, or refused by it
	DroppedDeletes int64
	TooLarge       int64 // blobs not put
	Timeouts       int64 // of Gets
	Errors         int64 // requests, not keys, that failed otherwise
	Announced      int64 // messages sent
	Heard          int64 // calls of heard

	Pending      int // keys waiting to be written
	PendingBytes int

	Connected bool   // the first connection was made
	Breaker   string // closed, open, or half-open; open before the first connection
	Openings  int64  // of the breaker

	Server Server // as last asked, at most every ten seconds
}

// Stats costs a few locks and asks no server.
func (c *Cache) Stats() Stats {
	s := c.meter.stats()
	s.Pending, s.PendingBytes = c.pending.size()
	s.Breaker, s.Openings = c.breaker.state()
	if _, s.Connected = c.link.get(); !s.Connected {
		s.Breaker = "open"
	}
	s.Server = c.server.load()
	return s
}

type meter struct {
	hits, misses, bad                     atomic.Int64
	puts, deletes                         atomic.Int64
	droppedPuts, droppedDeletes, tooLarge atomic.Int64
	timeouts, errors                      atomic.Int64
	announced, heard                      atomic.Int64
}

func (m *meter) stats() Stats {
	return Stats{Hits: m.hits.Load(), Misses: m.misses.Load(), BadValues: m.bad.Load(),
		Puts: m.puts.Load(), Deletes: m.deletes.Load(),
		DroppedPuts: m.droppedPuts.Load(), DroppedDeletes: m.droppedDeletes.Load(), TooLarge: m.tooLarge.Load(),
		Timeouts: m.timeouts.Load(), Errors: m.errors.Load(), Announced: m.announced.Load(), Heard: m.heard.Load()}
}
