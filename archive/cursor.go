package archive

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/parquet-go/parquet-go"

	"rollcall"
)

// cursor goes through the rows of one file. It holds a stretch of them in columns, and no open file.
type cursor struct {
	file  source
	names []string // of the dimensions
	row0  int64    // the row of the file that the next stretch begins with
	i     int      // the next row of the stretch

	offset, row, received, time, duration []int64
	record, bounce, newUser               []bool
	user, id, session, kind               texts
	dims                                  []texts
}

// given tells that all rows at hand are given.
func (c *cursor) given() bool { return c.i >= len(c.offset) }

func (c *cursor) before(o *cursor) bool {
	if a, b := c.offset[c.i], o.offset[o.i]; a != b {
		return a < b
	}
	return c.row[c.i] < o.row[o.i]
}

// event writes the next row into ev, valid until the next load.
func (c *cursor) event(ev *rollcall.Event) {
	ev.Reset(len(c.dims))
	i := c.i
	ev.User, ev.ID, ev.Session, ev.Type, ev.Time = c.user.at(i), c.id.at(i), c.session.at(i), c.kind.at(i), c.time[i]
	if c.record[i] {
		ev.Record, ev.Bounce, ev.NewUser, ev.Duration = true, c.bounce[i], c.newUser[i], c.duration[i]
	}
	for d := range c.dims {
		ev.Dims[d] = c.dims[d].at(i)
	}
}

// load decodes the next rows of the file, at most so many, and never those of two row groups; more is false at its end.
func (c *cursor) load(place Place, most int64) (more bool, err error) {
	c.i, c.offset = 0, c.offset[:0]
	if c.row0 >= c.file.Rows && c.row0 > 0 {
		return false, nil
	}
	err = c.with(place, func(f *parquet.File) error {
		skip := c.row0
		for _, g := range f.RowGroups() {
			if skip < g.NumRows() {
				n := min(most, g.NumRows()-skip)
				c.row0 += n
				return c.decode(f, g, skip, n)
			}
			skip -= g.NumRows()
		}
		return nil
	})
	return len(c.offset) > 0, err
}

// seek passes over pages that end before an offset.
func (c *cursor) seek(place Place, from rollcall.Offset) error {
	return c.with(place, func(f *parquet.File) error {
		for _, g := range f.RowGroups() {
			chunk := g.ColumnChunks()[columnOf(f, "log_offset")]
			last, err := chunk.ColumnIndex()
			if err != nil {
				return err
			}
			first, err := chunk.OffsetIndex()
			if err != nil {
				return err
			}
			for p := range last.NumPages() {
				if last.MaxValue(p).Int64() >= int64(from) {
					c.row0 += first.FirstRowIndex(p)
					return nil
				}
			}
			c.row0 += g.NumRows()
		}
		return nil
	})
}

// with opens the file for a while.
func (c *cursor) with(place Place, do func(*parquet.File) error) (err error) {
	in, size, err := c.open(place)
	if err != nil {
		return fmt.Errorf("%s, which the manifest names: %w", c.file.Path, err)
	}
	defer func() {
		if err = errors.Join(err, in.Close()); err != nil {
			err = fmt.Errorf("%s: %w", c.file.Path, err)
		}
	}()
	if size != c.file.Bytes {
		return fmt.Errorf("it has %d bytes, and the manifest says %d: bring it back from a copy", size, c.file.Bytes)
	}
	f, err := parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
	if err != nil {
		return err
	}
	if f.NumRows() != c.file.Rows {
		return fmt.Errorf("it has %d rows, and the manifest says %d", f.NumRows(), c.file.Rows)
	}
	return do(f)
}

// open opens the file under one of its names. Under the name for what is being merged there may be another by now.
func (c *cursor) open(place Place) (Object, int64, error) {
	in, size, err := place.Open(c.file.Path)
	if c.file.staged == "" || !errors.Is(err, fs.ErrNotExist) {
		return in, size, err
	}
	in, size, err = place.Open(c.file.staged)
	if err == nil && size != c.file.Bytes {
		return nil, 0, errors.Join(fs.ErrNotExist, in.Close())
	}
	return in, size, err
}

// columnOf is where a column is among those of a file; -1 for nowhere.
func columnOf(f *parquet.File, name string) int {
	for i, c := range f.Root().Columns() {
		if c.Name() == name {
			return i
		}
	}
	return -1
}
