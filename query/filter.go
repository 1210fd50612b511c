package query

import (
	"fmt"
	"strings"
)

// filter tells which values of a dimension match.
type filter struct {
	dim     int
	matches []bool // by value
	text    string // the same for the same values, and for no others
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

// filterTexts tells the filters of two plans apart, in words that mean the same whatever values come.
func (p *plan) filterTexts() string {
	var all strings.Builder
	for _, f := range p.filters {
		all.WriteString(f.text)
	}
	return all.String()
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
