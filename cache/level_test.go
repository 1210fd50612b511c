package cache

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"rollcall/block"
)

// What is missing in memory comes from the second level, empty blocks too, without opening the store.
func TestSecondLevel(t *testing.T) {
	w, level := newWorld(2, 1, 2, 3), newLevel()
	w.empty[2] = true
	check := func(c *Cache) {
		t.Helper()
		must(t, c.Read(context.Background(), func(v *View) error {
			found, err := versions(context.Background(), v)
			if !slices.Equal(found, []uint64{1, 0, 1}) {
				t.Error(found)
			}
			for shard := range 2 {
				for _, masks := range []bool{true, false} {
					sets, err := v.Sets(context.Background(), 2, shard, v.Head().Stamps[2], masks)
					must(t, err)
					if sets[1] != nil || sets[2].Len() != 1 || sets[2].HasMasks() != masks {
						t.Error(sets)
					}
				}
			}
			return err
		}))
	}
	check(cacheOver(w, nil, Config{Poll: time.Hour}, level))
	if loads := w.loaded(); len(loads) != 5 {
		t.Fatal(loads)
	}
	other := cacheOver(w, nil, Config{Poll: time.Hour}, level)
	check(other)
	if loads := w.loaded(); len(loads) != 0 || w.asked() != 3 { // two heads and one filler
		t.Fatal(loads, w.asked())
	}
}

// Blobs that are damaged, cut off anywhere, or of another key, version or store are passed over.
func TestDamagedLevel(t *testing.T) {
	w, level := newWorld(1, 1, 2, 3), newLevel()
	must(t, readAll(context.Background(), cacheOver(w, nil, Config{Poll: time.Hour}, level)))
	whole := maps.Clone(level.blobs)
	names := slices.Sorted(maps.Keys(whole))
	spoil := func(how func(i int, blob []byte) []byte) {
		t.Helper()
		for i, name := range names {
			level.blobs[name] = how(i, slices.Clone(whole[name]))
		}
		w.loaded()
		must(t, readAll(context.Background(), cacheOver(w, nil, Config{Poll: time.Hour}, level)))
		if loads := w.loaded(); len(loads) != 3 {
			t.Errorf("%v: a spoiled blob was taken", loads)
		}
	}
	for n := range 200 {
		spoil(func(_ int, b []byte) []byte { return b[:min(n, len(b)-1)] })
		spoil(func(_ int, b []byte) []byte { b[n%len(b)] ^= 1 << (n % 8); return b })
	}
	spoil(func(_ int, b []byte) []byte { return append(b, 0) })
	spoil(func(i int, _ []byte) []byte { return whole[names[(i+1)%len(names)]] })
	w.commit(1, 2, 3)
	must(t, readAll(context.Background(), cacheOver(w, nil, Config{Poll: time.Hour}, level)))
	old := whole
	whole = map[string][]byte{}
	names = nil
	for name, blob := range level.blobs {
		if _, before := old[name]; !before {
			names, whole[name] = append(names, name), blob
		}
	}
	slices.Sort(names)
	before := slices.Sorted(maps.Keys(old))
	spoil(func(i int, _ []byte) []byte { return old[before[i]] }) // the same keys of the version before
}

type brokenLevel struct{ answer func(keys []string) [][]byte }

func (l brokenLevel) Get(_ context.Context, keys []string) [][]byte { return l.answer(keys) }
func (brokenLevel) Put(map[string][]byte)                           {}
func (brokenLevel) Delete([]string)                                 {}

// A level that fails in any way changes no answer.
func TestLevelThatFails(t *testing.T) {
	for _, answer := range []func([]string) [][]byte{
		func([]string) [][]byte { return nil },
		func(k []string) [][]byte { return make([][]byte, len(k)-1) },
		func(k []string) [][]byte { return make([][]byte, len(k)+1) },
		func(k []string) [][]byte { return slices.Repeat([][]byte{{}}, len(k)) },
		func(k []string) [][]byte { time.Sleep(5 * time.Millisecond); return make([][]byte, len(k)) },
	} {
		w := newWorld(2, 1, 2, 3)
		c := cacheOver(w, nil, Config{Poll: time.Hour}, brokenLevel{answer})
		must(t, readAll(context.Background(), c))
		if c.Moved() != 0 {
			t.Error("a reader was sent on")
		}
	}
}

// Superseded blocks leave memory and level, all others stay.
func TestSupersede(t *testing.T) {
	w, level := newWorld(2, 1, 2, 3), newLevel()
	c := cacheOver(w, nil, Config{Poll: time.Hour}, level)
	must(t, readAll(context.Background(), c))
	if level.len() != 15 || c.memory.cache.EstimatedSize() != 15 {
		t.Fatal(level.len(), c.memory.cache.EstimatedSize())
	}
	w.commit(2)
	c.Announce()
	versionOf(t, c)
	if c.memory.cache.CleanUp(); level.len() != 10 || c.memory.cache.EstimatedSize() != 10 {
		t.Fatal(level.len(), c.memory.cache.EstimatedSize())
	}
	w.loaded()
	must(t, readAll(context.Background(), c))
	if loads := w.loaded(); !slices.Equal(loads, []string{"cells 2-2", "sets 0 2-2", "sets 0 2-2", "sets 1 2-2", "sets 1 2-2"}) {
		t.Fatal(loads)
	}
}

// One commit deletes no more than MaxStale keys of the level; memory lets go of all.
func TestMaxStale(t *testing.T) {
	w, level := newWorld(2, 1, 2, 3), newLevel()
	c := cacheOver(w, nil, Config{Poll: time.Hour, MaxStale: 4}, level)
	must(t, readAll(context.Background(), c))
	w.commit(1, 2, 3)
	c.Announce()
	versionOf(t, c)
	if c.memory.cache.CleanUp(); level.len() < 11 || c.memory.cache.EstimatedSize() != 0 {
		t.Fatal(level.len(), c.memory.cache.EstimatedSize())
	}
}

// Two stores with the same versions share a level and no block.
func TestStoresShareNothing(t *testing.T) {
	a, b, level := newWorld(1, 1, 2), newWorld(1, 1, 2), newLevel()
	b.head.Identity = 8
	b.empty = map[block.Period]bool{1: true, 2: true}
	must(t, readAll(context.Background(), cacheOver(a, nil, Config{Poll: time.Hour}, level)))
	must(t, cacheOver(b, nil, Config{Poll: time.Hour}, level).Read(context.Background(), func(v *View) error {
		found, err := versions(context.Background(), v)
		if !slices.Equal(found, []uint64{0, 0}) {
			t.Error(found)
		}
		return err
	}))
}
