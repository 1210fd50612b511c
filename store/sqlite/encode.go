package sqlite

import (
	"runtime"

	"golang.org/x/sync/errgroup"

	"rollcall/block"
	"rollcall/store"
)

// encode gives the chunks of the commit's cells, those of all shards merged by key, and of its sets. Empty blocks are
// left out. Keys are encoded in parallel.
func encode(c *store.Commit) (cells, sets []chunk) {
	var cellKeys []block.CellKey
	var setKeys []block.SetKey
	cellBlocks, setBlocks := map[block.CellKey][]*block.Cells{}, map[block.SetKey][]*block.Sets{}
	for i := range c.Shards {
		for _, b := range c.Shards[i].Cells {
			cellKeys = addBlock(cellKeys, cellBlocks, b.Key, b, b.Len())
		}
		for _, b := range c.Shards[i].Sets {
			setKeys = addBlock(setKeys, setBlocks, b.Key, b, len(b.Users))
		}
	}
	cells, sets = make([]chunk, len(cellKeys)), make([]chunk, len(setKeys))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, k := range setKeys {
		g.Go(func() error {
			sets[i] = chunk{key: setsKey(k)}
			sets[i].data, sets[i].masks = mergeOf(setBlocks[k], block.MergeSets).Encode()
			return nil
		})
	}
	for i, k := range cellKeys {
		g.Go(func() error {
			if b := mergeOf(cellBlocks[k], block.MergeCells); b.Len() > 0 {
				cells[i] = chunk{key: cellsKey(k), data: b.Encode(nil)}
			}
			return nil
		})
	}
	_ = g.Wait() // no function fails
	n := 0
	for _, c := range cells {
		if c.data != nil {
			cells[n] = c
			n++
		}
	}
	return cells[:n], sets
}

func addBlock[K comparable, B any](keys []K, blocks map[K][]B, key K, b B, n int) []K {
	if n == 0 {
		return keys
	}
	if blocks[key] == nil {
		keys = append(keys, key)
	}
	blocks[key] = append(blocks[key], b)
	return keys
}

func mergeOf[B any](blocks []B, merge func([]B) B) B {
	if len(blocks) == 1 {
		return blocks[0]
	}
	return merge(blocks)
}
