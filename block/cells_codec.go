package block

import (
	"encoding/binary"
	"fmt"
)

// Encode appends the blob of the block to dst: sub-buckets as runs, then a column for each dimension and counter in
// the shortest of its forms, compressed where that pays. Equal blocks have equal blobs.
func (c *Cells) Encode(dst []byte) []byte {
	plain := binary.AppendUvarint(make([]byte, 0, 64+16*c.Len()), uint64(c.Len()))
	plain = appendRuns(plain, c.Sub)
	for _, col := range c.Dims {
		plain = appendColumn(plain, col)
	}
	for _, col := range c.Counters {
		plain = appendColumn(plain, col)
	}
	start := len(dst)
	dst = append(dst, formatCells)
	dst = appendSection(dst, plain)
	return seal(dst, start, c.Key.bytes())
}

// DecodeCells reads the blob of a block. The block shares no memory with data. Errors wrap ErrCorrupt and name the key.
func DecodeCells(data []byte, key CellKey) (*Cells, error) {
	body, reason := unseal(data, formatCells, key.bytes())
	if reason == "" {
		var c *Cells
		if c, reason = decodeCells(body, key); reason == "" {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%v: %w: %s", key, ErrCorrupt, reason)
}

func decodeCells(body []byte, key CellKey) (*Cells, string) {
	plain, rest, ok := readSection(body)
	if !ok || len(rest) != 0 {
		return nil, "bad section"
	}
	n, plain, ok := readLength(plain, 256) // more rows than sub-buckets need a dimension column, a byte a row
	if !ok {
		return nil, "bad number of rows"
	}
	c := NewCells(key, n)
	c.Sub = c.Sub[:n]
	if plain, ok = readRuns(plain, c.Sub); !ok {
		return nil, "bad sub-buckets"
	}
	for i := range c.Dims {
		c.Dims[i] = c.Dims[i][:n]
		if plain, ok = readColumn(plain, c.Dims[i]); !ok {
			return nil, fmt.Sprintf("bad dimension column %d", i)
		}
	}
	for i := range c.Counters {
		c.Counters[i] = c.Counters[i][:n]
		if plain, ok = readColumn(plain, c.Counters[i]); !ok {
			return nil, fmt.Sprintf("bad counter column %d", i)
		}
	}
	if len(plain) != 0 || !c.sorted() {
		return nil, "rows out of order"
	}
	return c, ""
}

func (c *Cells) sorted() bool {
	for i := 1; i < c.Len(); i++ {
		if c.Sub[i-1] < c.Sub[i] {
			continue
		}
		if c.Sub[i-1] > c.Sub[i] || !dimsLess(c.Dims, i-1, c.Dims, i) {
			return false
		}
	}
	return true
}

// appendRuns stores rising sub-buckets as runs: the step from the run before, and the length.
func appendRuns(dst []byte, sub []uint8) []byte {
	prev := uint8(0)
	for i := 0; i < len(sub); {
		from := i
		for i < len(sub) && sub[i] == sub[from] {
			i++
		}
		dst = append(dst, sub[from]-prev)
		dst = binary.AppendUvarint(dst, uint64(i-from))
		prev = sub[from]
	}
	return dst
}

func readRuns(data []byte, sub []uint8) (rest []byte, ok bool) {
	at := 0
	for len(sub) > 0 {
		if len(data) == 0 {
			return nil, false
		}
		at += int(data[0])
		u, n := longUvarint(data[1:])
		if n == 0 || u == 0 || u > uint64(len(sub)) || at > 255 {
			return nil, false
		}
		for i := range sub[:u] {
			sub[i] = uint8(at)
		}
		sub, data = sub[u:], data[1+n:]
	}
	return data, true
}
