package archive

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go"
)

const (
	fanIn   = 8              // so many files of a day and level become one of the next level
	settled = 24 * time.Hour // after which all files of a day become one, when none was added
)

// merge finishes a merge that was cut off, or merges some small files of a shard; more tells whether it found any. With all, it
// merges what there is of a day into one.
func (a *Archive) merge(shard int, all bool) (more bool, err error) {
	m := a.manifest(shard)
	if m.Merge != nil {
		return true, a.finishMerge(shard)
	}
	if files := a.mergeable(m, all); len(files) > 0 {
		return true, a.mergeFiles(shard, files)
	}
	return false, nil
}

// mergeable gives files of one day and kind that are to become one, in log order; none when all is well.
func (a *Archive) mergeable(m *manifest, all bool) []File {
	before := a.deps.Now().Add(-settled).UnixMilli()
	days := map[[2]string][]File{}
	for _, f := range m.Files {
		day := [2]string{f.Kind, f.Date}
		days[day] = append(days[day], f)
	}
	for _, files := range days {
		slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.From, b.From) })
		newest := slices.MaxFunc(files, func(a, b File) int { return cmp.Compare(a.Written, b.Written) })
		if len(files) > 1 && (all || newest.Written < before) {
			return files
		}
		levels := map[int][]File{}
		for _, f := range files {
			if levels[f.Level] = append(levels[f.Level], f); len(levels[f.Level]) == fanIn {
				return levels[f.Level]
			}
		}
	}
	return nil
}

// mergeFiles writes the rows of some files as one. A reader that lists the directories sees the old files, for a moment
// none of them, then the new one; never a row twice.
func (a *Archive) mergeFiles(shard int, files []File) error {
	out := File{Kind: files[0].Kind, Date: files[0].Date, From: files[0].From, Min: files[0].Min, Max: files[0].Max}
	var inputs []string
	for _, f := range files {
		inputs = append(inputs, f.Path)
		out.Until, out.Level, out.Written = max(out.Until, f.Until), max(out.Level, f.Level+1), max(out.Written, f.Written)
		out.Min, out.Max = min(out.Min, f.Min), max(out.Max, f.Max)
		out.add(f.Sum)
	}
	out.Path = fileName(out.Kind, out.Date, shard, out.From, out.Until)
	if slices.Contains(inputs, out.Path) { // else a merge that is repeated would delete what it has made
		return fmt.Errorf("merge: the files of %s overlap", inputs[0])
	}
	staged := stagedName(shard, a.manifest(shard).Epoch)
	rows := int64(0)
	err := a.deps.Place.Put(staged, func(w io.Writer) (err error) {
		counted := &counter{w: w}
		rows, err = a.copyRows(a.columns.writer(out.Kind, counted), inputs)
		out.Bytes = counted.n
		return err
	})
	if err != nil {
		return err
	}
	if rows != out.Rows {
		return fmt.Errorf("merge into %s: the files have %d rows, and the manifest says %d", out.Path, rows, out.Rows)
	}
	a.deps.Step(Steps[3])
	m := a.manifest(shard).clone()
	m.Merge = &merge{Staged: staged, Inputs: inputs, Output: out}
	if err := a.change(m); err != nil {
		return err
	}
	a.deps.Step(Steps[4])
	return a.finishMerge(shard)
}

// copyRows writes the rows of files, one after the other, and ends the writer.
func (a *Archive) copyRows(out *parquet.GenericWriter[any], names []string) (rows int64, err error) {
	for _, name := range names {
		n, err := a.copyFile(out, name)
		if err != nil {
			return rows, fmt.Errorf("read %s: %w", name, err)
		}
		rows += n
	}
	return rows, out.Close()
}

func (a *Archive) copyFile(out *parquet.GenericWriter[any], name string) (rows int64, err error) {
	in, size, err := a.deps.Place.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	f, err := parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return 0, err
	}
	for _, g := range f.RowGroups() {
		r := g.Rows()
		n, err := parquet.CopyRows(out, r)
		rows += n
		if err = errors.Join(err, r.Close()); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// finishMerge puts the new file in the place of the old ones. It may be repeated from any point on.
func (a *Archive) finishMerge(shard int) error {
	m := a.manifest(shard).clone()
	for _, name := range m.Merge.Inputs {
		if err := a.deps.Place.Remove(name); err != nil {
			return err
		}
	}
	a.deps.Step(Steps[5])
	m.Files = slices.DeleteFunc(m.Files, func(f File) bool { return slices.Contains(m.Merge.Inputs, f.Path) })
	out := m.Merge.Output
	if out.Rows > 0 { // there may be nothing left when rows were erased
		if err := a.deps.Place.Move(m.staged(), out.Path); err != nil {
			return err
		}
		m.Files = append(m.Files, out)
	}
	a.deps.Step(Steps[6])
	m.Merge = nil
	if err := a.change(m); err != nil {
		return a.withdraw(err, shard, out)
	}
	a.deps.Step(Steps[7])
	return nil
}

// expire deletes the files of days older than MaxAge. The manifest keeps their sums.
func (a *Archive) expire(shard int) error {
	if a.cfg.MaxAge == 0 {
		return nil
	}
	oldest := a.cfg.Calendar.Date(a.deps.Now().Add(-a.cfg.MaxAge).UnixMilli()).String()
	m, expired := a.manifest(shard).clone(), false
	for _, f := range m.Files {
		if f.Date >= oldest {
			continue
		}
		if err := a.deps.Place.Remove(f.Path); err != nil {
			return err
		}
		m.expire(&f)
		expired = true
	}
	if !expired {
		return nil
	}
	m.Files = slices.DeleteFunc(m.Files, func(f File) bool { return f.Date < oldest })
	return a.change(m)
}
