package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"rollcall/api"
	"rollcall/dashboard"
	"rollcall/intake"
	"rollcall/store"
	"rollcall/verify"
)

const (
	drainTime = 20 * time.Second // for requests under way at the end
	readTime  = time.Minute
	writeTime = 2 * time.Minute
)

type serveCmd struct {
	Settings
	Pprof string `help:"Serve profiles of the process on this loopback address; off by default." placeholder:"127.0.0.1:6060"`
}

func (c *serveCmd) Help() string {
	return `Examples:
  rollcall serve --dimensions campaign_id,age_group
  rollcall serve --config rollcall.yaml --listen 127.0.0.1:9000
  rollcall serve --config production.yaml --roles aggregate
  ROLLCALL_TIMEZONE=Asia/Seoul rollcall serve --data /var/lib/rollcall`
}

func (c *serveCmd) Run(e *world) (err error) {
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	stop, err := servePprof(c.Pprof)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --listen", err)
	}
	f := newFront(listener)
	remakes := &remakes{front: f}
	defer remakes.end()
	n, err := openRoles(e, cfg)
	if err != nil {
		return unlessEnded(e, errors.Join(err, listener.Close()))
	}
	return f.during(e, func(ctx context.Context) error {
		within := *e
		within.ctx = ctx
		return n.serveBuilds(&within, f, remakes, c.goOver)
	})
}

// goOver gives the configuration again, with the settings of the build that is active by now.
func (c *serveCmd) goOver(e *world) (Config, error) {
	c.anew = true
	cfg, err := c.config(e.environ)
	if err != nil {
		return cfg, err
	}
	cfg.goesOver = true
	return cfg, adoptActive(&cfg)
}

// serveBuilds serves until the end, from one node after the other: each for as long as its build is active.
func (n *node) serveBuilds(e *world, f *front, remakes *remakes, goOver func(*world) (Config, error)) error {
	for {
		n.remakes = remakes
		remakes.bind(e.ctx, n)
		err := n.serve(e, f, func(context.Context) error { return nil })
		err = errors.Join(err, n.close())
		if !n.retired.Load() || e.ctx.Err() != nil {
			return err
		}
		if err != nil && !errors.Is(err, store.ErrRetired) {
			return err
		}
		remakes.leave()
		before := &n.cfg
		cfg, err := goOver(e)
		if err != nil {
			return err
		}
		if before.becoming != nil && before.becoming[keyDimensions] != asText(cfg.Dimensions) { // it was another rebuild
			cfg.becoming, cfg.Recorded, cfg.Fields = before.becoming, before.Recorded, before.Fields
		}
		if n, err = openRoles(e, cfg); err != nil {
			return unlessEnded(e, err)
		}
		if n.embedded != nil { // so that no reply goes back in time
			if err := n.caughtUp(e.ctx); err != nil {
				return errors.Join(err, n.close())
			}
		}
		n.logger.Info("went over to another build", "build", n.build.Number)
	}
}

// unlessEnded is err, but for a process that was told to end while it waited for its servers: it has nothing to drain.
func unlessEnded(e *world, err error) error {
	if e.ctx.Err() == nil {
		return err
	}
	e.logger.Info("ended before it had begun", "error", err)
	return nil
}

// serve answers until e.ctx ends or the node does, and lets requests under way finish. It runs beside until it ends.
func (n *node) serve(e *world, f *front, beside func(context.Context) error) error {
	base, endStreams := context.WithCancel(context.WithoutCancel(e.ctx))
	defer endStreams()
	n.endStreams = endStreams
	handler, err := n.handler(base)
	if err != nil {
		return err
	}
	if n.embedded != nil {
		if err := announce(n.cfg.Data, f.address()); err != nil {
			return err
		}
		defer func() { n.report(e.ctx, "retract the address", retract(n.cfg.Data)) }()
	}
	f.answer(handler)
	return n.whileWorking(e.ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithCancelCause(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if err := beside(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		}()
		<-ctx.Done()
		endStreams()
		drain, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer stop()
		if e.ctx.Err() != nil {
			err = f.close(drain)
		}
		f.pause(drain)
		<-ended
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			err = errors.Join(cause, err)
		}
		return err
	})
}

// handler mounts the parts of the roles: intake, API, page. Streams end with base.
func (n *node) handler(base context.Context) (http.Handler, error) {
	c := api.Config{
		Calendar:  n.calendar,
		Status:    func(ctx context.Context) (any, error) { return n.status(ctx) },
		StatusOf:  nodeStatus{},
		Ready:     n.ready,
		Freshness: n.freshness,
		Registry:  n.registry(),
		Logger:    n.logger,
		Base:      base,
	}
	if _, is := n.raw.(*direct); n.cfg.has(roleIntake) && !is {
		events, err := intake.NewHandler(intake.Config{Shape: n.shape(), MaxBody: n.cfg.MaxBody, Rate: n.cfg.RateLimit, Keys: n.cfg.APIKeys},
			intake.Deps{Log: n.log, Quarantine: n.quarantine, Logger: n.logger, Now: time.Now})
		if err != nil {
			return nil, err
		}
		c.Events = events
	}
	if n.cfg.has(roleQuery) {
		c.Engine, c.Heads, c.Page = n.engine, n.cache, dashboard.Handler()
		c.Builds = listing{n}
		if n.remakes != nil {
			c.Builds, c.Rebuilds = n.remakes, n.remakes
		}
		c.Letters, c.Allowed = n.store, intake.NewKeyring(n.cfg.APIKeys).Status
		c.Verify = &api.Verify{Ask: n.askVerify, Of: verify.Report{}}
	}
	return api.New(c), nil
}

// ready tells why the node can't take events or answer.
func (n *node) ready(context.Context) error {
	select {
	case <-n.finished:
		return errors.New("the aggregator has stopped")
	default:
	}
	if n.embedded != nil {
		return n.embedded.Stats().Failed
	}
	return nil
}

// displayed is an address one can type into a browser.
func displayed(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
