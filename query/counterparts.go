package query

import (
	"math"
	"slices"
)

// counterparts are the rows that the rows of a table are compared with.
type counterparts struct {
	table *table
	rows  []int // by row: its counterpart in table; -1 for none
}

// readCounterparts gives figures to the rows compared with; nil when nothing is compared.
func (r *reader) readCounterparts() (*counterparts, error) {
	p := r.plan
	if p.compare == "" {
		return nil, nil
	}
	c := r.table.counterparts(p)
	if p.previous == nil || c.table.len() == 0 {
		return c, nil
	}
	p.previous.leaders, p.previous.wanted = p.leaders, c.table
	before := &reader{ctx: r.ctx, view: r.view, memory: r.memory, plan: p.previous, table: newTable(r.table.groups)}
	return c, before.read()
}

// counterparts makes rows without figures.
func (t *table) counterparts(p *plan) *counterparts {
	c := &counterparts{newTable(t.groups), slices.Repeat([]int{-1}, t.len())}
	type pair struct {
		before int64
		i      int
	}
	var pairs []pair
	for i, bucket := range t.buckets {
		if p.previous == nil {
			break
		}
		if before, ok := p.counterpart(bucket); ok {
			pairs = append(pairs, pair{before, i})
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return int(max(-1, min(1, a.before-b.before))) })
	for _, pair := range pairs {
		c.table.append(pair.before)
		for n, g := range t.rows(pair.i) {
			c.table.ensure(g)
			c.rows[t.start[pair.i]+n] = int(c.table.at[g]) - 1
		}
	}
	return c
}

// compare gives the figures of the rows compared with, and the relative change since; null where either is missing, and
// for a change from 0.
func (c *counterparts) compare(m *metric, now []float64) [][]float64 {
	previous, change := make([]float64, len(now)), make([]float64, len(now))
	for i, row := range c.rows {
		previous[i], change[i] = math.NaN(), math.NaN()
		if row >= 0 {
			previous[i] = m.of(&c.table.figures[row])
		}
		if previous[i] != 0 {
			change[i] = (now[i] - previous[i]) / previous[i]
		}
	}
	return [][]float64{previous, change}
}
