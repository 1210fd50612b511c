package query

import (
	"slices"

	"rollcall"
	"rollcall/store"
)

// plan is a request that was checked, and how it is answered.
type plan struct {
	span
	head    *store.Head
	dims    []string
	maxRows int

	values    *dictionary
	maxUnited int // groups

	metrics []metric
	filters []filter
	groupBy []int // dimensions, in the order asked for
	order   []sortKey
	limit   int
	fillAll bool
	format  string

	compare  string // what the range is compared with; empty for nothing
	previous *plan  // over the range compared with; nil when there is none
	wanted   *table // the rows to give figures to; nil for those that have data

	ranking *plan              // orders the groups when all but the first are united; nil otherwise
	leaders [][]rollcall.Value // the groups that stand for themselves, in order

	cuboid  rollcall.Cuboid // whose cells are read
	full    rollcall.Cuboid
	counted bool // the Active counter of the cells answers active_users
}

// sortKey sorts by the bucket (column 0), a dimension of groupBy, or a column of figures, in this order of numbers.
type sortKey struct {
	column int
	desc   bool
}

// plan checks a request, and what it costs.
func (e *Engine) plan(req *Request, head *store.Head) (*plan, error) {
	p, err := e.planAtAnyCost(req, head)
	if err != nil {
		return nil, err
	}
	return p, p.checkCost(e.cfg.MaxCost)
}

func (e *Engine) planAtAnyCost(req *Request, head *store.Head) (*plan, error) {
	p := &plan{head: head, dims: e.cfg.Dimensions, maxRows: e.cfg.MaxRows, maxUnited: e.maxUnited, values: &e.values, limit: req.Limit, fillAll: req.Fill,
		format: req.Format, compare: req.Compare, full: rollcall.Full(len(e.cfg.Dimensions))}
	var err error
	if p.span, err = e.span(req); err != nil {
		return nil, err
	}
	for _, name := range req.Metrics {
		m, ok := metricNamed(name)
		if !ok {
			return nil, bad("metrics", MetricNames(), "unknown metric %q", name)
		}
		p.metrics = append(p.metrics, m)
	}
	for _, name := range req.GroupBy {
		d, err := p.dimension("group_by", name)
		if err != nil {
			return nil, err
		}
		p.groupBy = append(p.groupBy, d)
	}
	if err := p.setFilters(req.Filters); err != nil {
		return nil, err
	}
	if err := p.setOrder(req.Order); err != nil {
		return nil, err
	}
	p.choose(e.cfg.Cuboids)
	if err := e.planRest(p, req); err != nil {
		return nil, err
	}
	return p, e.planPrevious(p)
}

func (p *plan) dimension(param, name string) (int, error) {
	d := slices.Index(p.dims, name)
	if d < 0 {
		return 0, bad(param, p.dims, "unknown dimension %q", name)
	}
	return d, nil
}

// size is one more than the largest value of a dimension.
func (p *plan) size(d int) int {
	n := int(rollcall.FirstValue)
	if d < len(p.head.Values) {
		n = max(n, len(p.head.Values[d]))
	}
	return n
}

func (p *plan) text(d int, v rollcall.Value) string {
	switch v {
	case rollcall.NotSetValue:
		return rollcall.NotSet
	case rollcall.OtherValue:
		return rollcall.Other
	case restValue:
		return restText
	default:
		return p.head.Values[d][v]
	}
}

func (p *plan) columns() []string {
	columns := []string{"bucket"}
	for _, d := range p.groupBy {
		columns = append(columns, p.dims[d])
	}
	for _, c := range p.figureColumns() {
		columns = append(columns, c.name)
	}
	return columns
}

func (p *plan) figureColumns() (columns []column) {
	for _, m := range p.metrics {
		columns = append(columns, m.columns(p.compare != "")...)
	}
	return columns
}

func (p *plan) setOrder(order []Order) error {
	columns := p.columns()
	for _, o := range order {
		i := slices.Index(columns, o.Column)
		if i < 0 {
			return bad("order", columns, "unknown column %q", o.Column)
		}
		p.order = append(p.order, sortKey{i, o.Desc})
	}
	return nil
}

func (p *plan) asks(names ...string) bool {
	return slices.ContainsFunc(p.metrics, func(m metric) bool { return slices.Contains(names, m.name) })
}
