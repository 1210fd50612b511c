package mysql

import (
	"cmp"
	"context"
	"math"
	"slices"

	"rollcall/store"
	"rollcall/store/chunk"
)

var insertChunks = values{"INSERT INTO ~chunks (kind, a, b, c, level, bytes, data, masks) VALUES ", "(?, ?, ?, ?, ?, ?, ?, ?)", ""}

func (s *session) insertChunks(ctx context.Context, chunks []chunk.Chunk) error {
	return s.execValues(ctx, &insertChunks, len(chunks), func(args []any, i int) []any {
		c := &chunks[i]
		return append(args, c.Key.Kind, c.Key.A, c.Key.B, c.Key.C, c.Level, c.Size(), notNil(c.Data), notNil(c.Masks))
	})
}

const (
	keysOfQuery    = 256 // in one statement
	idsOfStatement = 4096
)

// deleteState deletes all chunks of the keys, of shards whose rows the transaction holds: so nobody else changes them. They
// are found without a lock and deleted by number, as a DELETE that scans would wait for what other processes insert.
func (s *session) deleteState(ctx context.Context, keys []chunk.Key) error {
	var ids []any
	for some := range slices.Chunk(keys, keysOfQuery) {
		var args []any
		for _, k := range some {
			args = append(args, k.Kind, k.A, k.B, k.C)
		}
		err := s.each(ctx, func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			ids = append(ids, id)
			return err
		}, "SELECT id FROM ~chunks WHERE "+repeat("kind = ? AND a = ? AND b = ? AND c = ?", len(some), " OR "), args...)
		if err != nil {
			return err
		}
	}
	return s.deleteChunks(ctx, ids)
}

func (s *session) deleteChunks(ctx context.Context, ids []any) error {
	for some := range slices.Chunk(ids, idsOfStatement) {
		if _, err := s.exec(ctx, "DELETE FROM ~chunks WHERE id IN ("+repeat("?", len(some), ", ")+")", some...); err != nil {
			return err
		}
	}
	return nil
}

const (
	selectChunks    = "SELECT c, id, level, data, NULL FROM ~chunks WHERE kind = ? AND a = ? AND b = ? AND c >= ? AND c < ? ORDER BY c"
	selectWithMasks = "SELECT c, id, level, data, masks FROM ~chunks WHERE kind = ? AND a = ? AND b = ? AND c >= ? AND c < ? ORDER BY c"
	selectChunksOf  = "SELECT c, id, level, data, masks FROM ~chunks WHERE kind = ? AND a = ? AND b = ? AND c = ? AND level BETWEEN ? AND ?"
	everyLevel      = math.MaxInt32
)

// chunks reads the chunks of the keys from k up to, not including, the one with c = until; those of a key oldest first.
func (s *session) chunks(ctx context.Context, k chunk.Key, until int64, masks bool) ([]chunk.Chunk, error) {
	if masks {
		return s.selected(ctx, k, masks, selectWithMasks, k.Kind, k.A, k.B, k.C, until)
	}
	return s.selected(ctx, k, masks, selectChunks, k.Kind, k.A, k.B, k.C, until)
}

// chunksOf reads the chunks of one key whose level lies between low and high, oldest first.
func (s *session) chunksOf(ctx context.Context, k chunk.Key, low, high int64) ([]chunk.Chunk, error) {
	return s.selected(ctx, k, true, selectChunksOf, k.Kind, k.A, k.B, k.C, low, high)
}

func (s *session) selected(ctx context.Context, k chunk.Key, masks bool, query string, args ...any) ([]chunk.Chunk, error) {
	var list []chunk.Chunk
	err := s.each(ctx, func(scan func(...any) error) error {
		c := chunk.Chunk{Key: k}
		err := scan(&c.Key.C, &c.ID, &c.Level, &c.Data, &c.Masks)
		if masks {
			c.Masks = notNil(c.Masks)
		}
		list = append(list, c)
		return err
	}, query, args...)
	slices.SortFunc(list, func(x, y chunk.Chunk) int {
		return cmp.Or(cmp.Compare(x.Key.C, y.Key.C), cmp.Compare(y.Level, x.Level), cmp.Compare(x.ID, y.ID))
	})
	return list, err
}

// state reads the chunks of a part of state, oldest first.
func (s *session) state(ctx context.Context, key store.StateKey) ([]store.StateChunk, error) {
	list, err := s.chunksOf(ctx, chunk.StateKey(key), 0, everyLevel)
	return chunk.States(list), err
}
