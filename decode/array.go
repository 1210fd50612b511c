package decode

// array decodes the elements of an array whose '[' is consumed; what follows the array is read as lines. Where a comma
// is missing, the rest of the line is refused and the array is given up.
func (d *Decoder) array(w *window, each Each) error {
	if c, ok := w.peek(); ok && c == ']' {
		w.take(1)
		return d.lines(w, 0, each)
	}
	for index := 0; ; index++ {
		if err := d.element(w, index, each); err != nil {
			return err
		}
		line := w.line
		c, ok := w.peek()
		switch {
		case ok && c == ',':
			w.take(1)
			w.peek()
		case ok && c == ']':
			w.take(1)
			return d.lines(w, index+1, each)
		case w.failure() != nil:
			return w.failure()
		default:
			return d.broken(w, line == w.line, index+1, each)
		}
	}
}

// broken refuses the rest of a line on which an array broke off, and reads on in lines.
func (d *Decoder) broken(w *window, sameLine bool, index int, each Each) error {
	var rest []byte
	d.line = w.line + 1
	if sameLine {
		rest, _ = w.nextLine(d.maxLine)
	}
	if w.failure() != nil {
		return w.failure()
	}
	rej := d.refuse(InvalidJSON, "", "',' or ']' should follow the element; the array is given up here")
	if err := each(index, rest, nil, rej); err != nil {
		return err
	}
	return d.lines(w, index+1, each)
}

// element decodes one element, before which there is no white space.
func (d *Decoder) element(w *window, index int, each Each) error {
	if n, rej := d.object(w.unread()); rej == nil && n <= d.maxLine {
		raw := w.take(n)
		d.begins(w, raw)
		return d.give(index, raw, d.build(&d.ev), each)
	}
	cut, n, done := cutter{}, 0, false
	for {
		var m int
		m, done = cut.feed(w.unread()[n:])
		n += m
		if done || !w.more() {
			break
		}
	}
	switch {
	case !done && w.failure() != nil:
		return w.failure()
	case !done && w.err == nil:
		return d.overlong(w, cut, index, each)
	}
	raw := w.take(n)
	d.begins(w, raw)
	return d.offer(index, trim(raw), each)
}

// overlong refuses an element that fills the window, and passes over the rest of it.
func (d *Decoder) overlong(w *window, cut cutter, index int, each Each) error {
	d.line = w.line + 1
	if err := d.offer(index, w.unread(), each); err != nil {
		return err
	}
	for done := false; !done; {
		w.take(len(w.unread()))
		if !w.more() {
			return w.failure()
		}
		var n int
		n, done = cut.feed(w.unread())
		w.take(n)
	}
	return nil
}

// cutter finds the end of an array's element by its brackets and quotes alone, so that a malformed element can be told
// from its neighbours. It goes on from piece to piece.
type cutter struct {
	depth        int
	text, escape bool
}

// feed gives how many bytes of b belong to the element, and whether it ends there. A line end within a text ends it too:
// the closing quote is missing.
func (c *cutter) feed(b []byte) (n int, done bool) {
	for i, x := range b {
		if c.text {
			switch {
			case x == '\n':
				return i, true
			case c.escape:
				c.escape = false
			case x == '\\':
				c.escape = true
			case x == '"':
				c.text = false
				if c.depth == 0 {
					return i + 1, true
				}
			}
			continue
		}
		switch x {
		case '"':
			c.text = true
		case '{', '[':
			c.depth++
		case '}', ']':
			if c.depth == 0 {
				return i, true
			}
			if c.depth--; c.depth == 0 {
				return i + 1, true
			}
		case ',', '\n':
			if c.depth == 0 {
				return i, true
			}
		}
	}
	return len(b), false
}
