package archive

import (
	"context"
	"errors"
	"fmt"
	"math"

	"rollcall"
	"rollcall/store"
)

// Status tells what the archive holds.
type Status struct {
	Next            []rollcall.Offset // by shard: records before it are in the archive
	Files           int
	Bytes           int64
	Events, Dropped Sum    // in the files
	Expired         Sum    // deleted by age
	First, Last     string // dates of accepted events; "" when there are none
	Failures        int64  // rounds of Run that failed
	Failed          error  // why the last round of Run failed; nil when it did not
}

// Status sums the manifests up.
func (a *Archive) Status() Status {
	var s Status
	a.mu.Lock()
	s.Failures, s.Failed = a.failures, a.failed
	a.mu.Unlock()
	for shard := range a.manifests {
		m := a.manifest(shard)
		if m == nil {
			s.Next = append(s.Next, 0)
			continue
		}
		s.Next = append(s.Next, m.Next)
		for i := range m.Files {
			s.addFile(&m.Files[i])
		}
		for _, sum := range m.Expired {
			s.Expired.add(sum)
		}
	}
	return s
}

func (s *Status) addFile(f *File) {
	s.Files, s.Bytes = s.Files+1, s.Bytes+f.Bytes
	if f.Kind == kindDropped {
		s.Dropped.add(f.Sum)
		return
	}
	s.Events.add(f.Sum)
	if s.First == "" || f.Date < s.First {
		s.First = f.Date
	}
	s.Last = max(s.Last, f.Date)
}

// Lag is how many rows of a shard are committed and not in the archive; known is false for a shard of another process, and where
// the archive began later than a log that numbers no events.
func (a *Archive) Lag(p *store.Position) (rows int64, known bool) {
	m := a.manifest(p.Shard)
	switch {
	case m == nil:
		return 0, false
	case m.Begin > 0:
		return int64(max(p.Offset, m.Next) - m.Next), !a.cfg.RecordOffsets
	}
	rows = p.Accepted + p.Duplicates + p.Late
	for i := range m.Files {
		rows -= m.Files[i].Rows
	}
	for _, sum := range m.Expired {
		rows -= sum.Rows
	}
	return max(rows, 0), true
}

// ErrDiffers tells that the archive does not hold the events that the store has counted.
var ErrDiffers = errors.New("the archive differs from the ledger")

// Prove compares the sums of the accepted events with the ledger of the store: their number and their hashes. Everything that
// is committed must be in the archive. A shard whose log was trimmed before the archive was begun can't be compared.
func (a *Archive) Prove(ctx context.Context) (err error) {
	view, err := a.deps.Store.View(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	rows, err := view.Ledger(ctx, math.MinInt64/2, math.MaxInt64/2, false)
	if err != nil {
		return err
	}
	ledger := make([]Sum, len(a.manifests))
	for _, r := range rows {
		ledger[r.Shard].add(Sum{r.Count, r.HashHi, r.HashLo})
	}
	for shard, want := range ledger {
		m := a.manifest(shard)
		if m == nil {
			err = errors.Join(err, fmt.Errorf("shard %d: %w", shard, errAway))
			continue
		}
		got, committed := m.Expired[kindEvents], view.Head().Shards[shard].Offset
		for _, f := range m.Files {
			if f.Kind == kindEvents {
				got.add(f.Sum)
			}
		}
		switch {
		case m.Begin > 0:
			err = errors.Join(err, fmt.Errorf("shard %d can't be compared: the log began at offset %d when the archive was begun", shard, m.Begin))
		case m.Next != committed:
			err = errors.Join(err, fmt.Errorf("shard %d: the archive ends at offset %d, the commits at %d", shard, m.Next, committed))
		case got != want:
			err = errors.Join(err, fmt.Errorf("shard %d: %w: %d events with the sum %016x%016x, not %d with %016x%016x", shard, ErrDiffers,
				got.Rows, got.HashHi, got.HashLo, want.Rows, want.HashHi, want.HashLo))
		}
	}
	return err
}
