package query

import (
	"maps"
	"net/url"
	"slices"
	"strconv"

	"rollcall"
)

// RetentionRequest asks how many of the users who were new in a day or week were active some days or weeks later. Names are
// checked against the configuration by Retention.
type RetentionRequest struct {
	From, To string         // dates, half-open: the cohorts of these days, or of the weeks they touch; empty for the default
	Cohort   rollcall.Grain // Day or Week
	Periods  int            // 0 for the default
	Filters  []Filter
	Format   string // json or csv
}

// What may be asked for.
const (
	maxCohorts = 1000
	maxPeriods = 400
)

var (
	retentionParameters = []string{"cohort", "periods", "from", "to", "filter.<dimension>", "filter.<dimension>!", "format"}
	cohortGrains        = []string{"day", "week"}
	retentionFormats    = []string{"json", "csv"}
	dateForms           = []string{"2006-01-31 (a date)"}
)

// ParseRetention reads the parameters of GET /api/v1/retention, as ParseValues does those of a query. Errors are
// *BadRequest.
func ParseRetention(v url.Values) (*RetentionRequest, error) {
	items := itemsOf(v)
	r := &RetentionRequest{Cohort: rollcall.Day, Format: "json"}
	for _, name := range slices.Sorted(maps.Keys(items)) {
		list := items[name]
		if f, ok := filterNamed(name, list); ok {
			r.Filters = append(r.Filters, f)
			continue
		}
		if !slices.Contains(retentionParameters, name) {
			return nil, bad(name, retentionParameters, "unknown parameter")
		}
		if len(list) > 1 {
			return nil, bad(name, nil, "takes one value, not %d", len(list))
		}
		if list[0] == "" {
			continue // there but empty: not given
		}
		if err := r.set(name, list[0]); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *RetentionRequest) set(name, text string) (err error) {
	switch name {
	case "from":
		r.From = text
	case "to":
		r.To = text
	case "cohort":
		if r.Cohort, err = rollcall.ParseGrain(text); err != nil || !slices.Contains(cohortGrains, text) {
			return bad(name, cohortGrains, "unknown cohort %q", text)
		}
	case "periods":
		if r.Periods, err = strconv.Atoi(text); err != nil || r.Periods < 1 || r.Periods > maxPeriods {
			return bad(name, []string{"a whole number from 1 to " + strconv.Itoa(maxPeriods)}, "is %q", text)
		}
	case "format":
		if r.Format = text; !slices.Contains(retentionFormats, text) {
			return bad(name, retentionFormats, "unknown format %q", text)
		}
	}
	return nil
}

// RetentionParameters lists the parameters of a question for retention in the order of their documentation.
func RetentionParameters() []Parameter {
	return []Parameter{
		{Name: "cohort", Doc: "What the cohorts and periods are; day unless given.", Values: slices.Clone(cohortGrains)},
		{Name: "periods", Doc: "How many periods to follow a cohort for, at most " + strconv.Itoa(maxPeriods) + "; 30 days or 12 weeks unless given.", Whole: true},
		{Name: "from", Doc: "First date of the cohorts; 30 days or 12 weeks before their end unless given."},
		{Name: "to", Doc: "Date after the last of the cohorts; tomorrow unless given."},
		described("filter.<dimension>"),
		described("filter.<dimension>!"),
		{Name: "format", Doc: "Form of the reply; json unless given.", Values: slices.Clone(retentionFormats)},
	}
}
