package cache

import (
	"cmp"
	"context"
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

// read gives the blocks of the stamps from memory, and loads those that are missing.
func read[B any](ctx context.Context, v *View, s source[B], stamps []store.Stamp) ([]B, error) {
	blocks := make([]B, len(stamps))
	var missing []Key
	for i, stamp := range stamps {
		key := keyOf(v.head, s.kind, s.grain, s.which, stamp)
		if found, ok := v.cache.memory.Get(key); ok {
			blocks[i], _ = found.(B)
		} else {
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return blocks, nil
	}
	loaded, err := v.cache.memory.cache.BulkGet(ctx, missing, otter.BulkLoaderFunc[Key, kept](func(ctx context.Context, keys []Key) (map[Key]kept, error) {
		return load(ctx, v, s, keys)
	}))
	if err != nil && ctx.Err() == nil {
		loaded, err = load(ctx, v, s, missing) // the reader that was joined may have given up
	}
	if err != nil {
		return nil, err
	}
	for i, stamp := range stamps {
		if e, ok := loaded[keyOf(v.head, s.kind, s.grain, s.which, stamp)]; ok {
			blocks[i], _ = e.value.(B)
		}
	}
	if len(loaded) < len(missing) {
		return nil, ErrMoved
	}
	return blocks, nil
}

// load fetches blocks from the second level and those that it does not have from the store. Keys come in any order; those
// that the store has gone beyond are left out.
func load[B any](ctx context.Context, v *View, s source[B], keys []Key) (map[Key]kept, error) {
	loaded := make(map[Key]kept, len(keys))
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Period, b.Period) })
	missing := fromLevel(ctx, v, s, keys, loaded)
	if len(missing) == 0 {
		return loaded, nil
	}
	under, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	blobs := map[string][]byte{}
	for _, run := range runs(current(under.Head(), v.head, s.clock, missing)) {
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
			blob := []byte{}
			if ok {
				if blob, err = s.encode(b); err != nil {
					return nil, err
				}
			}
			blobs[levelKey(v.head, k)] = blob
		}
	}
	if len(blobs) > 0 {
		v.cache.deps.Level.Put(blobs)
	}
	return loaded, nil
}

// fromLevel puts what the second level has into loaded and gives the rest.
func fromLevel[B any](ctx context.Context, v *View, s source[B], keys []Key, loaded map[Key]kept) (missing []Key) {
	level := v.cache.deps.Level
	if level == nil || s.encode == nil {
		return keys
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = levelKey(v.head, k)
	}
	for i, blob := range level.Get(ctx, names) {
		if blob == nil {
			missing = append(missing, keys[i])
			continue
		}
		if len(blob) == 0 {
			loaded[keys[i]] = kept{}
			continue
		}
		b, err := s.decode(blob, keys[i])
		if err != nil {
			v.cache.deps.Logger.Warn("a block of the second level is not what it should be", "error", err)
			missing = append(missing, keys[i])
			continue
		}
		loaded[keys[i]] = kept{b, clamp(s.size(b))}
	}
	return missing
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
func runs(keys []Key) (cut [][]Key) {
	unit := block.Period(1)
	if len(keys) > 0 && keys[0].Grain == rollcall.Minute {
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
