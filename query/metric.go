package query

import (
	"math"

	"rollcall"
)

// figures is all that is known of a row.
type figures struct {
	rollcall.Counters
	active, wau, mau int64
}

// A kind tells how a metric is written.
type kind uint8

const (
	whole   kind = iota // a count
	seconds             // with ms
	ratio               // a fraction
)

// metric is a column of figures; NaN stands for null.
type metric struct {
	name string
	kind kind
	of   func(f *figures) float64
}

var metrics = []metric{
	{"active_users", whole, func(f *figures) float64 { return float64(f.active) }},
	{"wau", whole, func(f *figures) float64 { return float64(f.wau) }},
	{"mau", whole, func(f *figures) float64 { return float64(f.mau) }},
	{"new_users", whole, counter(rollcall.NewUsers)},
	{"sessions", whole, counter(rollcall.Sessions)},
	{"events", whole, counter(rollcall.Events)},
	{"bounces", whole, counter(rollcall.Bounces)},
	{"bounce_rate", ratio, perSession(rollcall.Bounces)},
	{"avg_session_duration", seconds, func(f *figures) float64 {
		return math.Round(perSession(rollcall.Duration)(f)) / 1000
	}},
	{"total_session_duration", seconds, func(f *figures) float64 { return float64(f.Counters[rollcall.Duration]) / 1000 }},
	{"events_per_session", ratio, perSession(rollcall.Events)},
}

func counter(i int) func(*figures) float64 {
	return func(f *figures) float64 { return float64(f.Counters[i]) }
}

func perSession(i int) func(*figures) float64 {
	return func(f *figures) float64 {
		if f.Counters[rollcall.Sessions] == 0 {
			return math.NaN()
		}
		return float64(f.Counters[i]) / float64(f.Counters[rollcall.Sessions])
	}
}

// column is how the figures of a column are named and written.
type column struct {
	name string
	kind kind
}

// The columns that stand behind each metric when ranges are compared.
const (
	previousSuffix = "_previous"
	changeSuffix   = "_change"
)

// columns gives the columns of a metric.
func (m *metric) columns(compared bool) []column {
	own := column{m.name, m.kind}
	if !compared {
		return []column{own}
	}
	return []column{own, {m.name + previousSuffix, m.kind}, {m.name + changeSuffix, ratio}}
}

func metricNamed(name string) (metric, bool) {
	for _, m := range metrics {
		if m.name == name {
			return m, true
		}
	}
	return metric{}, false
}

// MetricNames lists the metrics a request may ask for.
func MetricNames() []string {
	names := make([]string, len(metrics))
	for i, m := range metrics {
		names[i] = m.name
	}
	return names
}
