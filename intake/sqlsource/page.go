package sqlsource

import (
	"context"
	"fmt"
	"io"
)

// Cursor is a place in a walk: the values of the order's columns in the last row read, as text. Empty is the beginning.
type Cursor []string

// Page is a run of rows.
type Page struct {
	Lines []byte // NDJSON, a line a row; valid until the next call of Next
	Rows  int
	Last  Cursor // the place behind the page
}

// Next gives the rows behind a cursor, at most a page of them and 8 MiB. It waits as the pace demands, and io.EOF is the
// end. What goes wrong on the way is tried again for two minutes.
func (s *Source) Next(ctx context.Context, after Cursor, buf []byte) (Page, error) {
	if len(after) > 0 && len(after) != len(s.order.columns) {
		return Page{}, fmt.Errorf("a position of %d values: want %d", len(after), len(s.order.columns))
	}
	if err := s.idle(ctx); err != nil {
		return Page{}, err
	}
	var p Page
	err := s.retry(ctx, func() (err error) {
		start := s.pace.now()
		p, err = s.read(ctx, after, buf)
		s.pace.spent(p.Rows, s.pace.now().Sub(start))
		return err
	})
	if err == nil && p.Rows == 0 {
		err = io.EOF
	}
	return p, err
}

// read fills a page: first with the rows that share most with the cursor.
func (s *Source) read(ctx context.Context, after Cursor, buf []byte) (Page, error) {
	p := Page{Lines: buf[:0], Last: after}
	for level := max(len(after)-1, 0); level >= 0; level-- {
		more, err := s.readLevel(ctx, after, level, &p)
		if err != nil {
			return Page{}, fmt.Errorf("read %s behind %v: %w", s.table.name, []string(after), err)
		}
		if !more {
			break
		}
	}
	return p, nil
}

// readLevel adds the rows of one statement. It tells whether the page has room for more.
func (s *Source) readLevel(ctx context.Context, after Cursor, level int, p *Page) (more bool, err error) {
	limit := s.limit - p.Rows
	text, args, err := s.statement(after, level, limit)
	if err != nil {
		return false, err
	}
	rows, err := s.db.QueryContext(ctx, text, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	count := 0
	for len(p.Lines) < maxPageBytes && rows.Next() { // a page full of bytes leaves rows to the next one
		if err := rows.Scan(s.dest...); err != nil {
			return false, err
		}
		p.Lines = s.appendLine(p.Lines, s.row)
		s.remember()
		count++
	}
	if count > 0 {
		p.Rows += count
		p.Last = s.cursor()
	}
	return count < limit && len(p.Lines) < maxPageBytes, rows.Err()
}

// remember keeps the place behind the row just read; the row itself is gone with the next one.
func (s *Source) remember() {
	for i, place := range s.query.places {
		s.last[i] = append(s.last[i][:0], s.row[place]...)
	}
}

// cursor is the place behind the row that was read last.
func (s *Source) cursor() Cursor {
	c := make(Cursor, len(s.last))
	for i, place := range s.query.places {
		c[i] = s.selects[place].key(s.last[i])
	}
	return c
}
