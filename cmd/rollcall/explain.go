package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"rollcall/query"
)

type explainCmd struct {
	Settings
	Server  string   `help:"Ask a running server at this address." placeholder:"URL"`
	Key     string   `help:"API key of the server." placeholder:"KEY" env:"ROLLCALL_KEY"`
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
	for name, value := range map[string]string{"day": c.Day, "metrics": strings.Join(c.Metrics, ",")} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v, addFilters(v, c.Filter)
}

func (c *explainCmd) Run(e *world) error {
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

func (c *explainCmd) local(e *world, n *node, values url.Values) error {
	request, err := query.ParseExplain(values)
	if err != nil {
		return wrongQuery(err)
	}
	now := time.Now()
	if err := n.caughtUp(e.ctx); err != nil {
		return err
	}
	x, err := n.engine.Explain(e.ctx, request)
	if err != nil {
		return wrongQuery(err)
	}
	if !x.AsOf.IsZero() {
		x.CompleteThrough = now.In(n.calendar.Location()) // nobody else writes to the log
	}
	if c.Format == "json" {
		return x.WriteJSON(e.out)
	}
	return x.WriteTable(e.out)
}

func (c *explainCmd) remote(e *world, values url.Values) error {
	cl, err := newClient(c.Server, c.Key)
	if err != nil {
		return err
	}
	body, err := cl.get(e.ctx, "/api/v1/explain", values)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		_, err = e.out.Write(body)
		return err
	}
	var x query.Explanation
	if err := json.Unmarshal(body, &x); err != nil {
		return fmt.Errorf("reply of the server: %w", err)
	}
	return x.WriteTable(e.out)
}
