package query

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"rollcall"
	"rollcall/block"
	"rollcall/cache"
)

// DimensionValue is a value of a dimension and how many events carried it, over all days.
type DimensionValue struct {
	Value  string `json:"value"`
	Weight int64  `json:"weight"`
}

// Values lists the values of a dimension that contain search, whatever the case, heaviest first, at most limit of
// them. Errors are those of Query. It reads the day cells of the smallest cuboid that keeps the dimension, and remembers
// the weights until the next commit.
func (e *Engine) Values(ctx context.Context, dimension, search string, limit int) (values []DimensionValue, err error) {
	if !slices.Contains(e.cfg.Dimensions, dimension) {
		return nil, bad("dimension", e.cfg.Dimensions, "unknown dimension %q", dimension)
	}
	err = e.cache.Read(ctx, func(v *cache.View) error {
		p, err := e.plan(&Request{Grain: rollcall.Total, GroupBy: []string{dimension}}, v.Head())
		if err != nil {
			return err
		}
		weights, err := e.weights(ctx, v, p)
		if err != nil {
			return err
		}
		values = p.heaviest(p.groupBy[0], weights, strings.ToLower(search), limit)
		return nil
	})
	return values, err
}

// weights counts the events of each value of the one dimension that p groups by, over all days.
func (e *Engine) weights(ctx context.Context, v *cache.View, p *plan) (weights []int64, err error) {
	key := cache.Key{Kind: cache.KindUnion, Build: p.head.Build, Identity: p.head.Identity, Which: uint32(p.groupBy[0]), Version: p.head.Version, Text: "weights"}
	if kept, ok := e.cache.Memory().Get(key); ok {
		if weights, ok := kept.([]int64); ok {
			return weights, nil
		}
	}
	d := p.groupBy[0]
	weights = make([]int64, p.size(d))
	r := &reader{ctx: ctx, view: v, plan: p}
	err = r.eachCells(rollcall.Day, math.MinInt64, math.MaxInt64, func(c *block.Cells) error {
		if err := p.checkCells(c, c.Dims); err != nil {
			return err
		}
		for row, v := range c.Dims[place(p.cuboid, d)] {
			weights[v] += c.Counters[rollcall.Events][row]
		}
		return nil
	})
	if err == nil {
		e.cache.Memory().Put(key, weights, 8*len(weights))
	}
	return weights, err
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
