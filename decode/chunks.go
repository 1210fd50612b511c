package decode

import (
	"bytes"
	"io"
)

// Chunks cuts NDJSON into pieces of whole lines that several goroutines can decode with Lines.
type Chunks struct {
	r       io.Reader
	size    int
	maxLine int
	rest    []byte // read, but behind the last chunk
	offset  int64  // of rest
	err     error
}

// NewChunks makes chunks of about size bytes each of r. maxLine is that of the Decoders; 0 is DefaultMaxLine.
func NewChunks(r io.Reader, size, maxLine int) *Chunks {
	if maxLine <= 0 {
		maxLine = DefaultMaxLine
	}
	return &Chunks{r: r, size: max(size, 1), maxLine: maxLine}
}

// Next gives the next whole lines, in buf's memory as far as it reaches, and the offset of the first of them in the
// input. Only the last chunk may lack the line end. Of a line that is too long it hands on so much that Lines refuses
// it. At the end it gives io.EOF; after a read error, first the whole lines before it and then the error.
func (c *Chunks) Next(buf []byte) (chunk []byte, offset int64, err error) {
	chunk, offset = append(buf[:0], c.rest...), c.offset
	c.rest = c.rest[:0]
	for end := 0; ; {
		size := c.size
		if len(chunk) >= size {
			size = 2 * len(chunk)
		}
		chunk = c.read(chunk, size)
		if n := bytes.LastIndexByte(chunk[end:], '\n'); n >= 0 {
			c.rest = append(c.rest, chunk[end+n+1:]...)
			chunk = chunk[:end+n+1]
			c.offset += int64(len(chunk))
			return chunk, offset, nil
		}
		end = len(chunk)
		switch {
		case c.err == io.EOF && len(chunk) > 0:
			c.offset += int64(len(chunk))
			return chunk, offset, nil
		case c.err != nil:
			return nil, offset, c.err
		case len(chunk) > c.maxLine+1:
			c.offset += int64(len(chunk))
			chunk, err = c.cut(chunk)
			return chunk, offset, err
		}
	}
}

// read appends to b until it has size bytes, or what there is.
func (c *Chunks) read(b []byte, size int) []byte {
	if cap(b) < size {
		b = append(make([]byte, 0, size), b...)
	}
	for idle := 0; len(b) < size && c.err == nil; idle++ {
		var n int
		n, c.err = c.r.Read(b[len(b):size])
		b = b[:len(b)+n]
		if n > 0 {
			idle = 0
		} else if idle == 100 && c.err == nil {
			c.err = io.ErrNoProgress
		}
	}
	return b
}

// cut shortens a line that is too long, the start of which b holds, and passes over the rest of it. The line keeps a
// byte more than makes it too long, so that it is so even if a carriage return is taken off.
func (c *Chunks) cut(b []byte) ([]byte, error) {
	b = b[:c.maxLine+2]
	piece := c.rest
	for {
		piece = c.read(piece[:0], max(c.size, 64<<10))
		if n := bytes.IndexByte(piece, '\n'); n >= 0 {
			c.offset += int64(n + 1)
			c.rest = append(piece[:0], piece[n+1:]...)
			return append(b, '\n'), nil
		}
		c.offset += int64(len(piece))
		if c.err != nil {
			c.rest = piece[:0]
			if c.err == io.EOF {
				return b, nil
			}
			return nil, c.err
		}
	}
}
