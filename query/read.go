package query

import (
	"context"
	"fmt"
	"math/bits"
	"slices"

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
	}, use)
}

// checkCells tells whether every value of some rows of a block is one that the store has named.
func (p *plan) checkCells(c *block.Cells, dims [][]rollcall.Value) error {
	if err := p.check(p.cuboid, dims); err != nil {
		return fmt.Errorf("%v: %w", c.Key, err)
	}
	return nil
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
	pins := r.plan.pins()
	err := r.eachCells(r.plan.source, from, until, func(c *block.Cells) error { return r.addCells(c, pins) })
	if err == nil {
		r.table = r.table.keep()
	}
	return err
}

func (r *reader) addCells(c *block.Cells, pins []pin) error {
	t, p := r.table, r.plan
	from, until := narrow(c, pins)
	dims := make([][]rollcall.Value, len(c.Dims))
	for i, col := range c.Dims {
		dims[i] = col[from:until]
	}
	if err := p.checkCells(c, dims); err != nil {
		return err
	}
	columns := p.columnsOf(p.cuboid, dims)
	pass := p.selected(p.cuboid, dims, until-from)
	slots := p.slots(c.Key.Period)
	slotOf := numbers(slots)
	for i, sub := range c.Sub[from:until] {
		s := slotOf[sub]
		if s == 0 || pass != nil && !pass[i] {
			continue
		}
		t.append(slots[s-1].bucket)
		g, ok := t.groups.find(columns, i)
		if !ok {
			g = t.groups.add(columns, i)
		}
		f := t.ensure(g)
		for k := range f.Counters {
			f.Counters[k] += c.Counters[k][from+i]
		}
	}
	return p.checkRows(int64(t.len()))
}

// pin is the one value that a column of the cells must have.
type pin struct {
	column int
	value  rollcall.Value
}

// pins lists the first columns of the plan's cuboid, as far as the filters leave one value of each.
func (p *plan) pins() (pins []pin) {
	for d := range p.dims {
		if !p.cuboid.Has(d) {
			continue
		}
		value, n := rollcall.Value(0), 0
		for v := range p.size(d) {
			if p.allows(d, v) {
				value = rollcall.Value(v)
				n++
			}
		}
		if n != 1 {
			return pins
		}
		pins = append(pins, pin{len(pins), value})
	}
	return pins
}

// narrow gives the stretch of rows that have the pinned values. Rows are sorted by sub-bucket first, so it is all of them
// when there are several.
func narrow(c *block.Cells, pins []pin) (from, until int) {
	until = c.Len()
	if until == 0 || c.Sub[0] != c.Sub[until-1] {
		return 0, until
	}
	for _, p := range pins {
		column := c.Dims[p.column][from:until]
		lo, _ := slices.BinarySearch(column, p.value)
		hi, _ := slices.BinarySearch(column[lo:], p.value+1)
		from, until = from+lo, from+lo+hi
	}
	return from, until
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
