package verify

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"rollcall"
	"rollcall/store"
)

// compareLedger compares the rows of a shard, and the sums in its position.
func (s *shard) compareLedger() {
	stored := map[int64]store.LedgerRow{}
	for _, row := range s.stored[s.number] {
		stored[row.Hour] = row
	}
	hours := slices.Collect(maps.Keys(s.ledger))
	for hour := range stored {
		if s.ledger[hour] == nil {
			hours = append(hours, hour)
			s.ledger[hour] = &store.LedgerRow{Shard: s.number, Hour: hour}
		}
	}
	slices.Sort(hours)
	for _, hour := range hours {
		found, ok := stored[hour]
		s.compareRow(s.ledger[hour], &found, ok)
	}
	s.comparePosition()
	s.report.count(func(r *Report) {
		r.Hours += int64(len(hours))
		r.Events += s.total.Accepted
		r.Dropped += s.total.Duplicates + s.total.Late
		r.Users += int64(s.users.used)
	})
}

func (s *shard) compareRow(want, found *store.LedgerRow, there bool) {
	dates := slices.Compact([]rollcall.Date{s.cfg.Calendar.Date(want.Hour), s.cfg.Calendar.Date(want.Hour + hourMS - 1)})
	d := Difference{What: Ledger, days: dates, Shard: &s.number, Bucket: time.UnixMilli(want.Hour).UTC().Format(time.RFC3339)}
	hint := ledgerHint(want, found, there)
	s.differs(d, "events", want.Count, found.Count, hint)
	if want.Count == found.Count && (want.HashHi != found.HashHi || want.HashLo != found.HashLo) {
		d.Figure, d.Expected, d.Found, d.Hint = "hash", hashText(want), hashText(found), "as many events, but not the same: one was changed, or one lost and another doubled"
		s.report.add(d)
	}
	s.differs(d, "duplicates", want.Duplicates, found.Duplicates, hint)
	s.differs(d, "late", want.Late, found.Late, hint)
	if want.Count != found.Count || want.HashHi != found.HashHi || want.HashLo != found.HashLo {
		s.suspect(dates...)
	}
}

func ledgerHint(want, found *store.LedgerRow, there bool) string {
	switch n := found.Count - want.Count; {
	case !there:
		return "the ledger has no row for this hour: it was deleted, or its events were lost before they were counted"
	case n > 0 && found.Count == 2*want.Count:
		return "twice what the log holds: counted a second time, or half of the events lost from the log"
	case n > 0:
		return fmt.Sprintf("%d more than the log holds: counted twice, or lost from the log since", n)
	case n < 0:
		return fmt.Sprintf("%d of the log's are missing: lost on the way to the store, or in the log twice since", -n)
	default:
		return "what was dropped is not what the log gives"
	}
}

func hashText(r *store.LedgerRow) string { return fmt.Sprintf("%016x%016x", r.HashHi, r.HashLo) }

func (s *shard) comparePosition() {
	p := s.head.Shards[s.number]
	d := Difference{What: Position, Shard: &s.number}
	const hint = "a sum over the whole shard"
	s.differs(d, "accepted", s.total.Accepted, p.Accepted, hint)
	s.differs(d, "duplicates", s.total.Duplicates, p.Duplicates, hint)
	s.differs(d, "late", s.total.Late, p.Late, hint)
	s.differs(d, "users", int64(s.users.used), p.Users, "size of the dictionary")
}

// differs adds a difference when two numbers are not equal.
func (r *run) differs(d Difference, figure string, want, found int64, hint string) {
	if want != found {
		d.Figure, d.Expected, d.Found, d.Hint = figure, want, found, hint
		r.report.add(d)
	}
}

func (r *run) lostEnd(shard int, committed, next rollcall.Offset) {
	r.report.add(Difference{What: LogEnd, Shard: &shard, Figure: "end", Expected: uint64(committed), Found: uint64(next),
		Hint: "the log ends before what the store has counted: its newest events are gone; the ledger below tells which hours they were of"})
}

func (r *run) unverified(format string, args ...any) {
	r.report.Unverified = append(r.report.Unverified, fmt.Sprintf(format, args...))
}

// suspect keeps the dates whose events the ledger finds wrong.
func (r *run) suspect(dates ...rollcall.Date) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.suspects = append(r.suspects, dates...)
	slices.Sort(r.suspects)
	r.suspects = slices.Compact(r.suspects)
}
