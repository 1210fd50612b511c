package chunk

import (
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"rollcall/block"
	"rollcall/store"
)

// Chunk is one row of the table.
type Chunk struct {
	Key   Key
	ID    int64 // given by the table, rising
	Level int64 // how often its content was merged, at least
	Data  []byte
	Masks []byte // of sets; nil when not read
}

// Size is the bytes of its blobs.
func (c *Chunk) Size() int { return len(c.Data) + len(c.Masks) }

// byKey lists the chunks of each key; the list is in order of keys.
func byKey(list []Chunk) (keys [][]Chunk) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Key == list[0].Key {
			n++
		}
		keys, list = append(keys, list[:n]), list[n:]
	}
	return keys
}

// Cells gives the block of each key that has rows; the list is in order of keys. Keys are decoded beside each other.
func Cells(list []Chunk) ([]*block.Cells, error) {
	return mergeByKey(list, mergeCells, (*block.Cells).Len)
}

// Sets gives the sets of each key that has users; the list is in order of keys. Keys are opened beside each other.
func Sets(list []Chunk) ([]*block.Packed, error) {
	return mergeByKey(list, openSets, (*block.Packed).Len)
}

// States gives chunks of state as the contract has them.
func States(list []Chunk) []store.StateChunk {
	chunks := make([]store.StateChunk, len(list))
	for i, c := range list {
		chunks[i] = store.StateChunk{Key: c.Key.state(), Data: c.Data}
	}
	return chunks
}

func mergeByKey[B any](list []Chunk, merge func([]Chunk) (B, error), size func(B) int) ([]B, error) {
	keys := byKey(list)
	merged := make([]B, len(keys))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, chunks := range keys {
		g.Go(func() (err error) {
			merged[i], err = merge(chunks)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(merged, func(b B) bool { return size(b) == 0 }), nil
}

func mergeCells(list []Chunk) (*block.Cells, error) {
	return merge(list, func(c *Chunk) (*block.Cells, error) { return block.DecodeCells(c.Data, c.Key.cells()) }, block.MergeCells)
}

func openSets(list []Chunk) (*block.Packed, error) {
	return merge(list, func(c *Chunk) (*block.Packed, error) { return block.OpenSets(c.Data, c.Masks, c.Key.sets()) }, block.Join)
}

func merge[B any](list []Chunk, decode func(*Chunk) (B, error), merge func([]B) B) (B, error) {
	blocks := make([]B, len(list))
	for i := range list {
		var err error
		if blocks[i], err = decode(&list[i]); err != nil {
			return blocks[i], fmt.Errorf("chunk %d: %w", list[i].ID, err)
		}
	}
	if len(blocks) == 1 {
		return blocks[0], nil
	}
	return merge(blocks), nil
}
