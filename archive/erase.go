package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"

	"github.com/parquet-go/parquet-go"

	"rollcall"
)

// Erased tells what an Erase did, or would do.
type Erased struct {
	Events, Dropped int64    // rows
	Files           int      // that held them
	Dates           []string // of these rows, rising
}

// Settle finishes what was cut off: after it the manifest names each file that there is. It reads the log as it was when
// that was begun, and so comes before anything is erased from the log.
func (a *Archive) Settle(ctx context.Context) error {
	for shard := range a.manifests {
		if err := a.settle(ctx, shard); err != nil {
			return fmt.Errorf("shard %d: %w", shard, err)
		}
	}
	return nil
}

func (a *Archive) settle(ctx context.Context, shard int) error {
	a.working.Lock()
	defer a.working.Unlock()
	return a.finishBegun(ctx, shard)
}

// finishBegun finishes the merge and the pass that were begun.
func (a *Archive) finishBegun(ctx context.Context, shard int) error {
	if a.manifest(shard).Merge != nil {
		if err := a.finishMerge(shard); err != nil {
			return err
		}
	}
	if m := a.manifest(shard); m.Writing > m.Next {
		if _, err := a.pass(ctx, shard); err != nil {
			return err
		}
	}
	// What a crash may have left of a staged file goes with this one.
	staged := stagedName(shard, a.manifest(shard).Epoch)
	if err := a.deps.Place.Put(staged, func(io.Writer) error { return nil }); err != nil {
		return err
	}
	return a.deps.Place.Remove(staged)
}

// Erase writes the files that hold rows of these users anew without them, one after the other, as merging does: a file is
// there whole, before or after, whatever happens, and an Erase that was cut off is finished by the next. It comes after a
// rebuild without the users, whose ledger the sums agree with then (Prove), and after Settle. With dry it only counts.
func (a *Archive) Erase(ctx context.Context, users []string, dry bool) (Erased, error) {
	var e Erased
	if !dry {
		if err := a.Settle(ctx); err != nil {
			return e, err
		}
	}
	who := erasing{names: namesOf(a.cfg.UserKey, users), dims: a.cfg.Dimensions}
	for shard := range a.manifests {
		for _, f := range a.manifest(shard).Files {
			if err := ctx.Err(); err != nil {
				return e, err
			}
			if err := a.eraseLocked(shard, f.Path, &who, dry, &e); err != nil {
				return e, err
			}
		}
	}
	slices.Sort(e.Dates)
	e.Dates = slices.Compact(e.Dates)
	if dry {
		return e, nil
	}
	return e, a.followLedger(ctx)
}

// namesOf gives the ids of users by their names in the files.
func namesOf(key []byte, users []string) map[string]string {
	names, by := newUserNames(key), make(map[string]string, len(users))
	for _, u := range users {
		if u != "" {
			by[string(names.of([]byte(u)))] = u
		}
	}
	return by
}

func (a *Archive) eraseLocked(shard int, path string, who *erasing, dry bool, e *Erased) error {
	a.working.Lock()
	defer a.working.Unlock()
	return a.eraseIn(shard, path, who, dry, e)
}

// eraseIn does one file, unless it is gone.
func (a *Archive) eraseIn(shard int, path string, who *erasing, dry bool, e *Erased) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("erase from %s: %w", path, err)
		}
	}()
	m := a.manifest(shard)
	i := slices.IndexFunc(m.Files, func(f File) bool { return f.Path == path })
	if i < 0 {
		return nil
	}
	f := m.Files[i]
	rows, err := who.rowsOf(a.deps.Place, path, &f)
	if err != nil || rows == 0 {
		return err
	}
	if !dry {
		if err := a.withoutRows(shard, f, rows, who); err != nil {
			return err
		}
	}
	e.add(&f, rows)
	return nil
}

// add tells of rows in a file.
func (e *Erased) add(f *File, rows int64) {
	e.Files, e.Dates = e.Files+1, append(e.Dates, f.Date)
	if f.Kind == kindEvents {
		e.Events += rows
	} else {
		e.Dropped += rows
	}
}

func openFile(place Place, path string) (Object, *parquet.File, error) {
	in, size, err := place.Open(path)
	if err != nil {
		return nil, nil, err
	}
	f, err := parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	return in, f, nil
}

// withoutRows replaces a file by one without the rows of the users, or by none. Its name tells how many rows were erased
// from it, so that it is never that of the one before.
func (a *Archive) withoutRows(shard int, f File, rows int64, who *erasing) error {
	out := f
	out.Erased += rows
	out.Path = fmt.Sprintf("%s/event_date=%s/%d-%d-%d-%d.parquet", f.Kind, f.Date, shard, f.From, f.Until, out.Erased)
	out.Sum, out.Min, out.Max, out.Bytes = Sum{}, math.MaxInt64, math.MinInt64, 0
	if rows < f.Rows {
		err := a.deps.Place.Put(stagedName(shard, a.manifest(shard).Epoch), func(w io.Writer) error {
			counted := &counter{w: w}
			err := a.copyOthers(a.columns.writer(f.Kind, counted), f, who, &out)
			out.Bytes = counted.n
			return err
		})
		if err != nil {
			return err
		}
		if out.Rows != f.Rows-rows {
			return fmt.Errorf("%d rows are left of %d, of which %d are erased", out.Rows, f.Rows, rows)
		}
	}
	a.deps.Step(Steps[3])
	m := a.manifest(shard).clone()
	m.Erased += rows
	m.Merge = &merge{Staged: stagedName(shard, m.Epoch), Inputs: []string{f.Path}, Output: out}
	if err := a.change(m); err != nil {
		return err
	}
	a.deps.Step(Steps[4])
	return a.finishMerge(shard)
}

// copyOthers writes the rows of f that are not the users', and tells in left what they are.
func (a *Archive) copyOthers(w *parquet.GenericWriter[any], f File, who *erasing, left *File) (err error) {
	in, file, err := openFile(a.deps.Place, f.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	who.open(file.Schema())
	for _, g := range file.RowGroups() {
		if err := who.copyGroup(w, g, left); err != nil {
			return err
		}
	}
	gone, err := who.sum()
	if err != nil {
		return err
	}
	rows := left.Rows
	left.Sum = minus(f.Sum, gone)
	left.Rows = rows
	return w.Close()
}

// minus is the sum of the rows that are in s and not in o.
func minus(s, o Sum) Sum {
	var borrow uint64
	s.Rows -= o.Rows
	s.HashLo, borrow = bits.Sub64(s.HashLo, o.HashLo, 0)
	s.HashHi, _ = bits.Sub64(s.HashHi, o.HashHi, borrow)
	return s
}

// followLedger makes the sums of what retention has deleted what the ledger leaves for them: the rows themselves, which would
// tell how many were the users', are gone. Nothing is deleted by age where nothing was, and never more than before.
func (a *Archive) followLedger(ctx context.Context) (err error) {
	if !slices.ContainsFunc(a.manifests, func(m *manifest) bool { return m.Expired[kindEvents].Rows > 0 }) {
		return nil
	}
	view, err := a.deps.Store.View(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	rows, err := view.Ledger(ctx, math.MinInt64/2, math.MaxInt64/2, false)
	if err != nil {
		return err
	}
	for shard := range a.manifests {
		var ledger Sum
		for _, r := range rows {
			if r.Shard == shard {
				ledger.add(Sum{r.Count, r.HashHi, r.HashLo})
			}
		}
		if err := a.followShard(shard, ledger, view.Head().Shards[shard].Offset); err != nil {
			return err
		}
	}
	return nil
}

func (a *Archive) followShard(shard int, ledger Sum, committed rollcall.Offset) error {
	a.working.Lock()
	defer a.working.Unlock()
	m := a.manifest(shard).clone()
	for _, f := range m.Files {
		if f.Kind == kindEvents {
			ledger = minus(ledger, f.Sum)
		}
	}
	old := m.Expired[kindEvents]
	if m.Begin > 0 || m.Next != committed || ledger == old || ledger.Rows < 0 || ledger.Rows >= old.Rows {
		return nil
	}
	m.Expired[kindEvents] = ledger
	return a.change(m)
}
