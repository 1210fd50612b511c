package query

import (
	"fmt"
	"strings"

	"rollcall"
)

// Request is a question as it was asked. Names are checked against the configuration by Query.
type Request struct {
	From, To string // dates or RFC 3339 instants, half-open; empty for the default
	Grain    rollcall.Grain
	Metrics  []string
	Filters  []Filter
	GroupBy  []string
	Order    []Order
	Limit    int // 0 for none
	Fill     bool
	Compare  string // previous_period, previous_year, or empty for none
	// EverythingElse lets the first Limit groups of the whole range stand for themselves and unites the others.
	EverythingElse bool
	Format         string // json, csv or parquet
}

// Filter restricts a dimension to some values, or excludes them.
type Filter struct {
	Dimension string
	Not       bool
	Values    []string
}

// Order sorts by a column of the reply.
type Order struct {
	Column string
	Desc   bool
}

// BadRequest tells what was wrong with a request and what would be right.
type BadRequest struct {
	Param  string   // the parameter at fault
	Detail string   // what is wrong with it
	Valid  []string // names, values or forms that are accepted there
}

func (e *BadRequest) Error() string {
	if len(e.Valid) == 0 {
		return fmt.Sprintf("%s: %s", e.Param, e.Detail)
	}
	return fmt.Sprintf("%s: %s; valid: %s", e.Param, e.Detail, strings.Join(e.Valid, ", "))
}

func bad(param string, valid []string, format string, args ...any) error {
	return &BadRequest{Param: param, Detail: fmt.Sprintf(format, args...), Valid: valid}
}

var (
	instantForms = []string{"2006-01-31 (a date)", "2006-01-31T15:04:05+09:00 (RFC 3339)"}
	formats      = []string{"json", "csv", "parquet"}
	comparisons  = []string{previousPeriod, previousYear}
	grains       = []string{"minute", "hour", "day", "week", "month", "total"}
	parameters   = []string{"from", "to", "grain", "metrics", "filter.<dimension>", "filter.<dimension>!", "group_by",
		"order", "limit", "fill", "compare", "everything_else", "format"}
	defaultMetrics = []string{"active_users", "sessions", "avg_session_duration", "bounce_rate"}
)
