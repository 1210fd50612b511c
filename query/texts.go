package query

import (
	"cmp"
	"slices"

	"rollcall"
)

// texts are the values of one dimension that occur in groups, numbered in the order of their texts.
type texts struct {
	list   []string
	number []uint32 // by group
}

func newTexts(p *plan, g *groups, dim int) texts {
	d, w := p.groupBy[dim], len(g.sizes)
	t := texts{number: make([]uint32, g.n)}
	place := make([]uint32, g.sizes[dim]+1) // by value, the last one for restValue: number+1
	slot := func(group int) *uint32 { return &place[min(int(g.values[group*w+dim]), g.sizes[dim])] }
	var values []rollcall.Value
	for group := range g.n {
		if at := slot(group); *at == 0 {
			*at = 1
			values = append(values, g.values[group*w+dim])
		}
	}
	slices.SortFunc(values, func(a, b rollcall.Value) int { return cmp.Compare(p.text(d, a), p.text(d, b)) })
	for i, v := range values {
		place[min(int(v), g.sizes[dim])] = uint32(i) + 1
		t.list = append(t.list, p.text(d, v))
	}
	for group := range t.number {
		t.number[group] = *slot(group) - 1
	}
	return t
}

// of gives the text of a group.
func (t *texts) of(group uint32) string { return t.list[t.number[group]] }
