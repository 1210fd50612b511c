package fold

import (
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

// KeyList is a decoded part of event ids or session ids, for looking keys up.
type KeyList struct{ keys []keyValue }

// ReadIDs decodes a part of the event ids.
func ReadIDs(part int64, chunks [][]byte) (*KeyList, error) { return readKeyList(part, chunks, false) }

// ReadSessionIDs decodes a part of the session ids.
func ReadSessionIDs(part int64, chunks [][]byte) (*KeyList, error) {
	return readKeyList(part, chunks, true)
}

func readKeyList(part int64, chunks [][]byte, withValues bool) (*KeyList, error) {
	l := &KeyList{}
	for _, data := range chunks {
		keys, err := readKeys(part, data, withValues)
		if err != nil {
			return nil, fmt.Errorf("read keys, part %d: %w", part, err)
		}
		l.keys = append(l.keys, keys...)
	}
	slices.SortFunc(l.keys, compareKeys)
	return l, nil
}

func compareKeys(a, b keyValue) int {
	switch {
	case a.user != b.user:
		return int(int64(a.user) - int64(b.user))
	case a.hash < b.hash:
		return -1
	case a.hash > b.hash:
		return 1
	}
	return 0
}

// Find gives the value of a key, and whether it is there.
func (l *KeyList) Find(k UserKey) (int32, bool) {
	i, ok := slices.BinarySearchFunc(l.keys, keyValue{hash: k.Hash, user: k.User}, compareKeys)
	if !ok {
		return 0, false
	}
	return l.keys[i].value, true
}

// Bytes is the memory the list takes.
func (l *KeyList) Bytes() int64 { return int64(cap(l.keys)) * 16 }
