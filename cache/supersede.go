package cache

import (
	"context"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// supersede lets go of the blocks that a newer head has replaced.
func (c *Cache) supersede(before, after *store.Head) {
	var stale []string
	same := before.Identity == after.Identity && before.Build == after.Build
	for clock := range store.NumClocks {
		for _, s := range before.Stamps[clock] {
			if same && after.Stamp(clock, s.Period) == s.Version {
				continue
			}
			for _, k := range c.blocksOf(before, clock, s) {
				if k.Kind == KindCells && c.memory.has(k) {
					c.cool(k)
				}
				c.memory.Drop(k)
				if c.deps.Level != nil && len(stale) < c.cfg.MaxStale && k.shared() {
					stale = append(stale, levelKey(k))
				}
			}
		}
	}
	if len(stale) > 0 {
		c.deps.Level.Delete(stale)
	}
}

// shared tells whether the second level keeps what the key names.
func (k Key) shared() bool { return k.Kind == KindCells || k.Kind == KindSets || k.Kind == KindMasked }

// blocksOf lists the keys of the blocks that a period of a head may have.
func (c *Cache) blocksOf(h *store.Head, clock store.Clock, s store.Stamp) (keys []Key) {
	add := func(k Kind, g rollcall.Grain, which uint32) { keys = append(keys, keyOf(h, k, g, which, s)) }
	grains := []rollcall.Grain{rollcall.Day, rollcall.Hour}
	switch clock {
	case store.LedgerClock:
		return []Key{keyOf(h, KindLedger, 0, 0, s)}
	case store.UsersClock:
		return []Key{keyOf(h, KindFirsts, rollcall.Day, shardOf(s.Period), s)}
	case store.MinuteClock:
		grains = []rollcall.Grain{rollcall.Minute}
	}
	for _, g := range grains {
		for _, cuboid := range c.cfg.Cuboids {
			add(KindCells, g, uint32(cuboid))
		}
	}
	for shard := range h.Shards {
		add(KindSets, grains[0], uint32(shard))
		add(KindMasked, grains[0], uint32(shard))
	}
	return keys
}

// cellsKind names the blocks of a grain and cuboid.
type cellsKind struct {
	grain  rollcall.Grain
	cuboid rollcall.Cuboid
}

// maxCold bounds the blocks of a grain and cuboid that are read again before anyone asks.
const maxCold = 64

func (c *Cache) cool(k Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := cellsKind{k.Grain, rollcall.Cuboid(k.Which)}
	if len(c.cold[of]) < maxCold {
		c.cold[of] = append(c.cold[of], k.Period)
	}
}

// warm reads the blocks of cells that a commit has superseded, before anyone asks. A failure is the next reader's to find.
func (c *Cache) warm(ctx context.Context) {
	c.mu.Lock()
	cold := c.cold
	c.cold = map[cellsKind][]block.Period{}
	c.mu.Unlock()
	if len(cold) == 0 {
		return
	}
	_ = c.Read(ctx, func(v *View) error {
		for of, periods := range cold {
			var stamps []store.Stamp
			for _, p := range periods {
				if version := v.head.Stamp(store.ClockOf(of.grain), p); version > 0 {
					stamps = append(stamps, store.Stamp{Period: p, Version: version})
				}
			}
			if _, err := v.Cells(ctx, of.grain, of.cuboid, stamps); err != nil {
				return err
			}
		}
		return nil
	})
}
