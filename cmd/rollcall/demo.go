package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"rollcall/generate"
)

type demoCmd struct {
	Settings
	Model
	Rate string `help:"Live events a second." default:"50/s"`
}

func (c *demoCmd) Help() string {
	return `Makes a history of user activity in ./rollcall-demo (or --data), serves it, and goes on with live traffic. When
it is started again it goes on with the data that are there.

Examples:
  rollcall demo
  rollcall demo --days 90 --events 2000000 --rate 500/s --listen :9000`
}

func (c *demoCmd) Run(e *world) error {
	rate, err := parseRate(c.Rate)
	if err != nil {
		return err
	}
	c.standard("data", "./rollcall-demo")
	c.standard("dimensions", "campaign_id,age_group,device")
	cfg, err := c.Settings.config(e.environ)
	if err != nil {
		return err
	}
	model, err := c.Model.config(cfg.Dimensions)
	if err != nil {
		return err
	}
	listener, err := listenNear(cfg.Listen)
	if err != nil {
		return err
	}
	n, err := open(e, cfg)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return errors.Join(c.show(e, n, listener, model, rate), n.close())
}

func (c *demoCmd) show(e *world, n *node, listener net.Listener, model generate.Config, rate float64) error {
	if err := c.history(e, n, model); err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintf(e.err, "live traffic at %g events/s; stop with Ctrl-C\n", rate)
	return n.serve(e, listener, func(ctx context.Context) error {
		model.Events = 0
		return goLive(ctx, newFeed(n), model, rate, func(int64) {})
	})
}

// history fills an empty data directory.
func (c *demoCmd) history(e *world, n *node, model generate.Config) error {
	if err := n.caughtUp(e.ctx); err != nil {
		return err
	}
	if held, err := n.totals(e.ctx); err != nil || held.Accepted > 0 {
		return err
	}
	fmt.Fprintf(e.err, "making a history of %d days\n", model.Days)
	var made atomic.Int64
	m := newMeter(e.err, model.Events, false, made.Load)
	err := n.whileWorking(e.ctx, func(ctx context.Context) error {
		return goThrough(ctx, newFeed(n), model, func(k int64) { made.Add(k); m.done.Add(k) })
	})
	m.end()
	if err != nil {
		return err
	}
	return n.caughtUp(e.ctx)
}

// listenNear takes the address, or any free port of its host when it is in use.
func listenNear(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, err
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}
