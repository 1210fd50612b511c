package query

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/cache"
	"rollcall/store"
)

// maxCells bounds the cells that come one by one.
const maxCells = 50

// cellMetrics are the columns of the cells.
var cellMetrics = []string{"events", "sessions", "bounces", "total_session_duration", "new_users", "active_users"}

// Explain tells what the figures of a day are made of and when they changed, from one view. Errors are those of Query.
func (e *Engine) Explain(ctx context.Context, req *ExplainRequest) (x *Explanation, err error) {
	day, err := dateOr("day", req.Day, e.cfg.Calendar.Date(e.cfg.Now().UnixMilli())-1)
	if err != nil {
		return nil, err
	}
	err = e.cache.Read(ctx, func(v *cache.View) error {
		x = e.explanation(v.Head(), day)
		if err := e.explainFigures(ctx, v, req, day, x); err != nil {
			return err
		}
		return e.explainHistory(ctx, v, day, x)
	})
	if err == nil {
		err = e.explainBuilds(ctx, x)
	}
	return x, err
}

// explainBuilds tells of rebuilds and rollbacks. A data set with one build had none.
func (e *Engine) explainBuilds(ctx context.Context, x *Explanation) error {
	x.Builds = []DayBuild{}
	if e.cfg.Builds == nil {
		return nil
	}
	all, err := e.cfg.Builds(ctx)
	if err != nil {
		return err
	}
	zone := e.cfg.Calendar.Location()
	for _, b := range all {
		if b.Activated == 0 || x.Build == 1 && len(all) == 1 {
			continue
		}
		settings := maps.Clone(b.Settings)
		if settings == nil {
			settings = map[string]string{}
		}
		settings["dimensions"] = strings.Join(b.Dimensions, ",")
		x.Builds = append(x.Builds, DayBuild{b.Number, time.UnixMilli(b.Begun).In(zone), time.UnixMilli(b.Activated).In(zone), settings})
	}
	slices.SortFunc(x.Builds, func(a, b DayBuild) int { return b.InUse.Compare(a.InUse) })
	return nil
}

func (e *Engine) explanation(head *store.Head, day rollcall.Date) *Explanation {
	zone := e.cfg.Calendar.Location()
	x := &Explanation{Day: day.String(), Over: e.cfg.Now().UnixMilli() >= e.cfg.Calendar.DayStart(day+1),
		Version: head.Stamp(store.DayClock, block.Period(day)), Newest: head.Version, Build: head.Build, Shards: len(head.Shards)}
	if head.Committed != 0 {
		x.AsOf = time.UnixMilli(head.Committed).In(zone)
		x.CompleteThrough = x.AsOf
	}
	return x
}

// explainFigures gives the figures as a query does, and the cells that it reads for them.
func (e *Engine) explainFigures(ctx context.Context, v *cache.View, req *ExplainRequest, day rollcall.Date, x *Explanation) error {
	asked := req.query(day, req.Metrics, nil)
	asked.Fill = true
	p, err := e.plan(asked, v.Head())
	if err != nil {
		return err
	}
	res, err := p.run(ctx, v, e.cache.Memory())
	if err != nil {
		return err
	}
	for m, name := range req.Metrics {
		if res.Len() > 0 {
			x.Figures = append(x.Figures, DayFigure{name, figure(res.Metric(0, m))})
		}
	}
	for d, name := range e.cfg.Dimensions {
		if p.cuboid.Has(d) {
			x.Cuboid = append(x.Cuboid, name)
		}
	}
	return e.explainCells(ctx, v, req, day, x)
}

func figure(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

func (e *Engine) explainCells(ctx context.Context, v *cache.View, req *ExplainRequest, day rollcall.Date, x *Explanation) error {
	asked := req.query(day, cellMetrics, x.Cuboid)
	asked.Order = []Order{{Column: "events", Desc: true}}
	for _, name := range x.Cuboid {
		asked.Order = append(asked.Order, Order{Column: name})
	}
	p, err := e.plan(asked, v.Head())
	if err != nil {
		return err
	}
	res, err := p.run(ctx, v, e.cache.Memory())
	if err != nil {
		return err
	}
	for i := range res.Len() {
		cell := res.cell(i)
		if i < maxCells {
			x.Cells = append(x.Cells, cell)
			continue
		}
		if x.Rest == nil {
			x.Rest = &DayCellsBelow{}
		}
		x.Rest.add(&cell)
	}
	return nil
}

// cell gives row i of an answer with the columns of cellMetrics.
func (r *Result) cell(i int) DayCell {
	whole := func(m int) int64 { return int64(r.Metric(i, m)) }
	c := DayCell{Events: whole(0), Sessions: whole(1), Bounces: whole(2), Duration: r.Metric(i, 3), NewUsers: whole(4), ActiveUsers: whole(5)}
	for d := range r.texts {
		c.Values = append(c.Values, r.Value(i, d))
	}
	return c
}

func (b *DayCellsBelow) add(c *DayCell) {
	b.Cells++
	b.Events, b.Sessions, b.Bounces, b.NewUsers = b.Events+c.Events, b.Sessions+c.Sessions, b.Bounces+c.Bounces, b.NewUsers+c.NewUsers
	b.Duration = math.Round((b.Duration+c.Duration)*1000) / 1000
}

// explainHistory tells how the whole day came about: the steps add up to its total cell and to its hours of the ledger.
func (e *Engine) explainHistory(ctx context.Context, v *cache.View, day rollcall.Date, x *Explanation) error {
	calendar := e.cfg.Calendar
	start, end := calendar.DayStart(day), calendar.DayStart(day+1)
	history, ledger, err := v.History(ctx, day, hourOf(start), max(end, hourOf(start)+hourMS))
	if err != nil {
		return err
	}
	var total store.Change
	cells, err := v.Cells(ctx, rollcall.Day, 0, v.Head().Between(store.DayClock, block.Period(day), block.Period(day)+1))
	if err != nil {
		return err
	}
	for _, c := range cells {
		for row := range lengthOf(c) {
			for k := range total.Counters {
				total.Counters[k] += c.Counters[k][row]
			}
		}
	}
	for _, r := range ledger {
		if calendar.Date(r.Hour) == day { // one that midnight divides counts with the day it begins in
			total.Duplicates, total.Late = total.Duplicates+r.Duplicates, total.Late+r.Late
			x.addHour(r, calendar.Location())
		}
	}
	x.setSteps(history, total, end, calendar.Location())
	return nil
}

func lengthOf(c *block.Cells) int {
	if c == nil {
		return 0
	}
	return c.Len()
}

// addHour adds a row of the ledger; rows come by (hour, shard).
func (e *Explanation) addHour(r store.LedgerRow, zone *time.Location) {
	hour := time.UnixMilli(r.Hour).In(zone)
	if n := len(e.Hours); n == 0 || !e.Hours[n-1].Hour.Equal(hour) {
		e.Hours = append(e.Hours, DayHour{Hour: hour})
	}
	last := &e.Hours[len(e.Hours)-1]
	last.Accepted, last.Duplicates, last.Late = last.Accepted+r.Count, last.Duplicates+r.Duplicates, last.Late+r.Late
}
