package cache

import (
	"context"
	"errors"
	"fmt"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// Firsts gives the first event of every user of a shard, by part of its dictionary. They are kept in memory only. Errors are
// those of Cells, and of the reader in Deps.
func (v *View) Firsts(ctx context.Context, shard int) ([]*block.Firsts, error) {
	if v.cache.deps.Firsts == nil {
		return nil, errors.New("nothing reads first events")
	}
	stamps := v.head.Between(store.UsersClock, store.UsersPeriod(shard, 0), store.UsersPeriod(shard+1, 0))
	parts, missing := lookUp[*part](v, KindFirsts, rollcall.Day, uint32(shard), stamps)
	if len(missing) > 0 {
		var err error
		if parts, err = v.readFirsts(ctx, shard, stamps, parts, missing); err != nil {
			return nil, err
		}
	}
	firsts := make([]*block.Firsts, 0, len(parts))
	for _, p := range parts {
		if p != nil {
			firsts = append(firsts, p.firsts)
		}
	}
	return firsts, nil
}

func (v *View) readFirsts(ctx context.Context, shard int, stamps []store.Stamp, parts []*part, missing []Key) ([]*part, error) {
	return read(ctx, v, source[*part]{kind: KindFirsts, clock: store.UsersClock, grain: rollcall.Day, which: uint32(shard),
		size: func(p *part) int { return p.firsts.Bytes() }, period: func(p *part) block.Period { return p.period },
		load: func(under store.View, from, until block.Period) ([]*part, error) {
			return v.cache.parts(ctx, under, from, until)
		}}, stamps, parts, missing)
}

// part is the first events of a period of UsersClock.
type part struct {
	period block.Period
	firsts *block.Firsts
}

func shardOf(p block.Period) uint32 { return uint32(p >> 32) }

// parts reads the parts of the periods, all of one shard.
func (c *Cache) parts(ctx context.Context, under store.View, from, until block.Period) (parts []*part, err error) {
	for p := from; p < until; p++ {
		key := store.StateKey{Shard: int(shardOf(p)), Kind: store.Users, Part: store.UsersPart(p)}
		chunks, err := under.State(ctx, key)
		if err != nil {
			return nil, err
		}
		blobs := make([][]byte, len(chunks))
		for i := range chunks {
			blobs[i] = chunks[i].Data
		}
		firsts, err := c.deps.Firsts(blobs)
		if err != nil {
			return nil, fmt.Errorf("dictionary of shard %d, part %d: %w", key.Shard, key.Part, err)
		}
		parts = append(parts, &part{p, firsts})
	}
	return parts, nil
}
