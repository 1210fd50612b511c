package eventlog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"slices"

	"rollcall"
)

// A segment's file begins with a header: 8 bytes of magic and version, body bytes u32, CRC32C of the body u32, body.
// It tells all that must be known of the segments before it, so that these may be deleted.
type header struct {
	id       uint32            // of the log; random, so that no foreign frame or segment passes for one of its own
	number   uint64            // of the segment, rising by one
	seq      uint64            // of the first frame
	received int64             // of the last frame before it, Unix ms
	before   int64             // size of the segment before it, bytes; 0 for none
	base     []rollcall.Offset // by shard: the offset of the first record
	marks    map[string]int64  // those not done

	whole, was int64 // of a segment that was written anew: the size of its file, and the one the next segment knows; else 0
}

const (
	headerMagic = "RCLOG\x00\x00\x01"
	anewMagic   = "RCLOG\x00\x00\x02" // of a segment that was written anew: whole and was follow the marks
	headerFront = 16
	maxHeader   = 64 << 20
	maxMarks    = 1 << 16
	maxShards   = 1024
	maxSource   = 256
)

var (
	errHeader  = errors.New("the segment's header is damaged")
	errVersion = errors.New("a newer version of rollcall wrote this: use that one, or a newer one")
)

func (h *header) encode() []byte {
	b := append(make([]byte, 0, 256), headerMagic...)
	b = append(b, make([]byte, headerFront-len(headerMagic))...)
	for _, v := range []uint64{uint64(h.id), h.number, h.seq, uint64(h.received), uint64(h.before), uint64(len(h.base))} {
		b = binary.AppendUvarint(b, v)
	}
	for _, o := range h.base {
		b = binary.AppendUvarint(b, uint64(o))
	}
	b = binary.AppendUvarint(b, uint64(len(h.marks)))
	for _, source := range slices.Sorted(maps.Keys(h.marks)) {
		b = appendMark(b, &Mark{Source: source, Position: h.marks[source]})
	}
	if h.whole > 0 { // of fixed width, so that the header can be written last
		copy(b, anewMagic)
		b = binary.LittleEndian.AppendUint64(b, uint64(h.whole))
		b = binary.LittleEndian.AppendUint64(b, uint64(h.was))
	}
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-headerFront))
	binary.LittleEndian.PutUint32(b[12:], crc32.Checksum(b[headerFront:], castagnoli))
	return b
}

// decodeHeader reads a header from the front of b. When b holds only a part of it, need is greater than len(b).
func decodeHeader(b []byte) (h header, need int, err error) {
	if len(b) < headerFront {
		return h, headerFront, nil
	}
	if string(b[:7]) == anewMagic[:7] && b[7] > anewMagic[7] {
		return h, 0, errVersion
	}
	anew := string(b[:8]) == anewMagic
	if string(b[:8]) != headerMagic && !anew {
		return h, 0, errHeader
	}
	n := binary.LittleEndian.Uint32(b[8:])
	if n > maxHeader {
		return h, 0, errHeader
	}
	need = headerFront + int(n)
	if need > len(b) {
		return h, need, nil
	}
	if crc32.Checksum(b[headerFront:need], castagnoli) != binary.LittleEndian.Uint32(b[12:]) {
		return h, 0, errHeader
	}
	body := b[headerFront:need]
	if anew {
		if body, err = h.decodeSizes(body); err != nil {
			return h, 0, err
		}
	}
	err = h.decode(body)
	return h, need, err
}

// decodeSizes takes whole and was off the end of a header's body.
func (h *header) decodeSizes(b []byte) (rest []byte, err error) {
	n := len(b) - 16
	if n < 0 {
		return nil, errHeader
	}
	h.whole, h.was = int64(binary.LittleEndian.Uint64(b[n:])), int64(binary.LittleEndian.Uint64(b[n+8:]))
	if h.whole <= 0 || h.was <= 0 {
		return nil, errHeader
	}
	return b[:n], nil
}

func (h *header) decode(b []byte) error {
	d := cutter{b: b}
	h.id, h.number, h.seq = uint32(d.uvarint()), d.uvarint(), d.uvarint()
	h.received, h.before = int64(d.uvarint()), int64(d.uvarint())
	shards := d.uvarint()
	if shards == 0 || shards > maxShards {
		return errHeader
	}
	h.base = make([]rollcall.Offset, shards)
	for i := range h.base {
		h.base[i] = rollcall.Offset(d.uvarint())
	}
	h.marks = map[string]int64{}
	for n := d.uvarint(); n > 0 && !d.bad; n-- {
		e, rest, err := cutEntry(d.b, 0)
		if err != nil || e.shard >= 0 {
			return errHeader
		}
		h.marks[e.mark.Source], d.b = e.mark.Position, rest
	}
	if d.bad || len(d.b) > 0 {
		return errHeader
	}
	return nil
}

// walk is the place of the first frame, size being that of the header.
func (h *header) walk(size int) walk {
	w := walk{pos: int64(size), seq: h.seq, received: h.received, sealed: true, next: h.base}
	return w.clone()
}
