package simtest

import (
	"slices"

	"rollcall"
)

const (
	previousPeriod = "previous_period"
	previousYear   = "previous_year"
	previousSuffix = "_previous"
	changeSuffix   = "_change"
)

// past is the range that a query is compared with.
type past struct {
	o       *Oracle
	now     *Query
	q       Query // over the range before
	tallies map[string]*tally
	buckets [2][]bucket                // of the range and of the one before, where they go by place
	clocks  map[int64]map[string]int64 // by beginning of a day: the first instant of each reading of the clock
}

func (o *Oracle) past(q *Query) *past {
	p := &past{o: o, now: q, q: *q, tallies: map[string]*tally{}, clocks: map[int64]map[string]int64{}}
	p.q.Fill = false
	if q.Compare == "" {
		return p
	}
	if p.q.From, p.q.To = o.before(q); p.q.From < p.q.To {
		p.tallies = o.count(&p.q)
	}
	return p
}

// before is the range that a query is compared with.
func (c *Config) before(q *Query) (from, to int64) {
	switch {
	case q.Compare == previousYear:
		return c.yearBefore(q.From), c.yearBefore(q.To)
	case c.whole(q):
		return c.StartOf(q.From, int(c.date(q.From)-c.date(q.To))), q.From
	default:
		return 2*q.From - q.To, q.From
	}
}

// whole tells whether the range is one of whole days.
func (c *Config) whole(q *Query) bool {
	return c.StartOf(q.From, 0) == q.From && c.StartOf(q.To, 0) == q.To
}

// yearBefore is the beginning of the date a year before, or the first instant of it at which the clock shows as much.
func (c *Config) yearBefore(ms int64) int64 {
	back := c.StartOf(ms, int(ordinal(civil(c.local(ms)).AddDate(-1, 0, 0))-c.date(ms)))
	if c.StartOf(ms, 0) == ms {
		return back
	}
	for c.local(back).Format("15:04") < c.local(ms).Format("15:04") {
		back += 60_000
	}
	return back
}

// compare adds what stands behind a metric of a row.
func (p *past) compare(row Row, t *tally, metric string) {
	if p.now.Compare == "" {
		return
	}
	row[metric+previousSuffix], row[metric+changeSuffix] = nil, nil
	b, ok := p.counterpart(t.bucket)
	if !ok {
		return
	}
	row[metric+previousSuffix] = p.o.metric(&p.q, at(p.tallies, b, t.group), metric)
	now, isNow := row[metric].(float64)
	was, isWas := row[metric+previousSuffix].(float64)
	if isNow && isWas && was != 0 {
		row[metric+changeSuffix] = (now - was) / was
	}
}

// counterpart is the bucket that a bucket is compared with; false for none.
func (p *past) counterpart(b bucket) (bucket, bool) {
	if p.q.From >= p.q.To {
		return b, false
	}
	byDate := p.now.Compare == previousYear || p.o.whole(p.now)
	switch {
	case p.q.Grain > rollcall.Day || p.q.Grain == rollcall.Day && !byDate:
		return p.byPlace(b)
	case !byDate:
		return p.inRange(b.order - (p.now.To - p.now.From))
	}
	date, ok := p.dateBefore(b.at)
	if !ok {
		return b, false
	}
	day := p.o.StartOf(b.at, int(date-p.o.date(b.at)))
	if p.q.Grain == rollcall.Day {
		return p.inRange(day)
	}
	layout := map[rollcall.Grain]string{rollcall.Hour: "15", rollcall.Minute: "15:04"}[p.q.Grain]
	at, ok := p.clock(day, layout)[p.o.local(b.at).Format(layout)]
	if !ok {
		return b, false
	}
	return p.inRange(at)
}

func (p *past) byPlace(b bucket) (bucket, bool) {
	if p.buckets[0] == nil {
		p.buckets[0], p.buckets[1] = p.o.buckets(p.now.Grain, p.now.From, p.now.To), p.o.buckets(p.q.Grain, p.q.From, p.q.To)
	}
	place := slices.IndexFunc(p.buckets[0], func(c bucket) bool { return c.label == b.label })
	if place >= len(p.buckets[1]) {
		return b, false
	}
	return p.buckets[1][place], true
}

// inRange gives the bucket of an instant if the range has a part of it.
func (p *past) inRange(ms int64) (bucket, bool) {
	b := p.o.bucket(p.q.Grain, ms)
	first, last := p.o.bucket(p.q.Grain, p.q.From), p.o.bucket(p.q.Grain, p.q.To-1)
	return b, b.order >= first.order && b.order <= last.order
}

// dateBefore is the date that lies as long before as the ranges are apart; false for 29 February of no such year.
func (p *past) dateBefore(ms int64) (int64, bool) {
	if p.now.Compare == previousPeriod {
		return p.o.date(ms) - (p.o.date(p.now.To) - p.o.date(p.now.From)), true
	}
	now := civil(p.o.local(ms))
	then := now.AddDate(-1, 0, 0)
	return ordinal(then), then.Day() == now.Day()
}

// clock gives what the clock shows over a day.
func (p *past) clock(day int64, layout string) map[string]int64 {
	if p.clocks[day] == nil {
		p.clocks[day] = map[string]int64{}
		for ms := p.o.StartOf(day, 1) - 60_000; ms >= day; ms -= 60_000 {
			p.clocks[day][p.o.local(ms).Format(layout)] = ms
		}
	}
	return p.clocks[day]
}
