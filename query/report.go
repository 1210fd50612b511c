package query

import (
	"context"
	"errors"
	"maps"
	"math"
	"net/url"
	"slices"

	"rollcall"
	"rollcall/block"
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

// Metrics answers GET /api/v1/metrics: the newest 90 days with data, newest first. Parameters are from, to and any
// dimension. Errors are those of Query.
func (e *Engine) Metrics(ctx context.Context, v url.Values) (days []DailyMetric, err error) {
	view, err := e.viewer.View(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	req, err := e.reportRequest(v)
	if err != nil {
		return nil, err
	}
	if req.From == "" && req.To == "" {
		if err := e.newestDays(ctx, view, req); err != nil {
			return nil, err
		}
	}
	p, err := e.plan(req, view.Head())
	if err != nil {
		return nil, err
	}
	res, err := p.run(ctx, view)
	if err != nil {
		return nil, err
	}
	return res.daily(), nil
}

// MetricsTag names the answer of Metrics as the store is now: two equal tags mean equal answers.
func (e *Engine) MetricsTag(ctx context.Context, v url.Values) (string, error) {
	req, err := e.reportRequest(v)
	if err != nil {
		return "", err
	}
	tag, err := e.Tag(ctx, req)
	return "m-" + tag, err
}

func (e *Engine) reportRequest(v url.Values) (*Request, error) {
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
	items.Set("limit", "90")
	return ParseValues(items)
}

// newestDays sets the range of a request to the newest 90 days that have data.
func (e *Engine) newestDays(ctx context.Context, view store.View, req *Request) error {
	p, err := e.plan(req, view.Head())
	if err != nil {
		return err
	}
	newest := rollcall.Date(math.MinInt32)
	for _, s := range view.Head().Shards {
		if s.Accepted > 0 || s.MaxTime != 0 {
			newest = max(newest, e.cfg.Calendar.Date(s.MaxTime))
		}
	}
	recent := block.Period(newest) - 4*minPeriods
	dates, err := p.datesWithData(ctx, view, recent, math.MaxInt64)
	if err == nil && len(dates) < reportDays {
		var older []rollcall.Date
		older, err = p.datesWithData(ctx, view, math.MinInt64, recent)
		dates = append(older, dates...)
	}
	if err != nil || len(dates) == 0 {
		return err
	}
	req.From = dates[max(0, len(dates)-reportDays)].String()
	req.To = (dates[len(dates)-1] + 1).String()
	return nil
}

func (p *plan) datesWithData(ctx context.Context, view store.View, from, until block.Period) (dates []rollcall.Date, err error) {
	blocks, err := view.Cells(ctx, rollcall.Day, p.cuboid, from, until)
	if err != nil {
		return nil, err
	}
	for _, c := range blocks {
		pass := p.selected(p.cuboid, c.Dims, c.Len())
		for row, n := range c.Counters[rollcall.Events] {
			if (pass == nil || pass[row]) && (n != 0 || c.Counters[rollcall.Sessions][row] != 0) {
				dates = append(dates, rollcall.Date(c.Key.Period))
				break
			}
		}
	}
	return dates, nil
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
