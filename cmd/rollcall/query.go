package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"rollcall/query"
)

type queryCmd struct {
	Settings
	Server  string   `help:"Ask a running server at this address." placeholder:"URL"`
	Key     string   `help:"API key of the server." placeholder:"KEY" env:"ROLLCALL_KEY"`
	From    string   `help:"First day or instant." placeholder:"2026-11-01" group:"Query"`
	To      string   `help:"End, not included." placeholder:"2026-12-01" group:"Query"`
	Grain   string   `help:"minute, hour, day, week, month or total." placeholder:"day" group:"Query"`
	Metrics []string `help:"Figures to give." placeholder:"active_users,sessions" group:"Query"`
	Filter  []string `help:"dimension=v1,v2 or dimension!=v1; repeat it for other dimensions." sep:"none" placeholder:"campaign_id=a,b" group:"Query"`
	GroupBy []string `help:"Dimensions to break down by." placeholder:"campaign_id" group:"Query"`
	Order   string   `help:"Columns to order by; - before one for falling order." placeholder:"-active_users" group:"Query"`
	Limit   string   `help:"Most rows." placeholder:"20" group:"Query"`
	Fill    string   `help:"zero for empty buckets too." placeholder:"zero" group:"Query"`
	Format  string   `help:"Form: table, json or csv." enum:"table,json,csv" default:"table"`
}

func (c *queryCmd) Help() string {
	return `Examples:
  rollcall query --metrics active_users,wau,mau --from 2026-11-01
  rollcall query --grain month --group-by campaign_id --order=-active_users --limit 10
  rollcall query --filter campaign_id=spring,summer --filter 'age_group!=65+' --format csv`
}

// values gives the request as the parameters of GET /api/v1/query.
func (c *queryCmd) values() (url.Values, error) {
	v := url.Values{}
	for name, value := range map[string]string{"from": c.From, "to": c.To, "grain": c.Grain, "metrics": strings.Join(c.Metrics, ","),
		"group_by": strings.Join(c.GroupBy, ","), "order": c.Order, "limit": c.Limit, "fill": c.Fill} {
		if value != "" {
			v.Set(name, value)
		}
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
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	values, err := c.values()
	if err != nil {
		return err
	}
	if c.Server != "" {
		return c.remote(e, values)
	}
	n, err := openAnswers(e, cfg)
	if err != nil {
		return err
	}
	return errors.Join(c.local(e, n, values), n.close())
}

func (c *queryCmd) local(e *world, n *node, values url.Values) error {
	request, err := query.ParseValues(values)
	if err != nil {
		return wrongQuery(err)
	}
	now := time.Now()
	if err := n.caughtUp(e.ctx); err != nil {
		return err
	}
	result, err := n.engine.Query(e.ctx, request)
	if err != nil {
		return wrongQuery(err)
	}
	result.CompleteThrough = now.In(n.calendar.Location()) // nobody else writes to the log
	return c.write(e, result)
}

func (c *queryCmd) write(e *world, r *query.Result) error {
	switch c.Format {
	case "json":
		return r.WriteJSON(e.out)
	case "csv":
		return r.WriteCSV(e.out)
	default:
		return r.WriteTable(e.out)
	}
}

func wrongQuery(err error) error {
	var bad *query.BadRequest
	if errors.As(err, &bad) {
		return usageError(err.Error())
	}
	return err
}

func (c *queryCmd) remote(e *world, values url.Values) error {
	cl, err := newClient(c.Server, c.Key)
	if err != nil {
		return err
	}
	if c.Format == "csv" {
		values.Set("format", "csv")
	}
	body, err := cl.get(e.ctx, "/api/v1/query", values)
	if err != nil {
		return err
	}
	if c.Format == "table" {
		return remoteTable(e.out, body)
	}
	_, err = e.out.Write(body)
	return err
}
