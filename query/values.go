package query

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"rollcall"
)

// DimensionValue is a value of a dimension and how many events carried it, over all days.
type DimensionValue struct {
	Value  string `json:"value"`
	Weight int64  `json:"weight"`
}

// Values lists the values of a dimension that contain search, whatever the case, heaviest first, at most limit of
// them. Errors are those of Query. It reads the day cells of the smallest cuboid that keeps the dimension.
func (e *Engine) Values(ctx context.Context, dimension, search string, limit int) (values []DimensionValue, err error) {
	view, err := e.viewer.View(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	if !slices.Contains(e.cfg.Dimensions, dimension) {
		return nil, bad("dimension", e.cfg.Dimensions, "unknown dimension %q", dimension)
	}
	p, err := e.plan(&Request{Grain: rollcall.Total, GroupBy: []string{dimension}}, view.Head())
	if err != nil {
		return nil, err
	}
	blocks, err := view.Cells(ctx, rollcall.Day, p.cuboid, math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	d := p.groupBy[0]
	weights := make([]int64, p.size(d))
	for _, c := range blocks {
		if err := p.check(p.cuboid, c.Dims); err != nil {
			return nil, err
		}
		for row, v := range c.Dims[place(p.cuboid, d)] {
			weights[v] += c.Counters[rollcall.Events][row]
		}
	}
	return p.heaviest(d, weights, strings.ToLower(search), limit), nil
}

func (p *plan) heaviest(d int, weights []int64, search string, limit int) []DimensionValue {
	values := []DimensionValue{}
	for v, weight := range weights {
		if text := p.text(d, rollcall.Value(v)); weight > 0 && strings.Contains(strings.ToLower(text), search) {
			values = append(values, DimensionValue{text, weight})
		}
	}
	slices.SortFunc(values, func(a, b DimensionValue) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Value, b.Value))
	})
	return values[:min(limit, len(values))]
}
