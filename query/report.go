package query

import (
	"context"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"rollcall"
	"rollcall/cache"
	"rollcall/store"
)

// DailyMetric is a row of the simple report.
type DailyMetric struct {
	Date     string   `json:"event_date"`
	DAU      int64    `json:"dau"`
	Duration *float64 `json:"avg_session_duration"` // seconds; null without sessions
	Bounce   *float64 `json:"bounce_rate"`          // null without sessions
}

// reportDays is the most rows of the simple report.
const reportDays = 90

// Report is the question of the simple report: the newest 90 days with data, newest first, or the newest 90 of a range.
type Report struct{ req Request }

// ParseReport reads the parameters of GET /api/v1/metrics: from, to and any dimension. Errors are *BadRequest.
func (e *Engine) ParseReport(v url.Values) (*Report, error) {
	valid := append([]string{"from", "to"}, e.cfg.Dimensions...)
	items := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		switch {
		case slices.Contains(e.cfg.Dimensions, name):
			items["filter."+name] = v[name]
		case name == "from" || name == "to":
			items[name] = v[name]
		default:
			return nil, bad(name, valid, "unknown parameter")
		}
	}
	items.Set("metrics", "active_users,avg_session_duration,bounce_rate")
	items.Set("order", "-bucket")
	items.Set("limit", strconv.Itoa(reportDays))
	req, err := ParseValues(items)
	if err != nil {
		return nil, err
	}
	return &Report{*req}, nil
}

// AskReport is Ask for the simple report. Text must differ from those of queries.
func (e *Engine) AskReport(ctx context.Context, text string, parse func() (*Report, error)) (*Question, error) {
	return e.askAs(ctx, text, func() (request, error) { return parse() })
}

// Metrics answers the simple report. Errors are those of Query.
func (e *Engine) Metrics(ctx context.Context, v url.Values) (days []DailyMetric, err error) {
	r, err := e.ParseReport(v)
	if err != nil {
		return nil, err
	}
	err = e.cache.Read(ctx, func(view *cache.View) error {
		p, err := e.planReport(r, view.Head())
		if err == nil {
			days, err = p.run(ctx, view, e.cache.Memory())
		}
		return err
	})
	return days, err
}

// reportPlan is a report that was checked. Its plan covers all days that may be among the newest.
type reportPlan struct {
	*plan
	engine *Engine
	req    Request
}

func (r *Report) planned(e *Engine, head *store.Head) (planned, error) { return e.planReport(r, head) }

func (e *Engine) planReport(r *Report, head *store.Head) (*reportPlan, error) {
	all := r.req
	if days := head.Stamps[store.DayClock]; r.newest() && len(days) > 0 {
		all.From, all.To = rollcall.Date(days[0].Period).String(), (rollcall.Date(days[len(days)-1].Period) + 1).String()
	}
	p, err := e.planAtAnyCost(&all, head) // of which only the newest days are read
	if err != nil {
		return nil, err
	}
	return &reportPlan{p, e, r.req}, nil
}

// newest tells whether the range is that of the newest days that have data.
func (r *Report) newest() bool { return r.req.From == "" && r.req.To == "" }

func (p *reportPlan) tag() string { return "m-" + p.plan.tag() }

func (p *reportPlan) answer(ctx context.Context, view *cache.View, memory *cache.Memory) (*Answer, error) {
	days, err := p.run(ctx, view, memory)
	if err != nil {
		return nil, err
	}
	rows, err := json.Marshal(days, json.Deterministic(true))
	return &Answer{Tag: p.tag(), Format: "array", rows: append(rows, '\n')}, err
}

func (p *reportPlan) run(ctx context.Context, view *cache.View, memory *cache.Memory) ([]DailyMetric, error) {
	req := p.req
	if (&Report{req}).newest() {
		if err := p.engine.newestDays(ctx, view, &req); err != nil {
			return nil, err
		}
	}
	of, err := p.engine.plan(&req, view.Head())
	if err != nil {
		return nil, err
	}
	res, err := of.run(ctx, view, memory)
	if err != nil {
		return nil, err
	}
	return res.daily(), nil
}

// newestDays sets the range of a request to the newest 90 days that have data.
func (e *Engine) newestDays(ctx context.Context, view *cache.View, req *Request) error {
	p, err := e.plan(req, view.Head())
	if err != nil {
		return err
	}
	r := &reader{ctx: ctx, view: view, plan: p}
	stamps := r.stamps(rollcall.Day, math.MinInt64, math.MaxInt64)
	var dates []rollcall.Date // newest first
	for len(stamps) > 0 && len(dates) < reportDays {
		from := max(0, len(stamps)-reportDays)
		found, err := r.datesWithData(stamps[from:])
		if err != nil {
			return err
		}
		stamps, dates = stamps[:from], append(dates, found...)
	}
	if len(dates) == 0 {
		return nil
	}
	req.From = dates[min(len(dates), reportDays)-1].String()
	req.To = (dates[0] + 1).String()
	return nil
}

// datesWithData lists the dates that have a row, newest first.
func (r *reader) datesWithData(stamps []store.Stamp) (dates []rollcall.Date, err error) {
	p := r.plan
	blocks, err := r.view.Cells(r.ctx, rollcall.Day, p.cuboid, stamps)
	for _, c := range slices.Backward(blocks) {
		if c == nil {
			continue
		}
		if err := p.checkCells(c, c.Dims); err != nil {
			return nil, err
		}
		pass := p.selected(p.cuboid, c.Dims, c.Len())
		for row, n := range c.Counters[rollcall.Events] {
			if (pass == nil || pass[row]) && (n != 0 || c.Counters[rollcall.Sessions][row] != 0) {
				dates = append(dates, rollcall.Date(c.Key.Period))
				break
			}
		}
	}
	return dates, err
}

func (r *Result) daily() []DailyMetric {
	days := make([]DailyMetric, r.Len())
	for i := range days {
		days[i] = DailyMetric{r.Bucket(i), int64(r.Metric(i, 0)), nullable(r.Metric(i, 1)), nullable(r.Metric(i, 2))}
	}
	return days
}

func nullable(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
