package fold

import (
	"math"
	"math/bits"
)

const noTime = math.MaxInt64

// LedgerDelta is what one UTC hour of event time gained: accepted events, the sum mod 2^128 of their hashes, and the
// events dropped.
type LedgerDelta struct {
	Hour             int64 // start, Unix ms
	Count            int64
	HashHi, HashLo   uint64
	Duplicates, Late int64
}

func (l *LedgerDelta) addHash(hi, lo uint64) {
	var carry uint64
	l.HashLo, carry = bits.Add64(l.HashLo, lo, 0)
	l.HashHi, _ = bits.Add64(l.HashHi, hi, carry)
}

func (s *Shard) ledgerRow(time int64) *LedgerDelta {
	if s.row != nil && time >= s.row.Hour && time < s.row.Hour+hourMS {
		return s.row
	}
	hour := floorDiv(time, hourMS) * hourMS
	row, ok := s.ledger[hour]
	if !ok {
		row = &LedgerDelta{Hour: hour}
		s.ledger[hour] = row
	}
	s.row = row
	return row
}
