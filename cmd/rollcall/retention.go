package main

import (
	"encoding/json"
	"fmt"
	"net/url"

	"rollcall/query"
)

type retentionCmd struct {
	Settings
	asking
	Cohort  string   `help:"day or week: what the cohorts and periods are." placeholder:"day" group:"Query"`
	Periods string   `help:"How many periods to follow a cohort for." placeholder:"30" group:"Query"`
	From    string   `help:"First day of the cohorts." placeholder:"2026-11-01" group:"Query"`
	To      string   `help:"Day after the last of the cohorts." placeholder:"2026-12-01" group:"Query"`
	Filter  []string `help:"dimension=v1,v2 or dimension!=v1; repeat it for other dimensions." sep:"none" placeholder:"campaign_id=a,b" group:"Query"`
	Format  string   `help:"Form: table, json or csv." enum:"table,json,csv" default:"table"`
}

func (c *retentionCmd) Help() string {
	return `Of the users who came for the first time in a day or week, how many came back k days or weeks later. Column 0 is
the day or week itself; * marks one that is not over.

Examples:
  rollcall retention
  rollcall retention --cohort week --periods 8 --from 2026-09-01
  rollcall retention --filter campaign_id=spring --format csv`
}

// values gives the request as the parameters of GET /api/v1/retention.
func (c *retentionCmd) values() (url.Values, error) {
	v := url.Values{}
	set(v, map[string]string{"cohort": c.Cohort, "periods": c.Periods, "from": c.From, "to": c.To})
	if c.Server != "" && c.Format == "csv" {
		v.Set("format", "csv")
	}
	return v, addFilters(v, c.Filter)
}

func (c *retentionCmd) Run(e *world) error { return c.ask(e, &c.Settings, c) }

func (c *retentionCmd) path() string { return "/api/v1/retention" }

func (c *retentionCmd) local(e *world, n *node, values url.Values) error {
	request, err := query.ParseRetention(values)
	if err != nil {
		return wrongQuery(err)
	}
	complete, err := n.complete(e.ctx)
	if err != nil {
		return err
	}
	result, err := n.engine.Retention(e.ctx, request)
	if err != nil {
		return wrongQuery(err)
	}
	if !result.AsOf.IsZero() {
		result.CompleteThrough = complete
	}
	switch c.Format {
	case "json":
		return result.WriteJSON(e.out)
	case "csv":
		return result.WriteCSV(e.out)
	default:
		return result.WriteTable(e.out)
	}
}

func (c *retentionCmd) show(e *world, body []byte) error {
	if c.Format != "table" {
		_, err := e.out.Write(body)
		return err
	}
	var result query.Retention
	if err := json.Unmarshal(body, &result); err != nil {
		return fmt.Errorf("reply of the server: %w", err)
	}
	return result.WriteTable(e.out)
}
