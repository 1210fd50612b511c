package query

import (
	"context"
	"maps"
	"math"
	"net/url"
	"slices"

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

// Metrics answers GET /api/v1/metrics: the newest 90 days with data, newest first. Parameters are from, to and any
// dimension. Tag names the answer. Errors are those of Query.
func (e *Engine) Metrics(ctx context.Context, v url.Values) (days []DailyMetric, tag string, err error) {
	err = e.cache.Read(ctx, func(view *cache.View) error {
		req, err := e.reportRequest(v)
		if err != nil {
			return err
		}
		if tag, err = e.reportTag(req, view.Head()); err != nil {
			return err
		}
		if req.From == "" && req.To == "" {
			if err := e.newestDays(ctx, view, req); err != nil {
				return err
			}
		}
		p, err := e.plan(req, view.Head())
		if err != nil {
			return err
		}
		res, err := p.run(ctx, view, e.cache.Memory())
		if err == nil {
			days = res.daily()
		}
		return err
	})
	return days, tag, err
}

// MetricsTag names the answer of Metrics as the store is now: two equal tags mean equal answers.
func (e *Engine) MetricsTag(ctx context.Context, v url.Values) (string, error) {
	req, err := e.reportRequest(v)
	if err != nil {
		return "", err
	}
	head, err := e.cache.Head(ctx)
	if err != nil {
		return "", err
	}
	return e.reportTag(req, head)
}

// reportTag names the answer as of a head. Without a range any day may be among the newest.
func (e *Engine) reportTag(req *Request, head *store.Head) (string, error) {
	all := *req
	if days := head.Stamps[store.DayClock]; req.From == "" && req.To == "" && len(days) > 0 {
		all.From, all.To = rollcall.Date(days[0].Period).String(), (rollcall.Date(days[len(days)-1].Period) + 1).String()
	}
	p, err := e.plan(&all, head)
	if err != nil {
		return "", err
	}
	return "m-" + p.tag(), nil
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
