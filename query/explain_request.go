package query

import (
	"maps"
	"net/url"
	"slices"

	"rollcall"
)

// ExplainRequest asks what the figures of a day are made of, and when they changed. Names are checked against the
// configuration by Explain.
type ExplainRequest struct {
	Day     string // a date; empty for yesterday
	Metrics []string
	Filters []Filter
}

var explainParameters = []string{"day", "metrics", "filter.<dimension>", "filter.<dimension>!"}

// ParseExplain reads the parameters of GET /api/v1/explain, as ParseValues does those of a query. Errors are *BadRequest.
func ParseExplain(v url.Values) (*ExplainRequest, error) {
	items := itemsOf(v)
	r := &ExplainRequest{Metrics: defaultMetrics}
	for _, name := range slices.Sorted(maps.Keys(items)) {
		list := items[name]
		if f, ok := filterNamed(name, list); ok {
			r.Filters = append(r.Filters, f)
			continue
		}
		if !slices.Contains(explainParameters, name) {
			return nil, bad(name, explainParameters, "unknown parameter")
		}
		if len(list) == 1 && list[0] == "" {
			continue // there but empty: not given
		}
		if err := r.set(name, list); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *ExplainRequest) set(name string, list []string) error {
	if name == "metrics" {
		r.Metrics = list
		return checkMetrics(list)
	}
	if len(list) > 1 {
		return bad(name, nil, "takes one value, not %d", len(list))
	}
	r.Day = list[0]
	_, err := dateOr(name, r.Day, 0)
	return err
}

// ExplainParameters lists the parameters of an explanation in the order of their documentation.
func ExplainParameters() []Parameter {
	return []Parameter{
		{Name: "day", Doc: "The date to explain; yesterday unless given."},
		described("metrics"),
		described("filter.<dimension>"),
		described("filter.<dimension>!"),
	}
}

// query is the question whose one row has the figures of the day, grouped by some dimensions.
func (r *ExplainRequest) query(day rollcall.Date, metrics, groupBy []string) *Request {
	return &Request{From: day.String(), To: (day + 1).String(), Grain: rollcall.Day, Metrics: metrics, Filters: r.Filters, GroupBy: groupBy, Format: "json"}
}
