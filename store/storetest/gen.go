package storetest

import (
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// zones are some whose days and hours begin elsewhere.
var zones = []*time.Location{time.UTC, time.FixedZone("east", 5*3600+1800), time.FixedZone("west", -3*3600)}

// genCommit draws a commit that follows on from the positions.
func genCommit(t *rapid.T, positions []store.Position) *store.Commit {
	c := &store.Commit{At: rapid.Int64Range(1, 5*3600_000).Draw(t, "at"), Calendar: rollcall.NewCalendar(rapid.SampledFrom(zones).Draw(t, "zone"))}
	for _, p := range positions {
		if rapid.Bool().Draw(t, "takes part") {
			c.Shards = append(c.Shards, genShard(t, p))
		}
	}
	return c
}

func genShard(t *rapid.T, p store.Position) store.ShardCommit {
	c := advance(p, rapid.IntRange(1, 1000).Draw(t, "events"))
	c.To.Received, c.To.Duplicates, c.To.MaxTime, c.To.Users = p.Received+5, p.Duplicates+1, p.MaxTime+7, p.Users+2
	if c.Snapshot = rapid.Bool().Draw(t, "snapshot"); c.Snapshot {
		c.To.Snapshot = c.To.Offset
	}
	for range rapid.IntRange(0, 3).Draw(t, "blocks of cells") {
		c.Cells = append(c.Cells, genCells(t))
	}
	for range rapid.IntRange(0, 2).Draw(t, "sets") {
		c.Sets = append(c.Sets, genSets(t, p.Shard))
	}
	for range rapid.IntRange(0, 3).Draw(t, "chunks of state") {
		c.State = append(c.State, store.StateChunk{
			Key:  store.StateKey{Shard: p.Shard, Kind: store.StateKind(rapid.IntRange(1, 4).Draw(t, "kind")), Part: rapid.Int64Range(-1, 1).Draw(t, "part")},
			Full: rapid.IntRange(0, 3).Draw(t, "full") == 0,
			Data: rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "data"),
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "ledger") {
		c.Ledger = append(c.Ledger, store.LedgerRow{Shard: p.Shard, Hour: rapid.Int64Range(-1, 3).Draw(t, "hour") * 3600_000,
			Count: 3, HashHi: rapid.Uint64().Draw(t, "high"), HashLo: rapid.Uint64().Draw(t, "low"), Duplicates: 1, Late: 2})
	}
	for range rapid.IntRange(0, 1).Draw(t, "letters") {
		c.Letters = append(c.Letters, store.DeadLetter{At: c.To.MaxTime, Source: rapid.String().Draw(t, "source"), Reason: store.ReasonLate,
			Detail: rapid.String().Draw(t, "detail"), Raw: rapid.SliceOf(rapid.Byte()).Draw(t, "raw")})
	}
	return c
}

func genCells(t *rapid.T) *block.Cells {
	key := block.CellKey{Grain: rollcall.Grain(rapid.IntRange(0, 2).Draw(t, "grain")), Period: block.Period(rapid.IntRange(-1, 2).Draw(t, "period")),
		Cuboid: rapid.SampledFrom(rollcall.Cuboids(len(dims))).Draw(t, "cuboid")}
	var b block.CellsBuilder
	b.Reset(key)
	for range rapid.IntRange(0, 4).Draw(t, "rows") {
		values := make([]rollcall.Value, key.Cuboid.Size())
		for i := range values {
			values[i] = rollcall.Value(rapid.IntRange(0, 2).Draw(t, "value"))
		}
		var c rollcall.Counters
		for i := range c {
			c[i] = rapid.Int64Range(-1, 1).Draw(t, "counter")
		}
		b.Add(uint8(rapid.IntRange(0, 1).Draw(t, "sub")), values, &c)
	}
	return b.Build()
}

func genSets(t *rapid.T, shard int) *block.Sets {
	grain := rapid.SampledFrom([]rollcall.Grain{rollcall.Minute, rollcall.Day}).Draw(t, "grain")
	var b block.SetsBuilder
	b.Reset(block.SetKey{Grain: grain, Period: block.Period(rapid.IntRange(-1, 2).Draw(t, "period")), Shard: shard}, len(dims))
	for range rapid.IntRange(0, 4).Draw(t, "users") {
		values := []rollcall.Value{rollcall.Value(rapid.IntRange(0, 1).Draw(t, "value")), 1}
		b.Add(values, rapid.Uint32Range(0, 9).Draw(t, "user"), rapid.Uint64Range(0, 7).Draw(t, "mask"))
	}
	return b.Build()
}
