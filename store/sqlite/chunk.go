package sqlite

import (
	"context"
	"fmt"
	"math"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// The kinds of chunks.
const (
	kindCells = 1
	kindSets  = 2
	kindState = 3
)

// chunkKey is a key as the table has it: cells (grain, cuboid, period), sets (grain, shard, period), state (shard, kind,
// part).
type chunkKey struct{ kind, a, b, c int64 }

func cellsKey(k block.CellKey) chunkKey {
	return chunkKey{kindCells, int64(k.Grain), int64(k.Cuboid), int64(k.Period)}
}

func setsKey(k block.SetKey) chunkKey {
	return chunkKey{kindSets, int64(k.Grain), int64(k.Shard), int64(k.Period)}
}

func stateKey(k store.StateKey) chunkKey {
	return chunkKey{kindState, int64(k.Shard), int64(k.Kind), k.Part}
}

func (k chunkKey) cells() block.CellKey {
	return block.CellKey{Grain: rollcall.Grain(k.a), Cuboid: rollcall.Cuboid(k.b), Period: block.Period(k.c)}
}

func (k chunkKey) sets() block.SetKey {
	return block.SetKey{Grain: rollcall.Grain(k.a), Shard: int(k.b), Period: block.Period(k.c)}
}

func (k chunkKey) state() store.StateKey {
	return store.StateKey{Shard: int(k.a), Kind: store.StateKind(k.b), Part: k.c}
}

func (k chunkKey) String() string {
	switch k.kind {
	case kindCells:
		return k.cells().String()
	case kindSets:
		return k.sets().String()
	}
	return fmt.Sprintf("state of shard %d kind %d part %d", k.a, k.b, k.c)
}

// chunk is one row of the table.
type chunk struct {
	key   chunkKey
	id    int64
	level int64
	data  []byte
	masks []byte // of sets; nil when not read
}

func (c *chunk) size() int { return len(c.data) + len(c.masks) }

var insertChunks = values{"INSERT INTO chunks (kind, a, b, c, level, data, masks) VALUES ", "(?, ?, ?, ?, ?, ?, ?)", ""}

func (s *session) insertChunks(ctx context.Context, chunks []chunk) error {
	return s.execValues(ctx, &insertChunks, len(chunks), func(args []any, i int) []any {
		c := &chunks[i]
		return append(args, c.key.kind, c.key.a, c.key.b, c.key.c, c.level, notNil(c.data), notNil(c.masks))
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
func (s *session) chunks(ctx context.Context, k chunkKey, until int64, masks bool) ([]chunk, error) {
	if masks {
		return s.selected(ctx, k, masks, selectWithMasks, k.kind, k.a, k.b, k.c, until)
	}
	return s.selected(ctx, k, masks, selectChunks, k.kind, k.a, k.b, k.c, until)
}

// chunksOf reads the chunks of one key whose level lies between low and high, oldest first.
func (s *session) chunksOf(ctx context.Context, k chunkKey, low, high int64) ([]chunk, error) {
	return s.selected(ctx, k, true, selectChunksOf, k.kind, k.a, k.b, k.c, low, high)
}

func (s *session) selected(ctx context.Context, k chunkKey, masks bool, query string, args ...any) ([]chunk, error) {
	var list []chunk
	err := s.each(ctx, func(scan func(...any) error) error {
		c := chunk{key: k}
		err := scan(&c.key.c, &c.id, &c.level, &c.data, &c.masks)
		if masks {
			c.masks = notNil(c.masks)
		}
		list = append(list, c)
		return err
	}, query, args...)
	return list, err
}

// byKey calls f on the chunks of each key; the list is in order of keys.
func byKey(list []chunk, f func([]chunk) error) error {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].key == list[0].key {
			n++
		}
		if err := f(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// mergeCells decodes and merges the chunks of a key.
func mergeCells(list []chunk) (*block.Cells, error) {
	return merge(list, func(c *chunk) (*block.Cells, error) { return block.DecodeCells(c.data, c.key.cells()) }, block.MergeCells)
}

// openSets opens the chunks of a key as one.
func openSets(list []chunk) (*block.Packed, error) {
	return merge(list, func(c *chunk) (*block.Packed, error) { return block.OpenSets(c.data, c.masks, c.key.sets()) }, block.Join)
}

func merge[B any](list []chunk, decode func(*chunk) (B, error), merge func([]B) B) (B, error) {
	blocks := make([]B, len(list))
	for i := range list {
		var err error
		if blocks[i], err = decode(&list[i]); err != nil {
			return blocks[i], fmt.Errorf("chunk %d: %w", list[i].id, err)
		}
	}
	if len(blocks) == 1 {
		return blocks[0], nil
	}
	return merge(blocks), nil
}
