package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"rollcall/query"
)

type queryCmd struct {
	Settings
	asking
	From    string   `help:"First day or instant." placeholder:"2026-11-01" group:"Query"`
	To      string   `help:"End, not included." placeholder:"2026-12-01" group:"Query"`
	Grain   string   `help:"minute, hour, day, week, month or total." placeholder:"day" group:"Query"`
	Metrics []string `help:"Figures to give." placeholder:"active_users,sessions" group:"Query"`
	Filter  []string `help:"dimension=v1,v2 or dimension!=v1; repeat it for other dimensions." sep:"none" placeholder:"campaign_id=a,b" group:"Query"`
	GroupBy []string `help:"Dimensions to break down by." placeholder:"campaign_id" group:"Query"`
	Order   string   `help:"Columns to order by; - before one for falling order." placeholder:"-active_users" group:"Query"`
	Limit   string   `help:"Most rows." placeholder:"20" group:"Query"`
	Fill    string   `help:"zero for empty buckets too." placeholder:"zero" group:"Query"`
	Compare string   `help:"previous_period or previous_year: each figure of then, and the change." placeholder:"previous_year" group:"Query"`
	Rest    bool     `name:"everything-else" help:"Unite the groups beyond --limit in one." group:"Query"`
	Format  string   `help:"Form: table, json, csv or parquet." enum:"table,json,csv,parquet" default:"table"`
	Output  string   `short:"o" help:"File to write; - for standard output." placeholder:"FILE"`
}

func (c *queryCmd) Help() string {
	return `Examples:
  rollcall query --metrics active_users,wau,mau --from 2026-11-01
  rollcall query --grain month --group-by campaign_id --order=-active_users --limit 10
  rollcall query --grain week --group-by campaign_id --limit 5 --everything-else --compare previous_year
  rollcall query --filter campaign_id=spring,summer --filter 'age_group!=65+' --format csv
  rollcall query --grain hour --group-by campaign_id --format parquet -o hours.parquet`
}

// values gives the request as the parameters of GET /api/v1/query.
func (c *queryCmd) values() (url.Values, error) {
	v := url.Values{}
	set(v, map[string]string{"from": c.From, "to": c.To, "grain": c.Grain, "metrics": strings.Join(c.Metrics, ","),
		"group_by": strings.Join(c.GroupBy, ","), "order": c.Order, "limit": c.Limit, "fill": c.Fill, "compare": c.Compare})
	if c.Rest {
		v.Set("everything_else", "true")
	}
	if c.Server != "" && (c.Format == "csv" || c.Format == "parquet") {
		v.Set("format", c.Format)
	}
	return v, addFilters(v, c.Filter)
}

// addFilters adds what --filter gave to the parameters of a request.
func addFilters(v url.Values, filters []string) error {
	for _, f := range filters {
		dimension, list, ok := strings.Cut(f, "=")
		if !ok {
			return usageError(fmt.Sprintf("--filter %q: give dimension=value or dimension!=value", f))
		}
		// "campaign_id!=x" leaves the mark on the name, as in filter.campaign_id!=x.
		v.Add("filter."+dimension, list)
	}
	return nil
}

func (c *queryCmd) Run(e *world) error {
	if c.Format == "parquet" && c.toTerminal(e) {
		return usageError("--format parquet is not for a terminal: add -o FILE, or send the output to a file")
	}
	return c.ask(e, &c.Settings, c)
}

func (c *queryCmd) path() string { return "/api/v1/query" }

func (c *queryCmd) local(e *world, n *node, values url.Values) error {
	request, err := query.ParseValues(values)
	if err != nil {
		return wrongQuery(err)
	}
	complete, err := n.complete(e.ctx)
	if err != nil {
		return err
	}
	result, err := n.engine.Query(e.ctx, request)
	if err != nil {
		return wrongQuery(err)
	}
	result.CompleteThrough = complete
	return c.write(e, result)
}

func (c *queryCmd) write(e *world, r *query.Result) error {
	write := r.WriteTable
	switch c.Format {
	case "json":
		write = r.WriteJSON
	case "csv":
		write = r.WriteCSV
	case "parquet":
		write = r.WriteParquet
	}
	return c.output(e, write)
}

func wrongQuery(err error) error {
	var bad *query.BadRequest
	if errors.As(err, &bad) {
		return usageError(err.Error())
	}
	return err
}

func (c *queryCmd) show(e *world, body []byte) error {
	return c.output(e, func(w io.Writer) error {
		if c.Format == "table" {
			return remoteTable(w, body)
		}
		_, err := w.Write(body)
		return err
	})
}
