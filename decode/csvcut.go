package decode

import "bytes"

// next consumes a record and gives it without its line end; ok is false at the end of the input, or when reading failed.
// A record that is too long comes as far as the window holds it.
func (t *csvTable) next() (raw []byte, ok bool) {
	w := t.w
	for n, done := 0, false; ; {
		m := 0
		m, done = t.cut.feed(w.unread()[n:])
		n += m
		switch {
		case done:
			raw = w.take(n)
			t.cut = csvCutter{}
			if t.passing {
				t.passing, n = false, 0
				continue
			}
			if raw = bytes.TrimSuffix(raw[:n-1], []byte{'\r'}); len(raw) == 0 {
				n = 0
				continue
			}
			t.d.line = w.line - bytes.Count(raw, []byte{'\n'})
			return raw, true
		case t.passing:
			w.take(n)
			n = 0
			if !w.more() {
				return nil, false
			}
		case w.more():
		case n == 0 || w.failure() != nil:
			return nil, false
		default:
			t.passing = w.err == nil // the window is full
			raw = w.take(n)
			if !t.passing {
				raw = bytes.TrimSuffix(raw, []byte{'\r'})
			}
			t.d.line = w.line + 1 - bytes.Count(raw, []byte{'\n'})
			return raw, len(raw) > 0
		}
	}
}

// csvCutter finds the line end that ends a record. It goes on from piece to piece.
type csvCutter struct {
	state csvState
}

type csvState uint8

const (
	fieldStart csvState = iota
	plain               // in a field without quotes, or behind a closing quote
	quoted              // in a field with quotes
	quoteSeen           // behind a quote in it: the closing one, or the first of a doubled one
)

// feed gives how many bytes of b belong to the record, its line end included, and whether it ends there.
func (c *csvCutter) feed(b []byte) (n int, done bool) {
	if c.state == fieldStart {
		if n := bytes.IndexByte(b, '\n'); n >= 0 && bytes.IndexByte(b[:n], '"') < 0 {
			return n + 1, true
		}
	}
	for i := 0; i < len(b); i++ {
		x := b[i]
		switch {
		case c.state == quoted:
			n := bytes.IndexByte(b[i:], '"')
			if n < 0 {
				return len(b), false
			}
			i += n
			c.state = quoteSeen
		case x == '"' && c.state == quoteSeen, x == '"' && c.state == fieldStart:
			c.state = quoted
		case x == '\n':
			return i + 1, true
		case x == ',':
			c.state = fieldStart
		default:
			c.state = plain
		}
	}
	return len(b), false
}
