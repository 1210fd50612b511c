package query

import (
	"context"
	"fmt"
	"math/bits"

	"rollcall"
	"rollcall/block"
)

// How many periods are read at once: a month of days, more while nothing is found.
const (
	minPeriods = 32
	maxPeriods = 4096
)

// inParts calls read for stretches of periods of a grain, and use for each block it gave.
func inParts[B any](ctx context.Context, grain rollcall.Grain, from, until block.Period, read func(from, until block.Period) ([]B, error), use func(B) error) error {
	unit := block.Period(1)
	if grain == rollcall.Minute {
		unit = 60
	}
	n := block.Period(minPeriods)
	for from < until {
		end := min(from+n*unit, until)
		blocks, err := read(from, end)
		if err != nil {
			return err
		}
		if from, n = end, min(2*n, maxPeriods); len(blocks) > 0 {
			n = minPeriods
		}
		for _, b := range blocks {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := use(b); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (r *reader) eachCells(grain rollcall.Grain, from, until block.Period, use func(*block.Cells) error) error {
	return inParts(r.ctx, grain, from, until, func(from, until block.Period) ([]*block.Cells, error) {
		return r.view.Cells(r.ctx, grain, r.plan.cuboid, from, until)
	}, func(c *block.Cells) error {
		if err := r.plan.check(r.plan.cuboid, c.Dims); err != nil {
			return fmt.Errorf("%v: %w", c.Key, err)
		}
		return use(c)
	})
}

func (r *reader) eachSets(grain rollcall.Grain, shard int, from, until block.Period, use func(*block.Sets) error) error {
	if grain == rollcall.Hour {
		grain = rollcall.Day
	}
	return inParts(r.ctx, grain, from, until, func(from, until block.Period) ([]*block.Sets, error) {
		return r.view.Sets(r.ctx, grain, shard, from, until)
	}, func(s *block.Sets) error {
		if err := r.plan.check(r.plan.full, s.Dims); err != nil {
			return fmt.Errorf("%v: %w", s.Key, err)
		}
		return use(s)
	})
}

// readCells makes the rows and adds their counters up.
func (r *reader) readCells() error {
	from, until := r.plan.periods()
	err := r.eachCells(r.plan.source, from, until, r.addCells)
	if err == nil {
		r.table = r.table.keep()
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
