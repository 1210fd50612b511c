package simtest

import (
	"slices"
	"time"

	"rollcall"
)

// RandomQuery asks about a world something that the contract gives exactly one answer to.
func RandomQuery(d Dice, w *World, o *Oracle) Query {
	q := Query{
		Grain:   rollcall.Grain(d.Intn(int(rollcall.Total) + 1)),
		Metrics: some(d, Metrics[:]),
		GroupBy: some(d, w.Config.Dimensions),
		Fill:    once(d, 4),
	}
	if len(q.Metrics) == 0 || once(d, 3) {
		q.Metrics = Metrics[:]
	}
	if d.Intn(2) == 0 {
		q.GroupBy = nil
	}
	q.From, q.To = w.dates(d)
	w.retain(&q)
	if q.Fill && q.Grain == rollcall.Minute {
		q.From = w.Config.StartOf(q.To-1, 0) // a row for each minute of one day is enough
	}
	if w.partial(o) && once(d, 3) {
		w.trim(d, &q)
	}
	for _, name := range some(d, w.Config.Dimensions) {
		q.Filters = append(q.Filters, w.filter(d, name))
	}
	if once(d, 4) {
		w.compare(d, &q)
	}
	if once(d, 3) {
		q.Order = randomOrder(d, &q)
	}
	if once(d, 4) {
		q.Limit = 1 + d.Intn(5)
	}
	if q.EverythingElse = len(q.GroupBy) > 0 && once(d, 3); q.EverythingElse {
		q.Limit = 1 + d.Intn(3)
	}
	return q
}

// some takes some of the items, in any order.
func some(d Dice, items []string) []string {
	var taken []string
	for _, item := range items {
		if d.Intn(2) == 0 {
			taken = slices.Insert(taken, d.Intn(len(taken)+1), item)
		}
	}
	return taken
}

// dates is a range of whole days.
func (w *World) dates(d Dice) (from, to int64) {
	first := d.Intn(worldDays+4) - 2
	return w.Config.StartOf(w.Start, first), w.Config.StartOf(w.Start, first+1+d.Intn(worldDays))
}

// retain makes a query at a fine grain one of days where its range lies wholly before the retention.
func (w *World) retain(q *Query) {
	if !w.kept(q.Grain, q.To) {
		q.Grain = rollcall.Day
	}
}

// kept tells whether a range that ends at to lies at least in part within the retention of a grain.
func (w *World) kept(g rollcall.Grain, to int64) bool {
	retention := time.Duration(0)
	switch g {
	case rollcall.Minute:
		retention = w.Config.MinuteRetention
	case rollcall.Hour:
		retention = w.Config.HourRetention
	}
	return retention == 0 || to > w.Config.StartOf(w.Now-retention.Milliseconds(), 1)
}

// compare compares a query with a range before that has an answer.
func (w *World) compare(d Dice, q *Query) {
	q.Compare = pick(d, previousPeriod, previousYear)
	if _, to := w.Config.before(q); !w.kept(q.Grain, to) {
		q.Compare = ""
	}
}

// partial tells whether a range that cuts a day has one answer: all events must be in the minute cells that give it.
func (w *World) partial(o *Oracle) bool {
	return w.Config.MinuteRetention == 0 && o.Whole(rollcall.Hour)
}

// trim cuts a range off at minutes near events.
func (w *World) trim(d Dice, q *Query) {
	if len(w.Events) == 0 {
		return
	}
	for _, end := range []*int64{&q.From, &q.To} {
		e := w.Events[d.Intn(len(w.Events))]
		ms := w.Config.bucket(pick(d, rollcall.Hour, rollcall.Minute), e.Time).order
		if d.Intn(2) == 0 && ms > q.From && ms < q.To {
			*end = ms
		}
	}
}

func (w *World) filter(d Dice, name string) Filter {
	f := Filter{Dimension: name, Not: once(d, 3)}
	for range 1 + d.Intn(2) {
		v := valueText(pick(d, append(w.Values, "never seen")...))
		if !slices.Contains(f.Values, v) {
			f.Values = append(f.Values, v)
		}
	}
	return f
}

func randomOrder(d Dice, q *Query) []string {
	columns := append(append([]string{"bucket"}, q.GroupBy...), q.Metrics...)
	if q.Compare != "" {
		for _, m := range q.Metrics {
			columns = append(columns, m+previousSuffix, m+changeSuffix)
		}
	}
	order := some(d, columns)
	order = order[:min(len(order), 3)]
	for i := range order {
		if d.Intn(2) == 0 {
			order[i] = "-" + order[i]
		}
	}
	return order
}
