package cache

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/maypok86/otter/v2"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// source tells how the blocks of one kind are had.
type source[B any] struct {
	kind   Kind
	clock  store.Clock
	grain  rollcall.Grain
	which  uint32
	size   func(B) int
	encode func(B) ([]byte, error) // nil for what the second level does not keep
	decode func([]byte, Key) (B, error)
	load   func(under store.View, from, until block.Period) ([]B, error)
	period func(B) block.Period
}

// lookUp gives the blocks of the stamps that are in memory, nil for the others, and the keys of those.
func lookUp[B any](v *View, kind Kind, g rollcall.Grain, which uint32, stamps []store.Stamp) (blocks []B, missing []Key) {
	blocks = make([]B, len(stamps))
	memory := v.cache.memory
	for i, stamp := range stamps {
		key := keyOf(v.head, kind, g, which, stamp)
		if found, ok := memory.cache.GetIfPresent(key); ok {
			blocks[i], _ = found.value.(B)
		} else {
			missing = append(missing, key)
		}
	}
	memory.hits[kind].Add(int64(len(stamps) - len(missing)))
	memory.miss[kind].Add(int64(len(missing)))
	return blocks, missing
}

// read puts the missing blocks in their places, and loads them before.
func read[B any](ctx context.Context, v *View, s source[B], stamps []store.Stamp, blocks []B, missing []Key) ([]B, error) {
	wanted := len(missing)
	loaded, err := fetch(ctx, v, s, missing)
	if err != nil {
		return nil, err
	}
	for i, stamp := range stamps {
		if e, ok := loaded[keyOf(v.head, s.kind, s.grain, s.which, stamp)]; ok {
			blocks[i], _ = e.value.(B)
		}
	}
	if len(loaded) < wanted {
		return nil, ErrMoved
	}
	return blocks, nil
}

// fetch loads the blocks of some keys and keeps them; each is loaded by one reader, whoever else waits for it, and by the
// next one when that reader gives up.
func fetch[B any](ctx context.Context, v *View, s source[B], keys []Key) (map[Key]kept, error) {
	if err := v.admit(); err != nil {
		return nil, err
	}
	loaded, err := v.cache.memory.cache.BulkGet(ctx, keys, otter.BulkLoaderFunc[Key, kept](func(ctx context.Context, keys []Key) (map[Key]kept, error) {
		return load(ctx, v, s, keys)
	}))
	if err != nil || len(loaded) == len(keys) {
		return loaded, err
	}
	rest := slices.DeleteFunc(keys, func(k Key) bool { _, ok := loaded[k]; return ok })
	own, err := load(ctx, v, s, rest) // the reader that was joined may have been at a newer state of the store than this one
	maps.Copy(loaded, own)
	return loaded, err
}

// load fetches blocks from the second level and those that it does not have from the store. Keys come in any order; those
// that the store has gone beyond are left out.
func load[B any](ctx context.Context, v *View, s source[B], keys []Key) (map[Key]kept, error) {
	loaded := make(map[Key]kept, len(keys))
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Period, b.Period) })
	keys = v.cache.memory.since(keys, loaded)
	missing := fromLevel(ctx, v, s, keys, loaded)
	if len(missing) == 0 {
		return loaded, nil
	}
	under, err := v.open()
	if err != nil {
		return nil, err
	}
	blobs := map[string][]byte{}
	for _, run := range runs(current(under.Head(), v.head, s.clock, missing), s.clock) {
		blocks, err := s.load(under, run[0].Period, run[len(run)-1].Period+1)
		if err != nil {
			return nil, err
		}
		found := map[block.Period]B{}
		for _, b := range blocks {
			found[s.period(b)] = b
		}
		for _, k := range run {
			var e kept
			b, ok := found[k.Period]
			if ok {
				e = kept{b, clamp(s.size(b))}
			}
			loaded[k] = e
			if s.encode == nil || v.cache.deps.Level == nil {
				continue
			}
			var blob []byte
			if ok {
				if blob, err = s.encode(b); err != nil {
					return nil, err
				}
			}
			name := levelKey(k)
			blobs[name] = seal(name, blob)
		}
	}
	if len(blobs) > 0 {
		v.cache.deps.Level.Put(blobs)
	}
	return loaded, nil
}

// current leaves out the keys whose period has another version in the store by now.
func current(under, head *store.Head, clock store.Clock, keys []Key) (same []Key) {
	if under.Identity != head.Identity || under.Build != head.Build {
		return nil
	}
	for _, k := range keys {
		if under.Stamp(clock, k.Period) == k.Version {
			same = append(same, k)
		}
	}
	return same
}

// maxGap is the most periods between two that one read of the store passes over rather than to be two reads.
const maxGap = 2

// runs cuts keys of rising periods where there is a gap.
func runs(keys []Key, clock store.Clock) (cut [][]Key) {
	unit := block.Period(1)
	if clock == store.MinuteClock {
		unit = 60
	}
	for len(keys) > 0 {
		n := 1
		for n < len(keys) && keys[n].Period-keys[n-1].Period <= maxGap*unit {
			n++
		}
		cut = append(cut, keys[:n])
		keys = keys[n:]
	}
	return cut
}
