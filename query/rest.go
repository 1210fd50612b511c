package query

import (
	"context"
	"math"
	"slices"
	"strings"

	"rollcall"
	"rollcall/cache"
)

// restValue stands for the values of the group that unites all but the first groups, and restText names it.
const (
	restValue = rollcall.Value(math.MaxUint32)
	restText  = "(everything else)"
)

// planRest lets the groups that come first over the whole range stand for themselves and unites the others, when that
// is asked for: order and limit choose groups then, not rows.
func (e *Engine) planRest(p *plan, req *Request) (err error) {
	if !req.EverythingElse {
		return nil
	}
	if len(p.groupBy) == 0 {
		return bad("everything_else", []string{"group_by=" + strings.Join(p.dims, "|")}, "needs group_by: it unites the groups beyond limit")
	}
	if p.limit == 0 {
		return bad("everything_else", []string{"limit=10"}, "needs limit: it unites the groups beyond it")
	}
	if p.ranking, err = e.ranking(p, req); err != nil {
		return err
	}
	p.order, p.limit = nil, 0
	p.choose(e.cfg.Cuboids)
	return nil
}

// ranking plans the query over the whole range whose rows are the groups in order.
func (e *Engine) ranking(p *plan, req *Request) (*plan, error) {
	order := req.Order
	if len(order) == 0 {
		order = []Order{{Column: p.metrics[0].name, Desc: true}}
	}
	names := func(name string) bool {
		return slices.ContainsFunc(order, func(o Order) bool { return o.Column == name })
	}
	total := *p
	total.grain, total.fillAll, total.metrics, total.order, total.compare = rollcall.Total, false, nil, nil, ""
	for _, m := range p.metrics {
		compared := names(m.name+previousSuffix) || names(m.name+changeSuffix)
		if compared || names(m.name) {
			total.metrics = append(total.metrics, m)
		}
		if compared {
			total.compare = p.compare
		}
	}
	if err := e.chooseSource(&total.span); err != nil {
		return nil, err
	}
	if err := total.setOrder(order); err != nil {
		return nil, err
	}
	total.choose(e.cfg.Cuboids)
	return &total, e.planPrevious(&total)
}

// rank finds the groups that stand for themselves.
func (p *plan) rank(ctx context.Context, view *cache.View, memory *cache.Memory) error {
	if p.ranking == nil {
		return nil
	}
	res, err := p.ranking.run(ctx, view, memory)
	if err != nil {
		return err
	}
	for _, row := range res.order {
		p.leaders = append(p.leaders, res.table.groups.valuesOf(res.table.group[row]))
	}
	return nil
}

// limit numbers the leaders in their order, and behind them the group of all others.
func (g *groups) limit(leaders [][]rollcall.Value) {
	for _, values := range leaders {
		columns := make([][]rollcall.Value, len(values))
		for i := range values {
			columns[i] = values[i : i+1]
		}
		g.add(columns, 0)
	}
	for range g.sizes {
		g.values = append(g.values, restValue)
	}
	g.n++
	g.rest = g.n
}
