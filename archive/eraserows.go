package archive

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"

	"rollcall"
	"rollcall/record"
)

// erasing knows the users by their names in the files, and sums up the rows that it leaves out.
type erasing struct {
	names map[string]string // id by name
	until rollcall.Offset   // rows of records from here on stay; 0 for none
	dims  []string
	at    map[string]int // column of each name
	gone  *record.Encoder
	batch record.Batch
}

// rowsOf counts the rows of the users in a file. It reads one column, unless the file reaches over the offset up to which they are
// erased.
func (e *erasing) rowsOf(place Place, path string, of *File) (rows int64, err error) {
	if e.until > 0 && of.From >= e.until {
		return 0, nil
	}
	in, f, err := openFile(place, path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	leaf, ok := f.Schema().Lookup("user_id")
	if !ok {
		return 0, errors.New("it has no column user_id")
	}
	e.open(f.Schema())
	for _, g := range f.RowGroups() {
		var n int64
		if e.until > 0 && of.Until > e.until {
			n, err = e.rowsBefore(g)
		} else {
			n, err = e.rowsIn(g.ColumnChunks()[leaf.ColumnIndex].Pages())
		}
		if rows += n; err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func (e *erasing) open(s *parquet.Schema) {
	e.at, e.gone = map[string]int{}, record.NewEncoder(e.dims)
	for i, path := range s.Columns() {
		e.at[path[0]] = i
	}
}

func (e *erasing) rowsIn(pages parquet.Pages) (rows int64, err error) {
	defer func() { err = errors.Join(err, pages.Close()) }()
	values := make([]parquet.Value, rowBatch)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		for in := page.Values(); err == nil; {
			var n int
			n, err = in.ReadValues(values)
			for _, v := range values[:n] {
				if _, theirs := e.names[string(v.ByteArray())]; theirs {
					rows++
				}
			}
		}
		parquet.Release(page)
		if !errors.Is(err, io.EOF) {
			return rows, err
		}
	}
}

// theirs tells whose a row is, if it is to be erased.
func (e *erasing) theirs(row parquet.Row) (id string, theirs bool) {
	id, theirs = e.names[string(row[e.at["user_id"]].ByteArray())]
	return id, theirs && (e.until == 0 || rollcall.Offset(row[e.at["log_offset"]].Int64()) < e.until)
}

// rowsBefore counts the rows that are to be erased, one by one.
func (e *erasing) rowsBefore(g parquet.RowGroup) (count int64, err error) {
	err = eachRows(g, func(rows []parquet.Row) error {
		for _, row := range rows {
			if _, theirs := e.theirs(row); theirs {
				count++
			}
		}
		return nil
	})
	return count, err
}

func (e *erasing) copyGroup(w *parquet.GenericWriter[any], g parquet.RowGroup, left *File) error {
	return eachRows(g, func(rows []parquet.Row) error {
		kept := rows[:0:0]
		for _, row := range rows {
			if id, theirs := e.theirs(row); theirs {
				e.add(id, row)
				continue
			}
			time := row[e.at["time"]].Int64()
			left.Rows, left.Min, left.Max = left.Rows+1, min(left.Min, time), max(left.Max, time)
			kept = append(kept, row)
		}
		_, err := w.WriteRows(kept)
		return err
	})
}

// eachRows hands the rows of a group to do, some at a time.
func eachRows(g parquet.RowGroup, do func([]parquet.Row) error) (err error) {
	in := g.Rows()
	defer func() { err = errors.Join(err, in.Close()) }()
	rows := make([]parquet.Row, rowBatch/8)
	for err == nil {
		var n int
		n, err = in.ReadRows(rows)
		if failed := do(rows[:n]); failed != nil {
			return failed
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// add takes a row that is left out.
func (e *erasing) add(id string, row parquet.Row) {
	text := func(name string) []byte { return row[e.at[name]].ByteArray() }
	ev := rollcall.Event{User: []byte(id), ID: text("event_id"), Session: text("session_id"), Type: text("type"), Time: row[e.at["time"]].Int64()}
	for _, d := range e.dims {
		ev.Dims = append(ev.Dims, text(d))
	}
	if d := row[e.at["session_duration_ms"]]; !d.IsNull() {
		ev.Record, ev.Duration = true, d.Int64()
		ev.Bounce, ev.NewUser = row[e.at["is_bounce"]].Boolean(), row[e.at["is_new_user"]].Boolean()
	}
	e.gone.Add(&ev)
}

// sum is that of the rows that were left out.
func (e *erasing) sum() (s Sum, err error) {
	if err := e.batch.Decode(e.gone.Bytes()); err != nil {
		return s, err
	}
	for i := range e.batch.Rows {
		hi, lo := e.batch.Hash(&e.batch.Rows[i])
		s.add(Sum{1, hi, lo})
	}
	return s, nil
}
