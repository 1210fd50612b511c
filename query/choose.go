package query

import "rollcall"

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
