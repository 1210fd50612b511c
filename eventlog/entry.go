package eventlog

import (
	"encoding/binary"
	"math"
)

// An entry of a frame is a record (shard+1, count, payload length, payload) or a mark (0, done, position, source
// length, source). Numbers are varints.
type entry struct {
	shard   int // -1 for a mark
	count   int
	payload []byte
	mark    Mark
}

const entryOverhead = 4 * binary.MaxVarintLen64

func appendRecord(b []byte, r *Record) []byte {
	b = binary.AppendUvarint(b, uint64(r.Shard)+1)
	b = binary.AppendUvarint(b, uint64(r.Count))
	b = binary.AppendUvarint(b, uint64(len(r.Payload)))
	return append(b, r.Payload...)
}

func appendMark(b []byte, m *Mark) []byte {
	done := uint64(0)
	if m.Done {
		done = 1
	}
	b = binary.AppendUvarint(b, 0)
	b = binary.AppendUvarint(b, done)
	b = binary.AppendUvarint(b, uint64(m.Position))
	b = binary.AppendUvarint(b, uint64(len(m.Source)))
	return append(b, m.Source...)
}

// cutEntry takes the entry off the front of a frame's body.
func cutEntry(b []byte, shards int) (e entry, rest []byte, err error) {
	d := cutter{b: b}
	tag := d.uvarint()
	if tag == 0 {
		e.shard = -1
		e.mark.Done = d.uvarint() == 1
		e.mark.Position = int64(d.uvarint())
		e.mark.Source = string(d.text())
		return e, d.b, d.err()
	}
	count := d.uvarint()
	e.payload = d.text()
	if tag > uint64(shards) || count == 0 || count > math.MaxInt32 {
		d.bad = true
	}
	e.shard, e.count = int(tag)-1, int(count)
	return e, d.b, d.err()
}

// checkEntries tells whether a frame's body is entries from end to end.
func checkEntries(b []byte, shards int) (err error) {
	for len(b) > 0 && err == nil {
		_, b, err = cutEntry(b, shards)
	}
	return err
}

// cutter takes values off the front of b; after the first bad one it gives zeros.
type cutter struct {
	b   []byte
	bad bool
}

func (d *cutter) err() error {
	if d.bad {
		return errEntry
	}
	return nil
}

func (d *cutter) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *cutter) text() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	s := d.b[:n:n]
	d.b = d.b[n:]
	return s
}
