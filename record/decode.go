package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"

	"rollcall"
)

// ErrMalformed tells that bytes are not a batch.
var ErrMalformed = errors.New("malformed batch")

// Batch is a decoded batch. Its slices point into the payload.
type Batch struct {
	DimNames [][]byte
	Strings  [][]byte // distinct texts
	Tuples   []uint32 // combination t has the texts Strings[Tuples[t*len(DimNames)+d]]
	Rows     []Row

	sums []uint64 // hash of each combination
}

// Row is one event of a batch.
type Row struct {
	User, ID, Session []byte
	Identity          []byte // the encoded bytes of User, ID and Session together
	Time              int64  // Unix ms
	Duration          int64  // ms, session record only
	Tuple             uint32
	Type              uint32 // text number + 1; 0 for rollcall.DefaultType
	Record            bool
	Bounce            bool
	NewUser           bool
	Erased            bool // it was an event, and counts nowhere; the rest is empty, and Time means nothing
}

// Rename gives dimensions other names, as they were called when the batch was written to what they are called now. One whose new
// name the batch has as well keeps its own. Hashes stay those of the names that were written.
func (b *Batch) Rename(now map[string]string) {
	if len(now) == 0 {
		return
	}
	for i, name := range b.DimNames {
		if to, is := now[string(name)]; is && !slices.ContainsFunc(b.DimNames, func(n []byte) bool { return string(n) == to }) {
			b.DimNames[i] = []byte(to)
		}
	}
}

// TypeName gives the type of a row.
func (b *Batch) TypeName(r *Row) []byte {
	if r.Type == 0 {
		return []byte(rollcall.DefaultType)
	}
	return b.Strings[r.Type-1]
}

// Event writes row i into ev as it was added. Empty dimension values stay empty; an erased row has none of all.
func (b *Batch) Event(i int, ev *rollcall.Event) {
	r := &b.Rows[i]
	ev.Reset(len(b.DimNames))
	if r.Erased {
		return
	}
	ev.User, ev.ID, ev.Session, ev.Time = r.User, r.ID, r.Session, r.Time
	ev.Record, ev.Bounce, ev.NewUser, ev.Duration = r.Record, r.Bounce, r.NewUser, r.Duration
	if r.Type > 0 {
		ev.Type = b.Strings[r.Type-1]
	}
	for d := range ev.Dims {
		ev.Dims[d] = b.Strings[b.Tuples[int(r.Tuple)*len(ev.Dims)+d]]
	}
}

// Hash gives the 128-bit hash of an event's content: XXH3-128 over its identity, seeded with the hash of the rest. Two
// batches that hold the same event give it the same hash. That of an erased row is 0.
func (b *Batch) Hash(r *Row) (hi, lo uint64) {
	if r.Erased {
		return 0, 0
	}
	seed := b.sums[r.Tuple] ^ mix(uint64(r.Time))
	if r.Type > 0 {
		seed ^= bits.RotateLeft64(xxh3.HashSeed(b.Strings[r.Type-1], 2), 17)
	}
	if r.Record {
		flags := uint64(1)
		if r.Bounce {
			flags |= 2
		}
		if r.NewUser {
			flags |= 4
		}
		seed ^= mix(uint64(r.Duration)<<3|flags) * 3
	}
	h := xxh3.Hash128Seed(r.Identity, seed)
	return h.Hi, h.Lo
}

func mix(x uint64) uint64 {
	x ^= x >> 32
	x *= 0x9E3779B97F4A7C15
	x ^= x >> 29
	x *= 0xBF58476D1CE4E5B9
	return x ^ x>>32
}

// Combinations is how many combinations of dimension values there are; without dimensions one, of nothing.
func (b *Batch) Combinations() int {
	if len(b.DimNames) == 0 {
		return 1
	}
	return len(b.Tuples) / len(b.DimNames)
}

// sumTuples hashes each combination by name and value; a dimension without a value adds nothing, so that a dimension
// added to the configuration later changes no hash.
func (b *Batch) sumTuples() {
	n := len(b.DimNames)
	b.sums = b.sums[:0]
	for t := range b.Combinations() {
		sum := uint64(0)
		for d := range n {
			if v := b.Strings[b.Tuples[t*n+d]]; len(v) > 0 && string(v) != rollcall.NotSet {
				sum += mix(xxh3.HashSeed(v, xxh3.HashSeed(b.DimNames[d], 1)))
			}
		}
		b.sums = append(b.sums, sum)
	}
}

// Decode reads a payload into b, keeping b's memory. The result points into the payload.
func (b *Batch) Decode(payload []byte) error {
	d := reader{b: payload}
	if d.version = d.byte(); d.version != version && d.version != versionErased {
		return fmt.Errorf("%w: version", ErrMalformed)
	}
	b.DimNames = b.DimNames[:0]
	for range d.count(1) {
		b.DimNames = append(b.DimNames, d.text())
	}
	b.Strings = b.Strings[:0]
	for range d.count(1) {
		b.Strings = append(b.Strings, d.text())
	}
	b.Tuples = b.Tuples[:0]
	tuples := d.count(len(b.DimNames))
	for range tuples * len(b.DimNames) {
		s := d.uvarint()
		if s >= uint64(len(b.Strings)) {
			d.bad = true
			break
		}
		b.Tuples = append(b.Tuples, uint32(s))
	}
	if len(b.DimNames) == 0 {
		d.bad = d.bad || tuples > 1
		tuples = 1
	}
	n, time := d.count(len(blank)), d.varint()
	b.Rows = b.Rows[:0]
	for range n {
		if d.bad {
			break
		}
		b.Rows = append(b.Rows, Row{})
		r := &b.Rows[len(b.Rows)-1]
		d.row(r)
		time += r.Time
		r.Time = time
		if uint64(r.Tuple) >= uint64(tuples) && !r.Erased || uint64(r.Type) > uint64(len(b.Strings)) {
			d.bad = true
		}
	}
	if d.bad || d.left() > 0 {
		b.Release()
		return ErrMalformed
	}
	b.sumTuples()
	return nil
}

// Release lets go of the payload and keeps b's own memory, so that a batch that waits to be used again holds nothing of
// the log in memory.
func (b *Batch) Release() {
	clear(b.DimNames)
	clear(b.Strings)
	clear(b.Rows)
	b.DimNames, b.Strings, b.Rows = b.DimNames[:0], b.Strings[:0], b.Rows[:0]
}

// reader takes values off b from p on; after the first bad one it gives zeros.
type reader struct {
	b       []byte
	p       int
	bad     bool
	version byte
}

func (d *reader) row(r *Row) {
	flags := d.byte()
	if flags&flagErased != 0 {
		d.erased(r)
		return
	}
	r.Record, r.Bounce, r.NewUser = flags&flagRec != 0, flags&flagBnc != 0, flags&flagNew != 0
	r.Tuple = d.uint32()
	r.Time = d.varint()
	if flags&flagType != 0 {
		if r.Type = d.uint32() + 1; r.Type == 0 {
			d.bad = true
		}
	}
	if r.Record {
		r.Duration = d.varint()
	}
	start := d.p
	r.User, r.ID, r.Session = d.text(), d.text(), d.text()
	r.Identity = d.b[start:d.p]
}

// erased takes the rest of a blank, which hides nothing.
func (d *reader) erased(r *Row) {
	p, end := d.p-1, d.p-1+len(blank)
	if d.version != versionErased || end > len(d.b) || string(d.b[p:end]) != blank {
		d.bad = true
		return
	}
	r.Erased, d.p = true, end
}

func (d *reader) left() int { return len(d.b) - d.p }

func (d *reader) byte() byte {
	if d.p >= len(d.b) {
		d.bad = true
		return 0
	}
	d.p++
	return d.b[d.p-1]
}

func (d *reader) uvarint() uint64 {
	if p := d.p; p < len(d.b) && d.b[p] < 0x80 {
		d.p++
		return uint64(d.b[p])
	}
	return d.longUvarint()
}

func (d *reader) longUvarint() uint64 {
	v, n := binary.Uvarint(d.b[d.p:])
	if n <= 0 {
		d.bad, d.p = true, len(d.b)
		return 0
	}
	d.p += n
	return v
}

func (d *reader) uint32() uint32 {
	v := d.uvarint()
	if v > 1<<32-1 {
		d.bad = true
	}
	return uint32(v)
}

func (d *reader) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// count reads a number of things that take at least width bytes each, and refuses more than there can be.
func (d *reader) count(width int) int {
	n := d.uvarint()
	if n > uint64(d.left())/uint64(max(width, 1)) && (width > 0 || n > 1) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *reader) text() []byte {
	n := d.uvarint()
	if n > uint64(d.left()) {
		d.bad = true
		return nil
	}
	p, end := d.p, d.p+int(n)
	d.p = end
	return d.b[p:end:end]
}
