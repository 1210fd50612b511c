package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store"
)

const fetchBytes = 1 << 20

// pass writes the next rows of a shard; more tells whether there are others. The manifest says what will be written before
// the first file is, so that a pass that was cut off is done again into the same files.
func (a *Archive) pass(ctx context.Context, shard int) (more bool, err error) {
	m := a.manifest(shard).clone()
	committed, err := a.committed(ctx, shard)
	if err != nil || m.Next >= committed {
		return false, err
	}
	if err := a.skipTrimmed(ctx, m); err != nil {
		return false, err
	}
	again, log := a.due(shard), a.deps.Log
	if again { // what another build has begun to write
		log = a.deps.Erasing.Log
	}
	p, err := a.gather(ctx, log, m, committed)
	if err == nil && again {
		err = a.clearBegun(m, p)
	}
	if err != nil {
		return false, err
	}
	if err := a.judge(ctx, p, shard); err != nil {
		return false, err
	}
	if err := a.write(m, p); err != nil {
		return false, err
	}
	a.release(ctx, shard)
	return p.until < committed, nil
}

// committed is where the commits of a shard end.
func (a *Archive) committed(ctx context.Context, shard int) (rollcall.Offset, error) {
	view, err := a.deps.Store.View(ctx)
	if err != nil {
		return 0, err
	}
	return view.Head().Shards[shard].Offset, view.Close()
}

// skipTrimmed begins an archive where the log begins. An archive that has begun loses nothing silently.
func (a *Archive) skipTrimmed(ctx context.Context, m *manifest) error {
	if m.Next > 0 {
		return nil
	}
	_, err := a.deps.Log.Fetch(ctx, m.Shard, 0, 0, 1, nil) // a log that was not trimmed may begin with a gap
	if !errors.Is(err, eventlog.ErrTrimmed) {
		return err
	}
	first, _, err := a.deps.Log.Bounds(ctx, m.Shard)
	if err != nil {
		return err
	}
	a.deps.Logger.Warn("the archive begins where the log does: older events were trimmed", "shard", m.Shard, "offset", first)
	m.Begin, m.Next = first, first
	return nil
}

// span is what one pass writes: the records of a shard from an offset up to, not including, another.
type span struct {
	from, until rollcall.Offset
	batches     []*batch
	rows        int
}

type batch struct {
	record.Batch
	shard    int
	offset   rollcall.Offset
	received int64
	verdicts []verdict // by row; nil when all of them are accepted
	dims     []int     // where the archive's dimensions are among the batch's; -1 for those that it lacks
}

// verdict tells what became of a row.
type verdict uint8

const (
	accepted verdict = iota
	duplicate
	late
)

func (v verdict) String() string { return [...]string{"accepted", "duplicate", "late"}[v] }

// gather reads the records of a pass: those of the one that was cut off, or as many as are committed and fit.
func (a *Archive) gather(ctx context.Context, log eventlog.Fetcher, m *manifest, committed rollcall.Offset) (*span, error) {
	p := &span{from: m.Next, until: m.Next}
	end, limit := committed, passRows
	if m.Writing > m.Next {
		end, limit = m.Writing, 1<<62
	}
	for p.until < end && p.rows < limit {
		records, err := log.Fetch(ctx, m.Shard, p.until, end, fetchBytes, nil)
		if err != nil {
			return nil, fmt.Errorf("read the log at %d: %w", p.until, err)
		}
		for i := range records {
			if err := p.add(&records[i], a.cfg.Dimensions); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

func (p *span) add(r *eventlog.Record, dims []string) error {
	p.until = r.Next
	if r.Count == 0 || r.Foreign {
		return nil
	}
	b := &batch{shard: r.Shard, offset: r.Offset, received: r.Received}
	b.Rows = make([]record.Row, 0, r.Count)
	if err := b.Decode(r.Payload); err != nil {
		return fmt.Errorf("record at offset %d: %w", r.Offset, err)
	}
	for _, name := range dims {
		b.dims = append(b.dims, slices.IndexFunc(b.DimNames, func(n []byte) bool { return string(n) == name }))
	}
	p.batches, p.rows = append(p.batches, b), p.rows+len(b.Rows)
	return nil
}

// judge marks the rows that the commits left out of the figures. No view is held while files are written: the store waits for
// its readers when it tidies up.
func (a *Archive) judge(ctx context.Context, p *span, shard int) error {
	if len(p.batches) == 0 {
		return nil
	}
	view, err := a.deps.Store.View(ctx)
	if err != nil {
		return err
	}
	return errors.Join(p.readDrops(ctx, view, shard), view.Close())
}

func (p *span) readDrops(ctx context.Context, view store.View, shard int) error {
	last := int64(-1)
	for _, b := range p.batches {
		part := store.DropsPart(b.offset)
		if part == last {
			continue
		}
		last = part
		chunks, err := view.State(ctx, store.StateKey{Shard: shard, Kind: store.Drops, Part: part})
		if err != nil {
			return err
		}
		for _, c := range chunks {
			drops, err := record.Drops(c.Data)
			if err != nil {
				return fmt.Errorf("dropped rows of part %d: %w", part, err)
			}
			for _, d := range drops {
				if err := p.drop(d); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *span) drop(d record.Drop) error {
	i, ok := slices.BinarySearchFunc(p.batches, d.Offset, func(b *batch, o rollcall.Offset) int {
		if b.offset == o {
			return 0
		}
		if b.offset < o {
			return -1
		}
		return 1
	})
	if !ok {
		return nil // of another pass
	}
	b := p.batches[i]
	if d.Row+d.Count > len(b.Rows) {
		return fmt.Errorf("record at offset %d has %d rows, and rows from %d on are said to be dropped", d.Offset, len(b.Rows), d.Row)
	}
	if b.verdicts == nil {
		b.verdicts = make([]verdict, len(b.Rows))
	}
	for row := d.Row; row < d.Row+d.Count; row++ {
		b.verdicts[row] = duplicate
		if d.Late {
			b.verdicts[row] = late
		}
	}
	return nil
}

// group is the rows of a pass that one file holds.
type group struct {
	kind string
	date rollcall.Date
	rows []position
}

type position struct{ batch, row int32 }

// groups sorts the rows of a pass into files, each in log order.
func (p *span) groups(calendar rollcall.Calendar) []*group {
	type key struct {
		dropped bool
		date    rollcall.Date
	}
	by, zone := map[key]*group{}, rollcall.Zone{}
	var all []*group
	for i, b := range p.batches {
		for row := range b.Rows {
			if b.Rows[row].Erased {
				continue
			}
			t := b.Rows[row].Time
			if !zone.Holds(t) {
				zone = calendar.Zone(t)
			}
			date, _ := zone.Date(t)
			k := key{b.verdict(row) != accepted, date}
			g := by[k]
			if g == nil {
				g = &group{kind: kindEvents, date: date}
				if k.dropped {
					g.kind = kindDropped
				}
				by[k], all = g, append(all, g)
			}
			g.rows = append(g.rows, position{int32(i), int32(row)})
		}
	}
	slices.SortFunc(all, func(a, b *group) int {
		if a.date != b.date {
			return int(a.date - b.date)
		}
		return -strings.Compare(a.kind, b.kind)
	})
	return all
}

// erased is how many rows of a pass were erased before they came into a file.
func (p *span) erased() (n int64) {
	for _, b := range p.batches {
		for i := range b.Rows {
			if b.Rows[i].Erased {
				n++
			}
		}
	}
	return n
}

// dimension is the value of one of the archive's dimensions; empty when it is not set.
func (b *batch) dimension(row, dim int) []byte {
	i := b.dims[dim]
	if i < 0 {
		return nil
	}
	return b.Strings[b.Tuples[int(b.Rows[row].Tuple)*len(b.DimNames)+i]]
}

func (b *batch) verdict(row int) verdict {
	if b.verdicts == nil {
		return accepted
	}
	return b.verdicts[row]
}

// write writes the files of a pass and goes on behind them.
func (a *Archive) write(m *manifest, p *span) error {
	m.Writing = p.until
	if err := a.change(m); err != nil {
		return err
	}
	a.deps.Step(Steps[0])
	m = m.clone()
	before := len(m.Files)
	for _, g := range p.groups(a.cfg.Calendar) {
		f := File{Path: fileName(g.kind, g.date.String(), m.Shard, p.from, p.until), Kind: g.kind, Date: g.date.String(), From: p.from, Until: p.until,
			Written: a.deps.Now().UnixMilli()}
		if err := a.writeFile(&f, p, g); err != nil {
			return err
		}
		m.Files = append(m.Files, f)
		a.deps.Step(Steps[1])
	}
	m.Next, m.Writing, m.Erased = p.until, 0, m.Erased+p.erased()
	if err := a.change(m); err != nil {
		return a.withdraw(err, m.Shard, m.Files[before:]...)
	}
	a.deps.Step(Steps[2])
	return nil
}

func fileName(kind, date string, shard int, from, until rollcall.Offset) string {
	return fmt.Sprintf("%s/event_date=%s/%d-%d-%d.parquet", kind, date, shard, from, until)
}
