package decode

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// CSV decodes comma-separated values by RFC 4180, with LF or CRLF. The header line names the fields; an empty value is a
// missing one. index counts the data records; blank lines are passed over. A header that cannot give events is an error.
func (d *Decoder) CSV(r io.Reader, each Each) error {
	t := csvTable{d: d, w: d.reading(r)}
	if err := t.header(); err != nil || t.columns == nil {
		return err
	}
	for index := 0; ; index++ {
		raw, ok := t.next()
		if !ok {
			return t.w.failure()
		}
		rej := t.row(raw)
		if rej == nil {
			rej = d.build(&d.ev)
		}
		if err := d.give(index, raw, rej, each); err != nil {
			return err
		}
	}
}

// csvTable is the reading of one table.
type csvTable struct {
	d       *Decoder
	w       *window
	columns []int // input of each column, -1 for one that is unknown
	cut     csvCutter
	passing bool // the rest of an overlong record is to be passed over
}

func (t *csvTable) header() error {
	for len(t.w.unread()) < len(bom) && t.w.more() {
	}
	t.w.start += len(t.w.unread()) - len(trimBOM(t.w.unread()))
	raw, ok := t.next()
	if !ok {
		return t.w.failure()
	}
	if rej := t.split(raw); rej != nil {
		return fmt.Errorf("csv header, line %d: %w", t.d.line, rej)
	}
	seen := uint32(0)
	for i, name := range t.d.cells {
		input := t.d.names.find(name)
		t.columns = append(t.columns, input)
		if input < 0 {
			continue
		}
		if seen>>input&1 != 0 {
			return fmt.Errorf("csv header, line %d, column %d: %.64q stands twice", t.d.line, i+1, name)
		}
		seen |= 1 << input
	}
	return t.enough(seen)
}

// enough tells whether events can come of the fields seen.
func (t *csvTable) enough(seen uint32) error {
	has := func(field int) bool { return seen>>t.d.fields[field]&1 != 0 }
	name := func(field int) string { return t.d.names.list[t.d.fields[field]] }
	want := ""
	switch {
	case !has(fieldUser) && (!has(fieldDuration) || !has(fieldBounce)):
		want = name(fieldUser)
	case !has(fieldTime) && !has(fieldDate):
		want = name(fieldTime)
	default:
		return nil
	}
	header := string(bytes.Join(t.d.cells, []byte(",")))
	return fmt.Errorf("csv header, line %d: no column %q among %.200q: map the field to a column", t.d.line, want, header)
}

// row keeps the values of one record.
func (t *csvTable) row(raw []byte) *Reject {
	if rej := t.split(raw); rej != nil {
		return rej
	}
	d := t.d
	if len(d.cells) != len(t.columns) {
		return d.refuse(CSVFieldCount, "", strconv.Itoa(len(d.cells))+" fields, the header has "+strconv.Itoa(len(t.columns)))
	}
	for i, input := range t.columns {
		if input >= 0 {
			d.values[input] = value{d.cells[i], text}
			d.seen |= 1 << input
		}
	}
	return nil
}

// split cuts a record into d.cells.
func (t *csvTable) split(raw []byte) *Reject {
	d := t.d
	d.seen, d.arena, d.cells = 0, d.arena[:0], d.cells[:0]
	if len(raw) > d.maxLine {
		return d.tooLong()
	}
	if !utf8.Valid(raw) {
		d.invalidUTF8()
		return &d.rej
	}
	for rest := raw; ; {
		if len(rest) > 0 && rest[0] == '"' {
			cell, n := d.unquote(rest)
			if n < 0 || n < len(rest) && rest[n] != ',' {
				return d.refuse(InvalidCSV, "", "field "+strconv.Itoa(len(d.cells)+1)+": a quote is not closed, or text follows it")
			}
			d.cells = append(d.cells, cell)
			if n == len(rest) {
				return nil
			}
			rest = rest[n+1:]
			continue
		}
		n := bytes.IndexByte(rest, ',')
		cell := rest
		if n >= 0 {
			cell = rest[:n:n]
		}
		if bytes.IndexByte(cell, '"') >= 0 {
			return d.refuse(InvalidCSV, "", "field "+strconv.Itoa(len(d.cells)+1)+": a quote within a field without quotes")
		}
		d.cells = append(d.cells, cell)
		if n < 0 {
			return nil
		}
		rest = rest[n+1:]
	}
}

// unquote decodes the quoted field at the start of b and gives the index behind its closing quote; -1 without one.
func (d *Decoder) unquote(b []byte) ([]byte, int) {
	from, start := len(d.arena), 1
	for {
		n := bytes.IndexByte(b[start:], '"')
		if n < 0 {
			return nil, -1
		}
		end := start + n
		if end+1 == len(b) || b[end+1] != '"' {
			if len(d.arena) == from {
				return b[1:end:end], end + 1
			}
			d.arena = append(d.arena, b[start:end]...)
			return d.arena[from:len(d.arena):len(d.arena)], end + 1
		}
		d.arena = append(d.arena, b[start:end+1]...)
		start = end + 2
	}
}
