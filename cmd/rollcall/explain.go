package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"rollcall/query"
)

type explainCmd struct {
	Settings
	asking
	Day     string   `help:"The day to explain; yesterday unless given." placeholder:"2026-11-27" group:"Query"`
	Metrics []string `help:"Figures to give." placeholder:"active_users,sessions" group:"Query"`
	Filter  []string `help:"dimension=v1,v2 or dimension!=v1; repeat it for other dimensions." sep:"none" placeholder:"campaign_id=a,b" group:"Query"`
	Format  string   `help:"Form: table or json." enum:"table,json" default:"table"`
}

func (c *explainCmd) Help() string {
	return `Why did yesterday change? Tells what arrived after the day was over, which sessions moved, what was dropped as a duplicate or as
too late, in which commits, and which cells make the figures up.

Examples:
  rollcall explain
  rollcall explain --day 2026-11-27 --filter campaign_id=spring
  rollcall explain --day 2026-11-27 --metrics active_users,wau --server http://localhost:8080
  rollcall explain --day 2026-11-27 --format json`
}

// values gives the request as the parameters of GET /api/v1/explain.
func (c *explainCmd) values() (url.Values, error) {
	v := url.Values{}
	set(v, map[string]string{"day": c.Day, "metrics": strings.Join(c.Metrics, ",")})
	return v, addFilters(v, c.Filter)
}

func (c *explainCmd) Run(e *world) error { return c.ask(e, &c.Settings, c) }

func (c *explainCmd) path() string { return "/api/v1/explain" }

func (c *explainCmd) local(e *world, n *node, values url.Values) error {
	request, err := query.ParseExplain(values)
	if err != nil {
		return wrongQuery(err)
	}
	complete, err := n.complete(e.ctx)
	if err != nil {
		return err
	}
	x, err := n.engine.Explain(e.ctx, request)
	if err != nil {
		return wrongQuery(err)
	}
	if !x.AsOf.IsZero() {
		x.CompleteThrough = complete
	}
	if c.Format == "json" {
		return x.WriteJSON(e.out)
	}
	return x.WriteTable(e.out)
}

func (c *explainCmd) show(e *world, body []byte) error {
	if c.Format == "json" {
		_, err := e.out.Write(body)
		return err
	}
	var x query.Explanation
	if err := json.Unmarshal(body, &x); err != nil {
		return fmt.Errorf("reply of the server: %w", err)
	}
	return x.WriteTable(e.out)
}
