package cache

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// Cells gives the block of each period of a grain and cuboid, nil for one that is empty. The stamps are the head's, of the
// grain's clock. Errors: ErrMoved, block.ErrCorrupt, or the store's.
func (v *View) Cells(ctx context.Context, g rollcall.Grain, cuboid rollcall.Cuboid, stamps []store.Stamp) ([]*block.Cells, error) {
	blocks, missing := lookUp[*block.Cells](v, KindCells, g, uint32(cuboid), stamps)
	if len(missing) == 0 {
		return blocks, nil
	}
	return read(ctx, v, source[*block.Cells]{kind: KindCells, clock: store.ClockOf(g), grain: g, which: uint32(cuboid),
		size: cellsBytes, encode: encodeCells, decode: decodeCells,
		load: func(under store.View, from, until block.Period) ([]*block.Cells, error) {
			return under.Cells(ctx, g, cuboid, from, until)
		}, period: func(c *block.Cells) block.Period { return c.Key.Period }}, stamps, blocks, missing)
}

// Sets gives the user sets of a shard for each period, nil for one that has none; their masks only when asked. Grain is Day
// or Minute. Stamps and errors are those of Cells.
func (v *View) Sets(ctx context.Context, g rollcall.Grain, shard int, stamps []store.Stamp, masks bool) ([]*block.Packed, error) {
	kind := KindSets
	if masks {
		kind = KindMasked
	}
	blocks, missing := lookUp[*block.Packed](v, kind, g, uint32(shard), stamps)
	if len(missing) == 0 {
		return blocks, nil
	}
	return read(ctx, v, source[*block.Packed]{kind: kind, clock: store.ClockOf(g), grain: g, which: uint32(shard),
		size: (*block.Packed).Bytes, encode: encodeSets, decode: decodeSets,
		load: func(under store.View, from, until block.Period) ([]*block.Packed, error) {
			return under.Sets(ctx, g, shard, from, until, masks)
		}, period: func(p *block.Packed) block.Period { return p.Key.Period }}, stamps, blocks, missing)
}

// Drops counts, for each hour of a UTC day, the events that were dropped as late and as duplicates.
type Drops struct {
	day              block.Period
	late, duplicates [24]int64
}

const (
	hourMS = int64(3_600_000)
	dayMS  = 24 * hourMS
)

// Dropped counts the events of the UTC hours with from ≤ start < until (Unix ms) that were dropped as late and as
// duplicates. Errors are those of Cells.
func (v *View) Dropped(ctx context.Context, from, until int64) (late, duplicates int64, err error) {
	days, err := v.drops(ctx, v.head.Between(store.LedgerClock, store.LedgerDay(from), store.LedgerDay(until-1)+1))
	if err != nil {
		return 0, 0, err
	}
	for _, d := range days {
		if d == nil {
			continue
		}
		for hour := range d.late {
			if start := int64(d.day)*dayMS + int64(hour)*hourMS; start >= from && start < until {
				late, duplicates = late+d.late[hour], duplicates+d.duplicates[hour]
			}
		}
	}
	return late, duplicates, nil
}

// drops gives the drops of UTC days, nil for one that has none.
func (v *View) drops(ctx context.Context, stamps []store.Stamp) ([]*Drops, error) {
	days, missing := lookUp[*Drops](v, KindLedger, 0, 0, stamps)
	if len(missing) == 0 {
		return days, nil
	}
	return read(ctx, v, source[*Drops]{kind: KindLedger, clock: store.LedgerClock,
		size: func(*Drops) int { return 400 }, period: func(d *Drops) block.Period { return d.day },
		load: func(under store.View, from, until block.Period) ([]*Drops, error) {
			return readDrops(ctx, under, from, until)
		}}, stamps, days, missing)
}

// readDrops reads the days that have any.
func readDrops(ctx context.Context, under store.View, from, until block.Period) (days []*Drops, err error) {
	rows, err := under.Ledger(ctx, int64(from)*dayMS, int64(until)*dayMS, true)
	for _, r := range rows {
		day := store.LedgerDay(r.Hour)
		if len(days) == 0 || days[len(days)-1].day != day {
			days = append(days, &Drops{day: day})
		}
		hour := (r.Hour - int64(day)*dayMS) / hourMS
		days[len(days)-1].late[hour] += r.Late
		days[len(days)-1].duplicates[hour] += r.Duplicates
	}
	return days, err
}

func cellsBytes(c *block.Cells) int { return 100 + c.Len()*(1+4*len(c.Dims)+8*len(c.Counters)) }

func encodeCells(c *block.Cells) ([]byte, error) { return c.Encode(nil), nil }

func decodeCells(blob []byte, k Key) (*block.Cells, error) {
	return block.DecodeCells(blob, block.CellKey{Grain: k.Grain, Period: k.Period, Cuboid: rollcall.Cuboid(k.Which)})
}

// encodeSets frames the blobs: the length of that of the users, both.
func encodeSets(p *block.Packed) ([]byte, error) {
	users, masks, err := p.Encode()
	blob := binary.AppendUvarint(nil, uint64(len(users)))
	return append(append(blob, users...), masks...), err
}

func decodeSets(blob []byte, k Key) (*block.Packed, error) {
	n, used := binary.Uvarint(blob)
	if used <= 0 || n > uint64(len(blob)-used) {
		return nil, fmt.Errorf("user sets of %d bytes, cut off: %w", len(blob), block.ErrCorrupt)
	}
	users, masks := blob[used:used+int(n)], blob[used+int(n):]
	if k.Kind == KindSets {
		masks = nil
	}
	return block.OpenSets(users, masks, block.SetKey{Grain: k.Grain, Period: k.Period, Shard: int(k.Which)})
}

// levelKey names a block for every process that shares the store.
func levelKey(k Key) string {
	b := strconv.AppendUint(make([]byte, 0, 64), k.Identity, 36)
	for _, n := range [...]int64{int64(k.Build), int64(k.Kind), int64(k.Grain), int64(k.Which), int64(k.Period), int64(k.Version)} {
		b = strconv.AppendInt(append(b, ':'), n, 36)
	}
	return string(b)
}
