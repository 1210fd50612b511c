package eventlog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"rollcall"
)

// A frame is what one group commit gathered: a header of frameHead bytes, then entries. Numbers are little endian.
//
//	0 magic u32 | 4 body bytes u32 | 8 sequence u64 | 16 position in the file u64 | 24 received, Unix ms i64 |
//	32 CRC32C of the body u32 | 36 CRC32C of the 36 bytes before, seeded with the log's identity u32
//
// Offsets are not written: a record's offset is the number of events of its shard before it, counted from the header
// of the segment. Sequence and position say that the frame is the one that belongs here.
const (
	frameMagic = 0x4d524652 // "RFRM"
	frameHead  = 40
	maxBody    = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// walk is a place in the sequence of frames.
type walk struct {
	pos      int64             // byte in the segment's file
	seq      uint64            // of the next frame
	received int64             // of the last frame, Unix ms
	sealed   bool              // nothing can be lost unseen: no frame yet, or the last one was empty
	next     []rollcall.Offset // by shard: the number of events so far
}

func (w *walk) clone() walk {
	c := *w
	c.next = append([]rollcall.Offset(nil), w.next...)
	return c
}

// view is a frame that agrees with its checksums and its place.
type view struct {
	received int64
	body     []byte
}

// Why a frame is not one.
var (
	errMagic    = errors.New("no frame begins here")
	errHead     = errors.New("the frame's header does not match its checksum")
	errPlace    = errors.New("the frame belongs to another place in the log")
	errBody     = errors.New("the frame's content does not match its checksum")
	errEntry    = errors.New("the frame's content is malformed")
	errPastEnd  = errors.New("the frame runs past the end of the file")
	errEndEarly = errors.New("the segment ends before the offsets that the next one begins with")
)

// open checks the frame at the front of b, which lies at w. When b holds only a part of it, need is greater than
// len(b): the bytes wanted to go on.
func (w *walk) open(id uint32, b []byte) (v view, need int, err error) {
	if len(b) < frameHead {
		return v, frameHead, nil
	}
	size, err := checkHead(id, b, w.pos)
	if err != nil {
		return v, 0, err
	}
	if binary.LittleEndian.Uint64(b[8:]) != w.seq {
		return v, 0, errPlace
	}
	if size > len(b) {
		return v, size, nil
	}
	v = view{int64(binary.LittleEndian.Uint64(b[24:])), b[frameHead:size:size]}
	if crc32.Checksum(v.body, castagnoli) != binary.LittleEndian.Uint32(b[32:]) {
		return v, 0, errBody
	}
	return v, size, nil
}

// checkHead checks the header of a frame that lies at pos, whatever its sequence, and gives the size of the frame.
func checkHead(id uint32, b []byte, pos int64) (size int, err error) {
	if binary.LittleEndian.Uint32(b) != frameMagic {
		return 0, errMagic
	}
	if crc32.Update(id, castagnoli, b[:36]) != binary.LittleEndian.Uint32(b[36:]) {
		return 0, errHead
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if binary.LittleEndian.Uint64(b[16:]) != uint64(pos) || n > maxBody {
		return 0, errPlace
	}
	return frameHead + int(n), nil
}

// pass moves w behind the frame v.
func (w *walk) pass(v view) {
	w.pos += int64(frameHead + len(v.body))
	w.seq++
	w.received = v.received
	w.sealed = len(v.body) == 0
}

// frame is a frame in the making. After taken is closed nobody adds to it; after done is closed err holds the outcome.
type frame struct {
	buf     []byte
	appends int
	events  int
	ends    bool // the segment ends before it, if there is an event in that
	taken   chan struct{}
	done    chan struct{}
	err     error
}

// newFrame makes a frame in the room that buf has behind its length.
func newFrame(buf []byte) *frame {
	var head [frameHead]byte
	return &frame{buf: append(buf, head[:]...), taken: make(chan struct{}), done: make(chan struct{})}
}

const minSlab, maxSlab = 1 << 20, 16 << 20

// follower makes the frame that gathers next: in what is left of f's memory if as much as f fits in there, or in a new slab.
func (f *frame) follower() *frame {
	room := f.buf[len(f.buf):]
	if cap(room) < max(minSlab/16, len(f.buf)) {
		room = make([]byte, 0, min(max(minSlab, 4*len(f.buf)), maxSlab))
	}
	return newFrame(room)
}

func (f *frame) add(records []Record, mark *Mark) {
	for i := range records {
		f.buf = appendRecord(f.buf, &records[i])
		f.events += records[i].Count
	}
	if mark != nil {
		f.buf = appendMark(f.buf, mark)
	}
	f.appends++
}

// seal writes the header for the place w.
func (f *frame) seal(id uint32, w *walk, received int64) view {
	h, body := f.buf[:frameHead], f.buf[frameHead:]
	binary.LittleEndian.PutUint32(h, frameMagic)
	binary.LittleEndian.PutUint32(h[4:], uint32(len(body)))
	binary.LittleEndian.PutUint64(h[8:], w.seq)
	binary.LittleEndian.PutUint64(h[16:], uint64(w.pos))
	binary.LittleEndian.PutUint64(h[24:], uint64(received))
	binary.LittleEndian.PutUint32(h[32:], crc32.Checksum(body, castagnoli))
	binary.LittleEndian.PutUint32(h[36:], crc32.Update(id, castagnoli, h[:36]))
	return view{received, body[:len(body):len(body)]}
}
