package chunk

import (
	"fmt"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// The kinds of chunks.
const (
	KindCells = 1
	KindSets  = 2
	KindState = 3
)

// Key is a key as a table has it: cells (grain, cuboid, period), sets (grain, shard, period), state (shard, kind, part).
type Key struct{ Kind, A, B, C int64 }

// CellsKey is the key of a block of cells.
func CellsKey(k block.CellKey) Key {
	return Key{KindCells, int64(k.Grain), int64(k.Cuboid), int64(k.Period)}
}

// SetsKey is the key of a block of sets.
func SetsKey(k block.SetKey) Key {
	return Key{KindSets, int64(k.Grain), int64(k.Shard), int64(k.Period)}
}

// StateKey is the key of a part of a shard's state.
func StateKey(k store.StateKey) Key {
	return Key{KindState, int64(k.Shard), int64(k.Kind), k.Part}
}

func (k Key) cells() block.CellKey {
	return block.CellKey{Grain: rollcall.Grain(k.A), Cuboid: rollcall.Cuboid(k.B), Period: block.Period(k.C)}
}

func (k Key) sets() block.SetKey {
	return block.SetKey{Grain: rollcall.Grain(k.A), Shard: int(k.B), Period: block.Period(k.C)}
}

func (k Key) state() store.StateKey {
	return store.StateKey{Shard: int(k.A), Kind: store.StateKind(k.B), Part: k.C}
}

func (k Key) String() string {
	switch k.Kind {
	case KindCells:
		return k.cells().String()
	case KindSets:
		return k.sets().String()
	}
	return fmt.Sprintf("state of shard %d kind %d part %d", k.A, k.B, k.C)
}

// SizeName names a kind of chunks as store.Size does, by kind and by grain or kind of state.
func SizeName(kind, sort int64) string {
	names := map[[2]int64]string{
		{KindCells, int64(rollcall.Minute)}:  "cells/minute",
		{KindCells, int64(rollcall.Hour)}:    "cells/hour",
		{KindCells, int64(rollcall.Day)}:     "cells/day",
		{KindSets, int64(rollcall.Minute)}:   "sets/minute",
		{KindSets, int64(rollcall.Day)}:      "sets/day",
		{KindState, int64(store.Users)}:      "users",
		{KindState, int64(store.IDs)}:        "ids",
		{KindState, int64(store.Sessions)}:   "sessions",
		{KindState, int64(store.SessionIDs)}: "session ids",
		{KindState, int64(store.Drops)}:      "drops",
		{KindState, int64(store.Limits)}:     "limits",
	}
	if name := names[[2]int64{kind, sort}]; name != "" {
		return name
	}
	return fmt.Sprintf("kind %d/%d", kind, sort)
}
