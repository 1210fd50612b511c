package fold

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// cut writes the keys added since the last snapshot, one chunk a part: for each user of the part a number of keys,
// then the keys' hashes, and, when they have them, their values.
func (x *keyIndex) cut(withValues bool, emit func(part int64, data []byte)) {
	if len(x.keys) == 0 {
		return
	}
	top := uint32(0)
	for i := range x.keys {
		top = max(top, x.keys[i].user)
	}
	// Sorting by user is counting and scattering.
	starts := make([]uint32, top+2)
	for i := range x.keys {
		starts[x.keys[i].user+1]++
	}
	for i := range starts[1:] {
		starts[i+1] += starts[i]
	}
	sorted, at := make([]keyValue, len(x.keys)), slices.Clone(starts)
	for _, k := range x.keys {
		sorted[at[k.user]] = k
		at[k.user]++
	}
	w := newChunkWriter(0)
	for low := uint32(0); low <= top; low += keyUsers {
		high := min(low+keyUsers, top+1)
		if keys := sorted[starts[low]:starts[high]]; len(keys) > 0 {
			w.reset()
			writeKeys(w, low, keys, withValues)
			emit(KeyPart(low), w.bytes())
		}
	}
}

// writeKeys writes keys sorted by user, all of the part that begins with user low.
func writeKeys(w *chunkWriter, low uint32, keys []keyValue, withValues bool) {
	i := 0
	for u := low; u < low+keyUsers; u++ {
		from := i
		for i < len(keys) && keys[i].user == u {
			i++
		}
		w.uvarint(uint64(i - from))
	}
	for _, k := range keys {
		w.fixed(k.hash)
	}
	if withValues {
		for _, k := range keys {
			w.uvarint(uint64(uint32(k.value)))
		}
	}
}

// readKeys gives the keys of a chunk, sorted by user.
func readKeys(part int64, data []byte, withValues bool) ([]keyValue, error) {
	r, err := readChunk(data)
	if err != nil {
		return nil, err
	}
	var keys []keyValue
	for i := range uint32(keyUsers) {
		n := r.uvarint()
		if n > uint64(len(r.b)/8) {
			return nil, ErrState
		}
		for range n {
			keys = append(keys, keyValue{user: uint32(part)<<8 + i, value: 1})
		}
	}
	for i := range keys {
		keys[i].hash = r.fixed()
	}
	for i := range keys {
		if withValues {
			keys[i].value = int32(uint32(r.uvarint()))
		}
	}
	if len(r.b) > 0 {
		return nil, ErrState
	}
	return keys, r.err()
}

// mergeKeys puts the keys of a part's chunks together.
func mergeKeys(part int64, chunks [][]byte, withValues bool) ([]byte, error) {
	var all []keyValue
	for _, data := range chunks {
		keys, err := readKeys(part, data, withValues)
		if err != nil {
			return nil, err
		}
		all = append(all, keys...)
	}
	slices.SortStableFunc(all, func(a, b keyValue) int { return int(a.user) - int(b.user) })
	w := newChunkWriter(0)
	writeKeys(w, uint32(part)<<8, all, withValues)
	return w.bytes(), nil
}

// ExpectIDs makes room for the event ids of a restart, about n of them.
func (s *Shard) ExpectIDs(n int64) { s.ids.expect(int(n)) }

// LoadIDs tells the shard which event ids are in a part written out.
func (s *Shard) LoadIDs(part int64, chunks [][]byte) error { return s.ids.load(part, chunks, false) }

// LoadSessionIDs tells the shard which session ids are in a part written out.
func (s *Shard) LoadSessionIDs(part int64, chunks [][]byte) error {
	return s.sids.load(part, chunks, true)
}

func (x *keyIndex) load(part int64, chunks [][]byte, withValues bool) error {
	for _, data := range chunks {
		keys, err := readKeys(part, data, withValues)
		if err != nil {
			return fmt.Errorf("load keys, part %d: %w", part, err)
		}
		for _, k := range keys {
			x.remember(UserKey{k.hash, k.user})
		}
	}
	return nil
}

// KeyList is a part of event ids or session ids, for looking keys up. It keeps the chunks as they are written and finds
// the hashes of a user by the counts of those before, so that opening one costs a checksum.
type KeyList struct {
	part   int64
	chunks []keyChunk
	bytes  int64
}

// keyChunk is one chunk: the hashes of the part's n-th user are starts[n] to starts[n+1].
type keyChunk struct {
	starts [keyUsers + 1]uint32
	hashes []byte // eight bytes each
	values []byte // varints; empty for event ids
}

// ReadIDs opens a part of the event ids. It keeps the chunks.
func ReadIDs(part int64, chunks [][]byte) (*KeyList, error) { return readKeyList(part, chunks) }

// ReadSessionIDs opens a part of the session ids. It keeps the chunks.
func ReadSessionIDs(part int64, chunks [][]byte) (*KeyList, error) {
	return readKeyList(part, chunks)
}

func readKeyList(part int64, chunks [][]byte) (*KeyList, error) {
	l := &KeyList{part: part, chunks: make([]keyChunk, len(chunks))}
	for i, data := range chunks {
		if err := l.chunks[i].open(data); err != nil {
			return nil, fmt.Errorf("read keys, part %d: %w", part, err)
		}
		l.bytes += int64(len(data)) + chunkIndexBytes
	}
	return l, nil
}

const chunkIndexBytes = 4*(keyUsers+1) + 48

func (c *keyChunk) open(data []byte) error {
	r, err := readChunk(data)
	if err != nil {
		return err
	}
	sum := uint64(0)
	for i := range uint64(keyUsers) {
		if sum += r.uvarint(); sum > uint64(len(data)) {
			return ErrState
		}
		c.starts[i+1] = uint32(sum)
	}
	c.hashes = r.take(8 * sum)
	c.values = r.b
	return r.err()
}

// Find gives the value of a key (1 for an event id), and whether it is there.
func (l *KeyList) Find(k UserKey) (int32, bool) {
	n := int64(k.User) - l.part*keyUsers
	for i := range l.chunks {
		c := &l.chunks[i]
		for at := c.starts[n]; at < c.starts[n+1]; at++ {
			if binary.LittleEndian.Uint64(c.hashes[8*at:]) == k.Hash {
				return c.value(at), true
			}
		}
	}
	return 0, false
}

func (c *keyChunk) value(at uint32) int32 {
	if len(c.values) == 0 {
		return 1
	}
	r := chunkReader{b: c.values}
	for range at {
		r.uvarint()
	}
	return int32(uint32(r.uvarint()))
}

// Bytes is the memory the list takes.
func (l *KeyList) Bytes() int64 { return l.bytes }
