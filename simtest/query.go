package simtest

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"rollcall"
)

// Metrics lists every metric a query may ask for.
var Metrics = [...]string{
	"active_users", "wau", "mau", "new_users", "sessions", "events", "bounces", "bounce_rate",
	"avg_session_duration", "total_session_duration", "events_per_session",
}

// Query is one question, in the words of GET /api/v1/query.
type Query struct {
	From, To int64 // Unix ms, half-open
	Grain    rollcall.Grain
	Metrics  []string
	Filters  []Filter
	GroupBy  []string
	Fill     bool
	Order    []string // columns, - before one for falling order
	Limit    int      // 0: none

	Compare        string // previous_period, previous_year, or empty
	EverythingElse bool   // Order and Limit choose groups, the others are one

	leaders [][]string // the groups that stand for themselves
}

// Filter restricts one dimension.
type Filter struct {
	Dimension string
	Not       bool
	Values    []string
}

// Row is one row of a reply as JSON decodes it: texts for bucket and dimensions, float64 or nil for metrics.
type Row map[string]any

// Params gives the query as HTTP parameters: from and to as dates where they begin a day, else as RFC 3339.
func (q *Query) Params(loc *time.Location) url.Values {
	c := Config{Location: loc}
	v := url.Values{
		"from":    {c.instant(q.From)},
		"to":      {c.instant(q.To)},
		"grain":   {q.Grain.String()},
		"metrics": {strings.Join(q.Metrics, ",")},
	}
	for _, f := range q.Filters {
		key := "filter." + f.Dimension
		if f.Not {
			key += "!"
		}
		v[key] = []string{joinValues(f.Values)}
	}
	if len(q.GroupBy) > 0 {
		v.Set("group_by", strings.Join(q.GroupBy, ","))
	}
	if q.Fill {
		v.Set("fill", "zero")
	}
	if len(q.Order) > 0 {
		v.Set("order", strings.Join(q.Order, ","))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Compare != "" {
		v.Set("compare", q.Compare)
	}
	if q.EverythingElse {
		v.Set("everything_else", "true")
	}
	return v
}

// instant writes a date only where reading it gives the same instant back.
func (c *Config) instant(ms int64) string {
	t := c.local(ms)
	if c.StartOf(ms, 0) == ms {
		return t.Format(dateLayout)
	}
	return t.Format(time.RFC3339Nano)
}

func joinValues(values []string) string {
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = strings.ReplaceAll(v, ",", `\,`)
	}
	return strings.Join(escaped, ",")
}
