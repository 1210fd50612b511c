package archive

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// texts are the values of a column in some rows; a null is empty. A text of a dictionary is kept once.
type texts struct {
	bytes []byte
	spans []span32 // by row
	known []span32 // by number in the dictionary of the row group; an end of 0 for those not met yet
}

type span32 struct{ start, end uint32 }

func (t *texts) at(row int) []byte {
	s := t.spans[row]
	return t.bytes[s.start:s.end:s.end]
}

func (t *texts) reset() { t.bytes, t.spans, t.known = append(t.bytes[:0], 0), t.spans[:0], t.known[:0] }

func (t *texts) keep(v []byte) span32 {
	s := span32{start: uint32(len(t.bytes))}
	t.bytes = append(t.bytes, v...)
	s.end = uint32(len(t.bytes))
	return s
}

// decode fills the columns with n rows of a row group, behind the first so many.
func (c *cursor) decode(f *parquet.File, g parquet.RowGroup, skip, n int64) error {
	whole := func(name string, into *[]int64) error {
		*into = (*into)[:0]
		return pages(f, g, name, skip, n, func(p parquet.Page) error { return readInts(p, into) })
	}
	text := func(name string, t *texts) error {
		t.reset()
		return pages(f, g, name, skip, n, t.read)
	}
	flag := func(name string, set, into *[]bool) error {
		*into = (*into)[:0]
		if set != nil {
			*set = (*set)[:0]
		}
		return pages(f, g, name, skip, n, func(p parquet.Page) error { return readBools(p, set, into) })
	}
	err := errors.Join(
		whole("log_offset", &c.offset), whole("log_row", &c.row), whole("received", &c.received), whole("time", &c.time),
		whole("session_duration_ms", &c.duration), flag("is_bounce", &c.record, &c.bounce), flag("is_new_user", nil, &c.newUser),
		text("user_id", &c.user), text("event_id", &c.id), text("session_id", &c.session), text("type", &c.kind))
	for d, name := range c.names {
		err = errors.Join(err, text(name, &c.dims[d]))
	}
	return err
}

// pages calls each with the pages of a column that hold n rows behind the first so many, cut to those.
func pages(f *parquet.File, g parquet.RowGroup, name string, skip, n int64, each func(parquet.Page) error) (err error) {
	column := columnOf(f, name)
	if column < 0 {
		return fmt.Errorf("it has no column %s", name)
	}
	chunk := g.ColumnChunks()[column]
	if skip > 0 {
		if _, err := chunk.OffsetIndex(); err != nil { // which SeekToRow uses from now on
			return err
		}
	}
	all := chunk.Pages()
	defer func() {
		if err = errors.Join(err, all.Close()); err != nil {
			err = fmt.Errorf("column %s: %w", name, err)
		}
	}()
	if err := all.SeekToRow(skip); err != nil {
		return err
	}
	for n > 0 {
		p, err := all.ReadPage()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("%d rows are missing", n)
			}
			return err
		}
		if p.NumRows() > n {
			part := p.Slice(0, n)
			err = each(part)
			parquet.Release(part)
		} else {
			err = each(p)
		}
		n -= p.NumRows()
		parquet.Release(p)
		if err != nil {
			return err
		}
	}
	return nil
}

func readInts(p parquet.Page, into *[]int64) error {
	data, levels := p.Data(), p.DefinitionLevels()
	values := data.Int64()
	if len(levels) == 0 {
		*into = append(*into, values...)
		return nil
	}
	next := 0
	for _, l := range levels {
		v := int64(0)
		if l == 1 {
			v = values[next]
			next++
		}
		*into = append(*into, v)
	}
	return nil
}

// readBools reads an optional column, and which rows have a value.
func readBools(p parquet.Page, set, into *[]bool) error {
	n := int(p.NumRows())
	if p.NumNulls() == p.NumRows() {
		*into = append(*into, make([]bool, n)...)
		if set != nil {
			*set = append(*set, make([]bool, n)...)
		}
		return nil
	}
	values := make([]parquet.Value, n)
	if read, err := p.Values().ReadValues(values); read < n {
		return fmt.Errorf("%d of %d values: %w", read, n, err)
	}
	for _, v := range values {
		*into = append(*into, !v.IsNull() && v.Boolean())
		if set != nil {
			*set = append(*set, !v.IsNull())
		}
	}
	return nil
}

func (t *texts) read(p parquet.Page) error {
	if p.Dictionary() != nil {
		return t.readIndexed(p)
	}
	values := p.Data()
	bytes, ends := values.ByteArray()
	next := 0
	return t.each(p, func() (span32, error) {
		next++
		return t.keep(bytes[ends[next-1]:ends[next]]), nil
	})
}

func (t *texts) readIndexed(p parquet.Page) error {
	values, dict := p.Data(), p.Dictionary().Page().Data()
	numbers := values.Int32()
	bytes, ends := dict.ByteArray()
	if len(t.known) == 0 {
		t.known = append(t.known, make([]span32, p.Dictionary().Len())...)
	}
	next := 0
	return t.each(p, func() (span32, error) {
		n := numbers[next]
		next++
		if int(n) >= len(t.known) || n < 0 {
			return span32{}, fmt.Errorf("value %d of a dictionary of %d", n, len(t.known))
		}
		if t.known[n].end == 0 {
			t.known[n] = t.keep(bytes[ends[n]:ends[n+1]])
		}
		return t.known[n], nil
	})
}

// each adds a span for each row of a page.
func (t *texts) each(p parquet.Page, next func() (span32, error)) error {
	levels := p.DefinitionLevels()
	for i := range int(p.NumRows()) {
		s := span32{}
		if len(levels) == 0 || levels[i] == 1 {
			var err error
			if s, err = next(); err != nil {
				return err
			}
		}
		t.spans = append(t.spans, s)
	}
	return nil
}
