package decode

import (
	"bytes"
	"io"
)

// slack is how much larger than a record the window is, so that its content is moved seldom.
const slack = 256 << 10

// window is the part of the input that is in memory: buf[start:end] is unread. Its size bounds the memory used.
type window struct {
	r          io.Reader
	buf        []byte
	start, end int
	err        error // what ended the reading; io.EOF when all is in memory
	line       int   // lines consumed
	skip       bool  // the rest of an overlong line is to be passed over
}

// memory is the window over an input that is in memory already.
func memory(b []byte) *window { return &window{buf: b, end: len(b), err: io.EOF} }

// reading is the window over a stream; it uses the Decoder's buffer.
func (d *Decoder) reading(r io.Reader) *window {
	if d.buf == nil {
		d.buf = make([]byte, d.maxLine+slack)
	}
	return &window{r: r, buf: d.buf}
}

func (w *window) unread() []byte { return w.buf[w.start:w.end] }

// failure is what went wrong with the reading, nil at the end of the input.
func (w *window) failure() error {
	if w.err == io.EOF {
		return nil
	}
	return w.err
}

// more reads on behind the unread bytes, which may move. It returns false at the end and when the window is full.
func (w *window) more() bool {
	if w.err != nil {
		return false
	}
	if w.end == len(w.buf) {
		w.end = copy(w.buf, w.unread())
		w.start = 0
	}
	for range 100 {
		if w.end == len(w.buf) {
			return false
		}
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		w.err = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// take consumes n bytes.
func (w *window) take(n int) []byte {
	b := w.buf[w.start : w.start+n]
	w.line += bytes.Count(b, []byte{'\n'})
	w.start += n
	return b
}

// head gives the index and value of the first unread byte that is neither white space nor byte order mark; ok is false
// when a whole window has none.
func (w *window) head() (i int, c byte, ok bool) {
	for {
		b := w.unread()
		if i := space(b, len(b)-len(trimBOM(b))); i < len(b) && (b[i] != bom[0] || i > 0 || len(b) >= len(bom)) {
			return i, b[i], true
		}
		if !w.more() {
			return 0, 0, false
		}
	}
}

// peek consumes white space and gives the byte behind it; ok is false at the end.
func (w *window) peek() (c byte, ok bool) {
	for {
		b := w.unread()
		i := space(b, 0)
		w.take(i)
		if i < len(b) {
			return b[i], true
		}
		if !w.more() {
			return 0, false
		}
	}
}

// nextLine consumes a line and gives it without its end. A line beyond the limit comes cut to limit+1 bytes.
// ok is false at the end, and when the reading failed within the line.
func (w *window) nextLine(limit int) (line []byte, ok bool) {
	for from := 0; ; {
		b := w.unread()
		n := bytes.IndexByte(b[from:], '\n')
		switch {
		case n >= 0 && w.skip:
			w.skip = false
			w.start += n + 1
		case n >= 0:
			w.start += from + n + 1
			w.line++
			return cutLine(b[:from+n], limit), true
		case w.skip:
			if w.start = w.end; !w.more() {
				return nil, false
			}
		default:
			if from = len(b); w.more() {
				continue
			}
			if b = w.unread(); len(b) == 0 || w.failure() != nil { // more has moved it
				return nil, false
			}
			w.skip = w.err == nil
			w.start = w.end
			w.line++
			return cutLine(b, limit), true
		}
	}
}

func cutLine(line []byte, limit int) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line[:min(len(line), limit+1)]
}

const bom = "\xef\xbb\xbf"

func trimBOM(b []byte) []byte {
	if len(b) >= len(bom) && string(b[:len(bom)]) == bom {
		return b[len(bom):]
	}
	return b
}
