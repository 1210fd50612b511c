package query

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"rollcall"
	"rollcall/block"
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

// filter tells which values of a dimension match.
type filter struct {
	dim     int
	matches []bool // by value
	text    string // the same for the same values, and for no others
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

// maxFilterValues bounds the values of one filter.
const maxFilterValues = 10_000

func (p *plan) setFilters(filters []Filter) error {
	for _, f := range filters {
		d, err := p.dimension("filter."+f.Dimension, f.Dimension)
		if err != nil {
			return err
		}
		if len(f.Values) > maxFilterValues {
			return bad("filter."+f.Dimension, nil, "has %d values, and may have %d", len(f.Values), maxFilterValues)
		}
		p.filters = append(p.filters, filter{d, p.matching(d, f), fmt.Sprintf("%d%v%q", d, f.Not, f.Values)})
	}
	return nil
}

func (p *plan) matching(d int, f Filter) []bool {
	matches := make([]bool, p.size(d))
	for i := range matches {
		matches[i] = f.Not
	}
	for _, text := range f.Values {
		if v, ok := p.values.number(p.head, d, text); ok {
			matches[v] = !f.Not
		}
	}
	return matches
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

// choose takes the smallest cuboid that covers the dimensions needed, and tells whether its cells are the rows.
func (p *plan) choose(cuboids []rollcall.Cuboid) {
	var need rollcall.Cuboid
	for _, f := range p.filters {
		need |= 1 << f.dim
	}
	rows := p.pinned()
	for _, d := range p.groupBy {
		need, rows = need|1<<d, rows|1<<d
	}
	p.cuboid = p.full
	for _, c := range cuboids {
		if c.Covers(need) && c.Size() < p.cuboid.Size() {
			p.cuboid = c
		}
	}
	p.counted = p.grain == p.source && p.cuboid&^rows == 0 && p.ranking == nil
}

// pinned are the dimensions that the filters restrict to one value.
func (p *plan) pinned() (c rollcall.Cuboid) {
	for d := range p.dims {
		n := 0
		for v := range p.size(d) {
			if p.allows(d, v) {
				n++
			}
		}
		if n <= 1 {
			c |= 1 << d
		}
	}
	return c
}

func (p *plan) allows(d, v int) bool {
	for _, f := range p.filters {
		if f.dim == d && !f.matches[v] {
			return false
		}
	}
	return true
}

func (p *plan) asks(names ...string) bool {
	return slices.ContainsFunc(p.metrics, func(m metric) bool { return slices.Contains(names, m.name) })
}

// tag names the rows of the answer: it is a function of the checked request and of the versions of all that is read for it.
func (p *plan) tag() string {
	h := xxh3.New()
	fmt.Fprintf(h, "%x %d %s", p.head.Identity, p.head.Build, p.words())
	return tagOf(h, p.reads())
}

// tagOf ends a tag with the versions of all that is read.
func tagOf(h *xxh3.Hasher, reads [][]store.Stamp) string {
	for _, stamps := range reads {
		var pair [16]byte
		for _, s := range stamps {
			binary.LittleEndian.PutUint64(pair[:], uint64(s.Period))
			binary.LittleEndian.PutUint64(pair[8:], s.Version)
			_, _ = h.Write(pair[:]) // a hash takes everything
		}
		_, _ = h.Write([]byte{0})
	}
	sum := h.Sum128()
	return fmt.Sprintf("%016x%016x", sum.Hi, sum.Lo)
}

// reads lists the versions of all that the answer is made of.
func (p *plan) reads() [][]store.Stamp {
	from, until := p.periods()
	lists := [][]store.Stamp{p.head.Between(store.ClockOf(p.source), from, until),
		p.head.Between(store.LedgerClock, store.LedgerDay(hourOf(p.from)), store.LedgerDay(p.to-1)+1)}
	if p.asks("wau", "mau") {
		lists = append(lists, p.head.Between(store.DayClock, block.Period(p.first-monthDays+1), block.Period(p.last)+1))
	}
	for _, other := range []*plan{p.previous, p.ranking} {
		if other != nil {
			lists = append(lists, other.reads()...)
		}
	}
	return lists
}

// words tells two checked requests apart.
func (p *plan) words() string {
	words := fmt.Sprintf("%d %d %v %v %d %v %s %s %v %v %q %q %v %v", p.from, p.to, p.grain, p.source, p.limit, p.fillAll, p.format, p.compare,
		p.order, p.groupBy, p.dims, p.columns(), p.filters, p.cal.Location())
	if p.ranking != nil {
		words += " of " + p.ranking.words()
	}
	return words
}
