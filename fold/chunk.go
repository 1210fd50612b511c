package fold

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"

	"rollcall"
)

// ErrState tells that a chunk of state does not decode.
var ErrState = errors.New("damaged chunk of state")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// chunkWriter writes one chunk of state: a table of the combinations of dimension values in it, then the body, then a
// CRC32C of all.
type chunkWriter struct {
	dims   int
	tuples map[string]uint32
	table  []byte
	body   []byte
	key    []byte
	known  []uint32 // number in the table +1, by full cell of the shard
}

func newChunkWriter(dims int) *chunkWriter {
	return &chunkWriter{dims: dims, tuples: map[string]uint32{}}
}

// reset begins another chunk in the same memory.
func (w *chunkWriter) reset() {
	w.table, w.body = w.table[:0], w.body[:0]
	clear(w.tuples)
	clear(w.known)
}

func (w *chunkWriter) uvarint(v uint64) { w.body = binary.AppendUvarint(w.body, v) }
func (w *chunkWriter) varint(v int64)   { w.body = binary.AppendVarint(w.body, v) }
func (w *chunkWriter) byte(v byte)      { w.body = append(w.body, v) }
func (w *chunkWriter) fixed(v uint64)   { w.body = binary.LittleEndian.AppendUint64(w.body, v) }

// tuple writes a combination of values as its number in the table.
func (w *chunkWriter) tuple(values []rollcall.Value) {
	w.key = w.key[:0]
	for _, v := range values {
		w.key = binary.AppendUvarint(w.key, uint64(v))
	}
	n, ok := w.tuples[string(w.key)]
	if !ok {
		n = uint32(len(w.tuples))
		w.tuples[string(w.key)] = n
		w.table = append(w.table, w.key...)
	}
	w.uvarint(uint64(n))
}

// cell writes the values of a full cell of the shard.
func (w *chunkWriter) cell(t *cellTable, cell uint32) {
	if int(cell) >= len(w.known) {
		w.known = append(w.known, make([]uint32, t.len()-len(w.known))...)
	}
	if n := w.known[cell]; n > 0 {
		w.uvarint(uint64(n - 1))
		return
	}
	start := len(w.body)
	w.tuple(t.tupleOf(len(t.cuboids)-1, cell))
	n, _ := binary.Uvarint(w.body[start:])
	w.known[cell] = uint32(n) + 1
}

// The ways a text is written.
const (
	textPlain = iota // length and bytes
	textHex          // lower-case hexadecimal, two digits a byte
	textUUID         // lower-case 8-4-4-4-12, 16 bytes
)

// text writes a text, packed when it is hexadecimal or a UUID, and so exactly that it reads back byte for byte.
func (w *chunkWriter) text(s []byte) {
	start := len(w.body)
	switch {
	case len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-':
		w.uvarint(16<<2 | textUUID)
		if w.hex(s[:8]) && w.hex(s[9:13]) && w.hex(s[14:18]) && w.hex(s[19:23]) && w.hex(s[24:]) {
			return
		}
	case len(s) >= 4 && len(s)%2 == 0:
		w.uvarint(uint64(len(s)/2)<<2 | textHex)
		if w.hex(s) {
			return
		}
	}
	w.body = w.body[:start]
	w.uvarint(uint64(len(s))<<2 | textPlain)
	w.body = append(w.body, s...)
}

// digitValues gives the value of a lower-case hexadecimal digit, and 255 for any other byte.
var digitValues = func() (t [256]uint8) {
	for i := range t {
		t[i] = 255
	}
	for i, c := range "0123456789abcdef" {
		t[c] = uint8(i)
	}
	return t
}()

// hex writes an even number of digits; false when one is not a lower-case hexadecimal digit.
func (w *chunkWriter) hex(s []byte) bool {
	for i := 0; i+1 < len(s); i += 2 {
		hi, lo := digitValues[s[i]], digitValues[s[i+1]]
		if hi|lo > 15 {
			return false
		}
		w.body = append(w.body, hi<<4|lo)
	}
	return true
}

// bytes gives the finished chunk.
func (w *chunkWriter) bytes() []byte {
	b := make([]byte, 0, len(w.table)+len(w.body)+16)
	b = binary.AppendUvarint(b, uint64(w.dims))
	b = binary.AppendUvarint(b, uint64(len(w.tuples)))
	b = append(append(b, w.table...), w.body...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// chunkReader reads what chunkWriter wrote. After the first bad value it gives zeros and bad is set.
type chunkReader struct {
	b      []byte
	bad    bool
	dims   int
	tuples []rollcall.Value
	digits []byte
}

func readChunk(data []byte) (*chunkReader, error) {
	if len(data) < 4 {
		return nil, ErrState
	}
	body, sum := data[:len(data)-4], binary.LittleEndian.Uint32(data[len(data)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, fmt.Errorf("%w: checksum", ErrState)
	}
	r := &chunkReader{b: body}
	dims, n := r.uvarint(), r.uvarint()
	if dims > rollcall.MaxDimensions || dims*n > uint64(len(r.b)) {
		return nil, ErrState
	}
	r.dims = int(dims)
	for range dims * n {
		r.tuples = append(r.tuples, rollcall.Value(r.uvarint()))
	}
	return r, r.err()
}

func (r *chunkReader) err() error {
	if r.bad {
		return ErrState
	}
	return nil
}

func (r *chunkReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *chunkReader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *chunkReader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

func (r *chunkReader) fixed() uint64 {
	if s := r.take(8); s != nil {
		return binary.LittleEndian.Uint64(s)
	}
	return 0
}

func (r *chunkReader) byte() byte {
	if s := r.take(1); s != nil {
		return s[0]
	}
	return 0
}

// tuple gives a combination of values, valid as long as the reader.
func (r *chunkReader) tuple() []rollcall.Value {
	i := r.uvarint()
	if r.dims == 0 {
		return nil
	}
	if i >= uint64(len(r.tuples)/r.dims) {
		r.bad = true
		return make([]rollcall.Value, r.dims)
	}
	return r.tuples[int(i)*r.dims : (int(i)+1)*r.dims]
}

// text gives a text, valid until the next call.
func (r *chunkReader) text() []byte {
	h := r.uvarint()
	s := r.take(h >> 2)
	if h&3 == textPlain {
		return s
	}
	r.digits = hex.AppendEncode(r.digits[:0], s)
	if h&3 == textHex || len(r.digits) != 32 {
		return r.digits
	}
	d := r.digits
	u := append([]byte(nil), d[:8]...)
	for _, part := range [][]byte{d[8:12], d[12:16], d[16:20], d[20:]} {
		u = append(append(u, '-'), part...)
	}
	return u
}

func (r *chunkReader) skipText() { r.take(r.uvarint() >> 2) }

func (r *chunkReader) more() bool { return !r.bad && len(r.b) > 0 }
