package record

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"rollcall"
)

// ShardOf gives the shard of a user: the XXH3 hash of user_id mod shards.
func ShardOf(user []byte, shards int) int {
	return int(xxh3.Hash(user) % uint64(shards))
}

const (
	version       = 1
	versionErased = 2 // some rows may be erased: a program that does not know of them must not take them for events
	flagRec       = 1 << 0
	flagBnc       = 1 << 1
	flagNew       = 1 << 2
	flagType      = 1 << 3 // the event has a type of its own; without it: rollcall.DefaultType
	flagErased    = 1 << 4 // the event was erased; zeros follow
)

// Encoder builds one batch. It keeps its memory over Reset and allocates nothing per event in the steady state.
type Encoder struct {
	dims    []string
	rows    []byte
	count   int
	erased  int
	base    int64
	last    int64
	strings interner // texts
	tuples  interner // combinations, as the varints of their text numbers
	tuple   []byte
	out     []byte
}

// NewEncoder makes an encoder for events with these dimensions.
func NewEncoder(dims []string) *Encoder { return &Encoder{dims: dims} }

// Count is the number of events added since Reset.
func (e *Encoder) Count() int { return e.count }

// Size is about the number of bytes that Bytes will return.
func (e *Encoder) Size() int { return len(e.rows) + len(e.strings.arena) + len(e.tuples.arena) + 64 }

// Reset empties the encoder.
func (e *Encoder) Reset() {
	e.rows, e.count, e.erased, e.base, e.last = e.rows[:0], 0, 0, 0, 0
	e.strings.reset()
	e.tuples.reset()
}

// Add appends an event; nothing of it is kept.
func (e *Encoder) Add(ev *rollcall.Event) {
	if e.count == e.erased {
		e.base, e.last = ev.Time, ev.Time
	}
	e.count++
	e.tuple = e.tuple[:0]
	for _, d := range ev.Dims {
		e.tuple = binary.AppendUvarint(e.tuple, uint64(e.strings.add(d)))
	}
	flags, typ := byte(0), uint32(0)
	if ev.Record {
		flags |= flagRec
	}
	if ev.Bounce {
		flags |= flagBnc
	}
	if ev.NewUser {
		flags |= flagNew
	}
	if len(ev.Type) > 0 && string(ev.Type) != rollcall.DefaultType {
		flags |= flagType
		typ = e.strings.add(ev.Type)
	}
	b := append(e.rows, flags)
	b = binary.AppendUvarint(b, uint64(e.tuples.add(e.tuple)))
	b = binary.AppendVarint(b, ev.Time-e.last)
	if flags&flagType != 0 {
		b = binary.AppendUvarint(b, uint64(typ))
	}
	if ev.Record {
		b = binary.AppendVarint(b, ev.Duration)
	}
	b = appendText(b, ev.User)
	b = appendText(b, ev.ID)
	e.rows = appendText(b, ev.Session)
	e.last = ev.Time
}

// AddErased appends the blank that an erased event leaves: a row that keeps its number, and nothing else.
func (e *Encoder) AddErased() {
	e.count++
	e.erased++
	e.rows = append(e.rows, blank...)
}

// blank is an erased row: of no combination, no time and no texts.
const blank = "\x10\x00\x00\x00\x00\x00"

// Bytes gives the encoded batch, valid until the next call of Bytes or Reset.
func (e *Encoder) Bytes() []byte {
	b := append(e.out[:0], version)
	if e.erased > 0 {
		b[0] = versionErased
	}
	b = binary.AppendUvarint(b, uint64(len(e.dims)))
	for _, d := range e.dims {
		b = appendText(b, []byte(d))
	}
	b = binary.AppendUvarint(b, uint64(e.strings.len()))
	for i := range e.strings.len() {
		b = appendText(b, e.strings.get(i))
	}
	b = binary.AppendUvarint(b, uint64(e.tuples.len()))
	b = append(b, e.tuples.arena...)
	b = binary.AppendUvarint(b, uint64(e.count))
	b = binary.AppendVarint(b, e.base)
	e.out = append(b, e.rows...)
	return e.out
}

func appendText[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// interner numbers distinct byte strings in order of appearance.
type interner struct {
	arena []byte
	ends  []uint32
	slots []uint32 // number+1
}

func (t *interner) len() int { return len(t.ends) }

func (t *interner) get(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.arena[start:t.ends[i]]
}

func (t *interner) reset() {
	t.arena, t.ends = t.arena[:0], t.ends[:0]
	clear(t.slots)
}

func (t *interner) add(s []byte) uint32 {
	if 2*len(t.ends) >= len(t.slots) {
		t.grow()
	}
	mask := uint32(len(t.slots) - 1)
	for i := uint32(xxh3.Hash(s)) & mask; ; i = (i + 1) & mask {
		if t.slots[i] == 0 {
			t.arena = append(t.arena, s...)
			t.ends = append(t.ends, uint32(len(t.arena)))
			t.slots[i] = uint32(len(t.ends))
			return t.slots[i] - 1
		}
		if n := t.slots[i] - 1; string(t.get(int(n))) == string(s) {
			return n
		}
	}
}

func (t *interner) grow() {
	t.slots = make([]uint32, max(64, 2*len(t.slots)))
	mask := uint32(len(t.slots) - 1)
	for n := range t.ends {
		i := uint32(xxh3.Hash(t.get(n))) & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = uint32(n) + 1
	}
}
