package query

import (
	"context"
	"fmt"

	"github.com/zeebo/xxh3"

	"rollcall"
	"rollcall/block"
	"rollcall/cache"
	"rollcall/store"
)

// retentionPlan is a request for retention that was checked. Cohorts and periods are units of one day or one week, counted
// from the first cohort: period k of cohort c is unit c+k.
type retentionPlan struct {
	plan            // head, dims and filters; its one group is everybody
	cohort          rollcall.Grain
	unit            rollcall.Date // days in one
	first           rollcall.Date // of the first cohort
	cohorts, length int           // how many cohorts, and periods at most
	open            int           // the unit that is still going on, from 0; before the first cohort when none has begun
}

func (r *RetentionRequest) planned(e *Engine, head *store.Head) (planned, error) {
	return e.planRetention(r, head)
}

func (e *Engine) planRetention(req *RetentionRequest, head *store.Head) (*retentionPlan, error) {
	p := &retentionPlan{cohort: req.Cohort, unit: 1, length: req.Periods}
	p.plan = plan{span: span{cal: e.cfg.Calendar}, head: head, dims: e.cfg.Dimensions, values: &e.values, format: req.Format, full: rollcall.Full(len(e.cfg.Dimensions))}
	units := 30
	if p.cohort == rollcall.Week {
		p.unit, units = 7, 12
	}
	orDefault(&p.length, units)
	if p.length < 1 || p.length > maxPeriods {
		return nil, bad("periods", nil, "%d of them; at least 1 and at most %d are given", p.length, maxPeriods)
	}
	if err := p.setCohorts(req, e.cfg.Calendar.Date(e.cfg.Now().UnixMilli()), units); err != nil {
		return nil, err
	}
	if err := p.setFilters(req.Filters); err != nil {
		return nil, err
	}
	return p, p.checkCost(e.cfg.MaxCost)
}

// checkCost refuses a plan that reads more first events and members of user sets than the limit; 0 is none.
func (p *retentionPlan) checkCost(limit int64) error {
	days := p.days()
	estimate := int64(p.eventsPerDay() * float64(len(days)))
	for _, s := range p.head.Shards {
		estimate += s.Users
	}
	if limit == 0 || estimate <= limit {
		return nil
	}
	return &TooCostly{Estimate: estimate, Limit: limit, Hint: "ask for fewer periods, or a shorter range of cohorts"}
}

// days gives the versions of the days that are read.
func (p *retentionPlan) days() []store.Stamp {
	return p.head.Between(store.DayClock, block.Period(p.first), block.Period(p.date(p.units())))
}

// setCohorts reads the range. Cohorts that have not begun are left out.
func (p *retentionPlan) setCohorts(req *RetentionRequest, today rollcall.Date, units int) error {
	until, err := dateOr("to", req.To, today+1)
	if err != nil {
		return err
	}
	from, err := dateOr("from", req.From, (until-1).Start(p.cohort)-rollcall.Date(units-1)*p.unit)
	if err != nil {
		return err
	}
	if from >= until {
		return bad("from", []string{"a date before to; the range is half-open"}, "%s is not before %s", from, until)
	}
	p.first = from.Start(p.cohort)
	p.open = int((today.Start(p.cohort) - p.first) / p.unit)
	last := min(int(((until-1).Start(p.cohort)-p.first)/p.unit), p.open)
	if p.cohorts = max(last+1, 0); p.cohorts > maxCohorts {
		return bad("from", []string{"a later from", "cohort=week"}, "the range has %d cohorts; at most %d are given", p.cohorts, maxCohorts)
	}
	return nil
}

func dateOr(param, text string, otherwise rollcall.Date) (rollcall.Date, error) {
	if text == "" {
		return otherwise, nil
	}
	d, err := rollcall.ParseDate(text)
	if err != nil {
		return 0, bad(param, dateForms, "%q is no date", text)
	}
	return d, nil
}

// periods is how many periods of a cohort have begun and are asked for.
func (p *retentionPlan) periods(cohort int) int { return min(p.length, p.open-cohort+1) }

// date is the first date of a unit.
func (p *retentionPlan) date(unit int) rollcall.Date { return p.first + rollcall.Date(unit)*p.unit }

// units is how many units are read: from the first cohort to the last period of the last one.
func (p *retentionPlan) units() int {
	if p.cohorts == 0 {
		return 0
	}
	return p.cohorts - 1 + p.periods(p.cohorts-1)
}

func (p *retentionPlan) tag() string {
	h := xxh3.New()
	fmt.Fprintf(h, "retention %x %d %v %d %d %d %d %s %q %q %v", p.head.Identity, p.head.Build, p.cohort, p.first, p.cohorts, p.length, p.open, p.format,
		p.dims, p.filterTexts(), p.cal.Location())
	return tagOf(h, [][]store.Stamp{p.head.Stamps[store.UsersClock], p.days()})
}

// Retention answers a request for retention from one view. Errors are those of Query.
func (e *Engine) Retention(ctx context.Context, req *RetentionRequest) (res *Retention, err error) {
	err = e.cache.Read(ctx, func(v *cache.View) error {
		p, err := e.planRetention(req, v.Head())
		if err != nil {
			return err
		}
		res, err = p.run(ctx, v, e.cache.Memory())
		return err
	})
	return res, err
}

// AskRetention is Ask for retention. Text must differ from those of queries.
func (e *Engine) AskRetention(ctx context.Context, text string, parse func() (*RetentionRequest, error)) (*Question, error) {
	return e.askAs(ctx, text, func() (request, error) { return parse() })
}

func (p *retentionPlan) answer(ctx context.Context, view *cache.View, memory *cache.Memory) (*Answer, error) {
	res, err := p.run(ctx, view, memory)
	if err != nil {
		return nil, err
	}
	return &Answer{Tag: p.tag(), Format: p.format, rows: res.body(p.format), rest: restOf(res.Build)}, nil
}
