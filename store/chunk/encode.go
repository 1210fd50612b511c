package chunk

import (
	"runtime"

	"golang.org/x/sync/errgroup"

	"rollcall/block"
	"rollcall/store"
)

// Encoded is what a commit adds to cells and sets: a chunk for each key. Empty blocks are left out.
type Encoded struct {
	Cells  []Chunk
	Blocks []*block.Cells // of Cells: those of all shards, merged
	Sets   []Chunk
}

// Encode merges and encodes the blocks of a commit. Keys are encoded beside each other.
func Encode(c *store.Commit) *Encoded {
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
	e := &Encoded{make([]Chunk, len(cellKeys)), make([]*block.Cells, len(cellKeys)), make([]Chunk, len(setKeys))}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, k := range setKeys {
		g.Go(func() error {
			e.Sets[i].Key = SetsKey(k)
			e.Sets[i].Data, e.Sets[i].Masks = mergeOf(setBlocks[k], block.MergeSets).Encode()
			return nil
		})
	}
	for i, k := range cellKeys {
		g.Go(func() error {
			e.Blocks[i] = mergeOf(cellBlocks[k], block.MergeCells)
			if e.Blocks[i].Len() > 0 {
				e.Cells[i] = Chunk{Key: CellsKey(k), Data: e.Blocks[i].Encode(nil)}
			}
			return nil
		})
	}
	_ = g.Wait() // no function fails
	e.dropEmpty()
	return e
}

func (e *Encoded) dropEmpty() {
	n := 0
	for i := range e.Cells {
		if e.Cells[i].Data != nil {
			e.Cells[n], e.Blocks[n] = e.Cells[i], e.Blocks[i]
			n++
		}
	}
	e.Cells, e.Blocks = e.Cells[:n], e.Blocks[:n]
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

// State gives the chunks of state that a commit adds, in its order, and the keys whose earlier chunks go: those that the
// commit has a full chunk for. What a later full chunk of the commit replaces is left out.
func State(c *store.Commit) (replaced []Key, added []Chunk) {
	full := map[store.StateKey]int{} // how many chunks of the key are full
	total := 0
	for i := range c.Shards {
		total += len(c.Shards[i].State)
		for _, st := range c.Shards[i].State {
			if !st.Full {
				continue
			}
			if full[st.Key]++; full[st.Key] == 1 {
				replaced = append(replaced, StateKey(st.Key))
			}
		}
	}
	added = make([]Chunk, 0, total)
	for i := range c.Shards {
		for _, st := range c.Shards[i].State {
			if st.Full {
				full[st.Key]--
			}
			if full[st.Key] == 0 { // none that follows replaces it
				added = append(added, Chunk{Key: StateKey(st.Key), Data: st.Data})
			}
		}
	}
	return replaced, added
}
