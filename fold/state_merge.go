package fold

import (
	"cmp"
	"slices"
)

// MergeUsers, MergeIDs, MergeSessionIDs and MergeSessions put the chunks of one part, oldest first, into one that loads
// the same.
func MergeUsers(chunks [][]byte) ([]byte, error) { return mergeUsers(chunks) }

// MergeIDs merges a part of the event ids.
func MergeIDs(part int64, chunks [][]byte) ([]byte, error) { return mergeKeys(part, chunks, false) }

// MergeSessionIDs merges a part of the session ids.
func MergeSessionIDs(part int64, chunks [][]byte) ([]byte, error) {
	return mergeKeys(part, chunks, true)
}

// MergeSessions keeps the newest runs of each user and the newest state of each named session.
func MergeSessions(chunks [][]byte) ([]byte, error) {
	users, names := map[uint32][]runRecord{}, map[UserKey]namedRecord{}
	dims := 0
	for _, data := range chunks {
		n, err := readSessions(data, func(u uint32, runs []runRecord) { users[u] = runs }, func(x namedRecord) { names[x.key] = x })
		if err != nil {
			return nil, err
		}
		dims = n
	}
	w := newChunkWriter(dims)
	w.uvarint(uint64(len(users)))
	last := uint32(0)
	for _, u := range sortedKeys(users) {
		w.uvarint(uint64(u - last))
		last = u
		w.uvarint(uint64(len(users[u])))
		for _, r := range users[u] {
			w.uvarint(r.first)
			w.uvarint(r.last - r.first)
			w.byte(r.inter | r.level<<2)
			w.tuple(r.values)
			w.text(r.id)
		}
	}
	keys := make([]UserKey, 0, len(names))
	for k := range names {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b UserKey) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Hash, b.Hash))
	})
	for _, k := range keys {
		n := names[k]
		w.uvarint(uint64(k.User))
		w.fixed(k.Hash)
		w.varint(n.first)
		w.uvarint(uint64(n.last - n.first))
		w.byte(n.inter | n.level<<2)
		w.tuple(n.values)
		w.text(n.id)
	}
	return w.bytes(), nil
}
