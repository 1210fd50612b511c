package aggregate

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"

	"rollcall/fold"
	"rollcall/store"
)

// shardKey gives the secret of the shard's hashes: the one kept with its dictionary, or a new one.
func shardKey(users [][]byte) (fold.Key, error) {
	for _, chunk := range users {
		if key, err := fold.ReadKey(chunk); err != nil || key != (fold.Key{}) {
			return key, err
		}
	}
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return fold.Key{}, fmt.Errorf("make a hash key: %w", err)
	}
	return fold.Key{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:]) | 1}, nil
}

// keyCache looks event ids and session ids up in the parts written out, and in those of a snapshot that is not yet
// committed. Decoded parts are kept up to a budget, dropped at random beyond.
type keyCache struct {
	lists   map[keyPart]*fold.KeyList
	bytes   int64
	pending map[keyPart][]byte // of the snapshot under way
	clock   uint64             // its number
}

type keyPart struct {
	kind store.StateKind
	part int64
}

const keyCacheBytes = 16 << 20

// snapshot keeps the parts of a snapshot until it is committed.
func (c *keyCache) snapshot(st *fold.State) {
	c.pending, c.clock = map[keyPart][]byte{}, st.Clock
	for _, x := range st.IDs {
		c.forget(keyPart{store.IDs, x.Part}, x.Data)
	}
	for _, x := range st.SessionIDs {
		c.forget(keyPart{store.SessionIDs, x.Part}, x.Data)
	}
}

func (c *keyCache) forget(k keyPart, pending []byte) {
	c.pending[k] = pending
	if l := c.lists[k]; l != nil {
		c.bytes -= l.Bytes()
		delete(c.lists, k)
	}
}

// committed lets go of the pending snapshot if it is in the store.
func (c *keyCache) committed(snapshot uint64) {
	if c.pending != nil && snapshot >= c.clock {
		c.pending = nil
	}
}

// lookUp answers the doubts of a batch.
func (w *worker) lookUp(ctx context.Context, b *fold.Batch) error {
	doubts := w.fold.Prepare(b)
	b.KnownIDs, b.KnownSessions = nil, nil
	var err error
	if len(doubts.IDs) > 0 {
		if b.KnownIDs, err = w.known(ctx, store.IDs, doubts.IDs); err != nil {
			return err
		}
	}
	if len(doubts.Sessions) > 0 {
		b.KnownSessions, err = w.known(ctx, store.SessionIDs, doubts.Sessions)
	}
	return err
}

func (w *worker) known(ctx context.Context, kind store.StateKind, keys []fold.UserKey) (map[fold.UserKey]int32, error) {
	found := map[fold.UserKey]int32{}
	for _, k := range keys {
		list, err := w.keyList(ctx, keyPart{kind, fold.KeyPart(k.User)})
		if err != nil {
			return nil, err
		}
		if v, ok := list.Find(k); ok {
			found[k] = v
		}
	}
	return found, nil
}

func (w *worker) keyList(ctx context.Context, k keyPart) (*fold.KeyList, error) {
	c := &w.keys
	if l := c.lists[k]; l != nil {
		return l, nil
	}
	chunks, err := w.chunks(ctx, k.kind, k.part)
	if err != nil {
		return nil, err
	}
	if data := c.pending[k]; data != nil {
		chunks = append(chunks, data)
	}
	read := fold.ReadIDs
	if k.kind == store.SessionIDs {
		read = fold.ReadSessionIDs
	}
	l, err := read(k.part, chunks)
	if err != nil {
		return nil, err
	}
	c.keep(k, l)
	return l, nil
}

func (c *keyCache) keep(k keyPart, l *fold.KeyList) {
	if c.lists == nil {
		c.lists = map[keyPart]*fold.KeyList{}
	}
	for old, x := range c.lists {
		if c.bytes+l.Bytes() <= keyCacheBytes {
			break
		}
		c.bytes -= x.Bytes()
		delete(c.lists, old)
	}
	c.lists[k] = l
	c.bytes += l.Bytes()
}

// MergeState merges chunks of state for the store's compaction.
func MergeState(key store.StateKey, chunks [][]byte) ([]byte, error) {
	switch key.Kind {
	case store.Users:
		return fold.MergeUsers(chunks)
	case store.IDs:
		if key.Part == headPart {
			return chunks[len(chunks)-1], nil
		}
		return fold.MergeIDs(key.Part, chunks)
	case store.SessionIDs:
		return fold.MergeSessionIDs(key.Part, chunks)
	case store.Sessions:
		return fold.MergeSessions(chunks)
	case store.Drops, store.Limits:
		return slices.Concat(chunks...), nil
	}
	return nil, fmt.Errorf("merge state: unknown kind %d", key.Kind)
}
