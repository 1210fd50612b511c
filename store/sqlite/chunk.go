package sqlite

import (
	"context"
	"math"

	"rollcall/store/chunk"
)

var insertChunks = values{"INSERT INTO chunks (kind, a, b, c, level, data, masks) VALUES ", "(?, ?, ?, ?, ?, ?, ?)", ""}

func (s *session) insertChunks(ctx context.Context, chunks []chunk.Chunk) error {
	return s.execValues(ctx, &insertChunks, len(chunks), func(args []any, i int) []any {
		c := &chunks[i]
		return append(args, c.Key.Kind, c.Key.A, c.Key.B, c.Key.C, c.Level, notNil(c.Data), notNil(c.Masks))
	})
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

const (
	selectChunks    = "SELECT c, id, level, data, NULL FROM chunks WHERE kind = ? AND a = ? AND b = ? AND c >= ? AND c < ? ORDER BY c, level DESC, id"
	selectWithMasks = "SELECT c, id, level, data, masks FROM chunks WHERE kind = ? AND a = ? AND b = ? AND c >= ? AND c < ? ORDER BY c, level DESC, id"
	selectChunksOf  = "SELECT c, id, level, data, masks FROM chunks WHERE kind = ? AND a = ? AND b = ? AND c = ? AND level BETWEEN ? AND ? ORDER BY level DESC, id"
	everyLevel      = math.MaxInt64
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
	return list, err
}
