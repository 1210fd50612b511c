package query

import (
	"context"
	"fmt"
	"math/bits"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// stretch is how many periods are held at once.
const stretch = 64

// inStretches calls read for some stamps at a time, and use for each block it gave.
func inStretches[B any](ctx context.Context, stamps []store.Stamp, read func([]store.Stamp) ([]*B, error), use func(*B) error) error {
	for len(stamps) > 0 {
		n := min(stretch, len(stamps))
		blocks, err := read(stamps[:n])
		if err != nil {
			return err
		}
		for _, b := range blocks {
			if err := ctx.Err(); err != nil {
				return err
			}
			if b == nil {
				continue
			}
			if err := use(b); err != nil {
				return err
			}
		}
		stamps = stamps[n:]
	}
	return ctx.Err()
}

func (r *reader) stamps(grain rollcall.Grain, from, until block.Period) []store.Stamp {
	return r.plan.head.Between(store.ClockOf(grain), from, until)
}

func (r *reader) eachCells(grain rollcall.Grain, from, until block.Period, use func(*block.Cells) error) error {
	return inStretches(r.ctx, r.stamps(grain, from, until), func(stamps []store.Stamp) ([]*block.Cells, error) {
		return r.view.Cells(r.ctx, grain, r.plan.cuboid, stamps)
	}, func(c *block.Cells) error {
		if err := r.plan.check(r.plan.cuboid, c.Dims); err != nil {
			return fmt.Errorf("%v: %w", c.Key, err)
		}
		return use(c)
	})
}

// eachSets calls use for the user sets of a shard, by rising period.
func (r *reader) eachSets(ctx context.Context, grain rollcall.Grain, shard int, stamps []store.Stamp, masks bool, use func(*block.Packed) error) error {
	return inStretches(ctx, stamps, func(stamps []store.Stamp) ([]*block.Packed, error) {
		return r.view.Sets(ctx, grain, shard, stamps, masks)
	}, func(s *block.Packed) error {
		for i := range s.Parts {
			if err := r.plan.check(r.plan.full, s.Parts[i].Dims); err != nil {
				return fmt.Errorf("%v: %w", s.Key, err)
			}
		}
		return use(s)
	})
}

// readCells makes the rows and adds their counters up.
func (r *reader) readCells() error {
	from, until := r.plan.periods()
	err := r.eachCells(r.plan.source, from, until, r.addCells)
	if err == nil {
		r.table = r.table.keep(r.plan)
	}
	return err
}

func (r *reader) addCells(c *block.Cells) error {
	t, p := r.table, r.plan
	columns := p.columnsOf(p.cuboid, c.Dims)
	pass := p.selected(p.cuboid, c.Dims, c.Len())
	slots := p.slots(c.Key.Period)
	slotOf := numbers(slots)
	for row, sub := range c.Sub {
		s := slotOf[sub]
		if s == 0 || pass != nil && !pass[row] {
			continue
		}
		t.append(slots[s-1].bucket)
		g, ok := t.groups.find(columns, row)
		if !ok {
			g = t.groups.add(columns, row)
		}
		f := t.ensure(g)
		for i := range f.Counters {
			f.Counters[i] += c.Counters[i][row]
		}
	}
	return p.checkRows(int64(t.len()))
}

// numbers gives for each sub-bucket the number of its slot, from 1; 0 for none.
func numbers(slots []slot) (slotOf [256]uint8) {
	for i, s := range slots {
		for subs := s.subs; subs != 0; subs &= subs - 1 {
			slotOf[bits.TrailingZeros64(subs)] = uint8(i + 1)
		}
	}
	return slotOf
}

func (p *plan) checkRows(n int64) error {
	if n <= int64(p.maxRows) {
		return nil
	}
	return bad("group_by", []string{"a coarser grain", "a shorter range", "fewer dimensions", "a filter"},
		"the answer has more than %d rows, the most a reply may have", p.maxRows)
}
