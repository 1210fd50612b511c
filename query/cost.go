package query

import (
	"fmt"
	"math"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// TooCostly refuses a request before anything is read for it. The unit is entries: the cells and the members of user
// sets that answering would read.
type TooCostly struct {
	Estimate, Limit int64
	Hint            string // what would make it cheaper
}

func (e *TooCostly) Error() string {
	return fmt.Sprintf("the answer needs about %d cells and user-set entries, and %d are allowed: %s", e.Estimate, e.Limit, e.Hint)
}

// checkCost refuses a plan whose estimate is over the limit; 0 is none.
func (p *plan) checkCost(limit int64) error {
	estimate := p.estimate()
	if limit == 0 || estimate <= limit {
		return nil
	}
	hint := "ask for a shorter range, a coarser grain or fewer dimensions"
	if p.asks("active_users", "wau", "mau") && !p.counted {
		hint = "ask for a shorter range, or for figures that need no distinct users of several values or days: sessions, events, or active_users by day with one value a filter"
	}
	return &TooCostly{Estimate: estimate, Limit: limit, Hint: hint}
}

// estimate is an upper bound, as far as the store's sums tell, of the cells and the members of user sets that the answer
// reads: what is kept from earlier questions may make it far less.
func (p *plan) estimate() int64 {
	from, until := p.periods()
	perDay := p.eventsPerDay()
	periods := float64(len(p.head.Between(store.ClockOf(p.source), from, until)))
	perPeriod := perDay
	if p.source == rollcall.Minute {
		perPeriod /= 24
	}
	cost := periods * min(p.cellsPerPeriod(), perPeriod)
	if p.asks("active_users") && !p.counted {
		cost += periods * perPeriod
	}
	if p.asks("wau", "mau") {
		cost += perDay * float64(len(p.head.Between(store.DayClock, block.Period(p.first-monthDays+1), block.Period(p.last)+1)))
	}
	sum := int64(min(cost, math.MaxInt64/8))
	for _, other := range []*plan{p.previous, p.ranking} {
		if other != nil {
			sum += other.estimate()
		}
	}
	return sum
}

// eventsPerDay is the mean over the days that have any.
func (p *plan) eventsPerDay() float64 {
	events := int64(0)
	for _, s := range p.head.Shards {
		events += s.Accepted
	}
	return float64(events) / float64(max(len(p.head.Stamps[store.DayClock]), 1))
}

// cellsPerPeriod is how many cells of the plan's cuboid a period can have.
func (p *plan) cellsPerPeriod() float64 {
	cells := [...]float64{rollcall.Minute: 60, rollcall.Hour: 24, rollcall.Day: 1}[p.source]
	for d := range p.dims {
		if p.cuboid.Has(d) {
			cells *= float64(p.size(d))
		}
	}
	return cells
}
