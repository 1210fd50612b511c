package decode

import (
	"bytes"
	"io"

	"rollcall"
)

// Each looks at one record: at the event, or at why it was refused; the other one is nil. index counts the records of
// the call from 0. raw is the record's bytes without the white space around it. All of it holds until Each returns.
// An error stops the decoding and is returned as it is.
type Each func(index int, raw []byte, ev *rollcall.Event, rej *Reject) error

// Lines decodes NDJSON: whole lines, of which the last may lack its end. CRLF is accepted, a byte order mark at the
// start of a line is passed over, and so are blank lines.
func (d *Decoder) Lines(chunk []byte, each Each) error {
	return d.lines(memory(chunk), 0, each)
}

// Body decodes what a client sends, told apart by content: one object, be it over several lines, an array of objects,
// or NDJSON. An empty body has no records.
func (d *Decoder) Body(body []byte, each Each) error {
	w := memory(body)
	i, c, ok := w.head()
	switch {
	case ok && c == '[':
		w.take(i + 1)
		return d.array(w, each)
	case ok && c == '{' && d.single(body[i:]):
		w.take(i)
		raw := w.take(len(body) - i)
		d.begins(w, raw)
		return d.offer(0, trim(raw), each)
	}
	return d.lines(w, 0, each)
}

// single tells whether b is one record: an object with nothing behind it, or nothing like NDJSON.
func (d *Decoder) single(b []byte) bool {
	if n, rej := d.object(b); rej == nil {
		return space(b, n) == len(b)
	}
	for {
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			return true
		}
		b = b[space(b, n):]
		if len(b) > 0 && b[0] == '{' {
			return false
		}
	}
}

// Stream decodes an input of any size: CSV; or JSON, which is an array when its first byte says so, and NDJSON otherwise.
// Errors of r come back after the complete records before them.
func (d *Decoder) Stream(r io.Reader, format Format, each Each) error {
	if format == CSV {
		return d.CSV(r, each)
	}
	w := d.reading(r)
	if i, c, ok := w.head(); ok && c == '[' {
		w.take(i + 1)
		return d.array(w, each)
	}
	return d.lines(w, 0, each)
}

// lines decodes the rest of the window as NDJSON.
func (d *Decoder) lines(w *window, index int, each Each) error {
	for {
		line, ok := w.nextLine(d.maxLine)
		d.line = w.line
		if !ok {
			return w.failure()
		}
		if len(line) <= d.maxLine {
			if line = trim(trimBOM(line)); len(line) == 0 {
				continue
			}
		}
		if err := d.offer(index, line, each); err != nil {
			return err
		}
		index++
	}
}

// begins notes the line on which raw begins, which the window has just consumed.
func (d *Decoder) begins(w *window, raw []byte) { d.line = w.line + 1 - bytes.Count(raw, []byte{'\n'}) }

// offer decodes raw and gives it to each.
func (d *Decoder) offer(index int, raw []byte, each Each) error {
	return d.give(index, raw, d.Event(raw, &d.ev), each)
}

// give gives each the event decoded last, or the reason against it.
func (d *Decoder) give(index int, raw []byte, rej *Reject, each Each) error {
	if rej != nil {
		return each(index, raw[:min(len(raw), d.maxLine+1)], nil, rej)
	}
	return each(index, raw, &d.ev, nil)
}

// trim takes the white space off both ends.
func trim(b []byte) []byte {
	b = b[space(b, 0):]
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}
