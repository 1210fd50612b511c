package cache

import (
	"github.com/maypok86/otter/v2"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// Kind tells what a key stands for.
type Kind uint8

// The kinds of things kept.
const (
	KindCells  Kind = iota // *block.Cells: Which is the cuboid
	KindSets               // *block.Packed without masks: Which is the shard
	KindMasked             // *block.Packed with masks
	KindLedger             // *Drops of a UTC day
	KindFirsts             // first events of a part of a dictionary: Which is the shard
	KindUnion              // derived by readers; Text says from what
	KindAnswer
	numKinds
)

// Key names something kept in memory.
type Key struct {
	Kind     Kind
	Grain    rollcall.Grain
	Build    uint32
	Which    uint32
	Identity uint64 // of the store
	Period   block.Period
	Version  uint64
	Text     string
}

// Memory keeps blocks and what readers derive from them within one budget. What is asked for often stays (W-TinyLFU), and
// a thing costs its bytes. It is safe for concurrent use.
type Memory struct {
	cache *otter.Cache[Key, kept]
	hits  [numKinds]counter
	miss  [numKinds]counter

	evictions, evicted counter // for lack of room: entries, their bytes
}

type kept struct {
	value any
	bytes uint32
}

// overhead is what an entry takes besides its value, about.
const overhead = 160

func newMemory(bytes int64) *Memory {
	m := &Memory{}
	m.cache = otter.Must(&otter.Options[Key, kept]{
		MaximumWeight: uint64(max(bytes, 1)),
		Weigher:       weigh,
		Logger:        &otter.NoopLogger{},
		OnAtomicDeletion: func(e otter.DeletionEvent[Key, kept]) {
			if e.Cause == otter.CauseOverflow {
				m.evictions.Add(1)
				m.evicted.Add(int64(weigh(e.Key, e.Value)))
			}
		},
	})
	return m
}

func weigh(k Key, v kept) uint32 { return v.bytes + uint32(len(k.Text)) + overhead }

// Get gives what is kept under a key.
func (m *Memory) Get(k Key) (value any, ok bool) {
	e, ok := m.cache.GetIfPresent(k)
	m.count(k.Kind, ok)
	return e.value, ok
}

// has tells whether a key is kept, without counting as a use of it.
func (m *Memory) has(k Key) bool {
	_, ok := m.cache.GetEntryQuietly(k)
	return ok
}

// since takes what has come into memory since it was found to be missing, and gives the rest.
func (m *Memory) since(keys []Key, loaded map[Key]kept) (missing []Key) {
	for _, k := range keys {
		if e, ok := m.cache.GetEntryQuietly(k); ok {
			loaded[k] = e.Value
		} else {
			missing = append(missing, k)
		}
	}
	return missing
}

// Put keeps a value of so many bytes.
func (m *Memory) Put(k Key, value any, bytes int) { m.cache.Set(k, kept{value, clamp(bytes)}) }

// Drop lets go of a key.
func (m *Memory) Drop(k Key) { m.cache.Invalidate(k) }

func clamp(bytes int) uint32 { return uint32(min(max(bytes, 0), 1<<31)) }

func (m *Memory) count(k Kind, hit bool) {
	if hit {
		m.hits[k].Add(1)
	} else {
		m.miss[k].Add(1)
	}
}

// keyOf names the block of a period as a head shows it.
func keyOf(h *store.Head, k Kind, g rollcall.Grain, which uint32, s store.Stamp) Key {
	return Key{Kind: k, Grain: g, Build: h.Build, Which: which, Identity: h.Identity, Period: s.Period, Version: s.Version}
}
