package verify

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"rollcall"
	"rollcall/record"
	"rollcall/store"
)

// marks are the rows of a shard that the store says count in no figure, in the order of the log. They are read some parts
// at a time.
type marks struct {
	view  figures
	shard int
	// known is where they begin: a store of an older release did not keep them. Everywhere, unless there are too few.
	known rollcall.Offset

	list  []record.Drop
	at    int   // list[:at] are behind
	end   int64 // parts below have been read
	width int64 // of the next reading
	stray int64 // rows that the log does not have, as far as it was gone through
}

// markBytes is about what one reading should give.
const markBytes = 1 << 20

func newMarks(view figures, shard int) *marks {
	return &marks{view: view, shard: shard, end: math.MinInt64, width: 1}
}

// load reads on from a part.
func (m *marks) load(ctx context.Context, part int64) error {
	chunks, err := m.view.States(ctx, store.StateKey{Shard: m.shard, Kind: store.Drops, Part: part}, part+m.width)
	if err != nil {
		return err
	}
	m.list, m.at, m.end = m.list[:0], 0, part+m.width
	size := 0
	for _, c := range chunks {
		drops, err := record.Drops(c.Data)
		if err != nil {
			return fmt.Errorf("rows of shard %d that were dropped, part %d: %w", m.shard, c.Key.Part, err)
		}
		m.list, size = append(m.list, drops...), size+len(c.Data)
	}
	if size < markBytes/2 {
		m.width *= 2
	} else {
		m.width = max(m.width/2, 1)
	}
	slices.SortFunc(m.list, func(a, b record.Drop) int { return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Row, b.Row)) })
	return nil
}

// of gives the marks of a record with so many rows. Records are asked for in the order of the log.
func (m *marks) of(ctx context.Context, offset rollcall.Offset, rows int) ([]record.Drop, error) {
	if part := store.DropsPart(offset); part >= m.end {
		m.pass(math.MaxUint64)
		if err := m.load(ctx, part); err != nil {
			return nil, err
		}
	}
	m.pass(offset)
	from := m.at
	for ; m.at < len(m.list) && m.list[m.at].Offset == offset; m.at++ {
		if d := &m.list[m.at]; d.Row+d.Count > rows {
			m.stray += int64(d.Row + d.Count - max(rows, d.Row))
		}
	}
	return m.list[from:m.at], nil
}

// pass goes behind the marks before an offset, of which there is no record.
func (m *marks) pass(offset rollcall.Offset) {
	for ; m.at < len(m.list) && m.list[m.at].Offset < offset; m.at++ {
		m.stray += int64(m.list[m.at].Count)
	}
}

// find sets known: of a shard from its first record up to its position.
func (m *marks) find(ctx context.Context, first rollcall.Offset, p *store.Position) error {
	var late, duplicates int64
	begin := rollcall.Offset(math.MaxUint64)
	for part, last := store.DropsPart(first), store.DropsPart(max(p.Offset, 1)-1); part <= last; part = m.end {
		if err := m.load(ctx, part); err != nil {
			return err
		}
		if len(m.list) > 0 {
			begin = min(begin, m.list[0].Offset)
		}
		for i := range m.list {
			if m.list[i].Late {
				late += int64(m.list[i].Count)
			} else {
				duplicates += int64(m.list[i].Count)
			}
		}
	}
	if late < p.Late || duplicates < p.Duplicates {
		m.known = begin
	}
	return nil
}

// verdict is what becomes of a row.
type verdict uint8

const (
	accepted verdict = iota
	duplicate
	late
)

func (v verdict) String() string { return [...]string{"no", "as a duplicate", "as late"}[v] }

// marked tells what the store says of a row of the batch at hand. Rows are asked for in order.
func (s *shard) marked(row int) verdict {
	for len(s.drops) > 0 && s.drops[0].Row+s.drops[0].Count <= row {
		s.drops = s.drops[1:]
	}
	switch {
	case len(s.drops) == 0 || row < s.drops[0].Row:
		return accepted
	case s.drops[0].Late:
		return late
	default:
		return duplicate
	}
}

// markDiffers names a row that was dropped, or not, against its content.
func (s *shard) markDiffers(b *Batch, row int, want, found verdict, hint string) {
	s.report.add(Difference{What: Drop, days: []rollcall.Date{s.date(b.Rows[row].Time)}, Shard: &s.number, Bucket: fmt.Sprintf("offset %d row %d", b.Offset, row), Figure: "dropped",
		Expected: want.String(), Found: found.String(), Hint: hint})
}

// strayMarks names marks that no row of the log has.
func (s *shard) strayMarks() {
	s.marks.pass(s.until)
	s.differs(Difference{What: Drop, Shard: &s.number}, "rows", 0, s.marks.stray, "the store says of rows that the log does not have that they were dropped")
}

// findMarks finds out whether the store says of all rows of the shard whether they were dropped.
func (s *shard) findMarks(ctx context.Context) error {
	p := &s.head.Shards[s.number]
	if p.Late+p.Duplicates == 0 {
		return nil
	}
	if err := s.marks.find(ctx, s.first[s.number], p); err != nil {
		return err
	}
	if s.marks.known > 0 {
		s.report.count(func(r *Report) {
			r.note("shard %d: of events before offset %d the store does not say which were dropped: late_horizon tells which were late, and if it was changed since, figures differ without a fault", s.number, min(s.marks.known, p.Offset))
		})
	}
	return nil
}
