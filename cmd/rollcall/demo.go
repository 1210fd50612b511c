package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall"
	"rollcall/generate"
)

type demoCmd struct {
	Settings
	Events int64  `help:"Events of the history, about." default:"2000000"`
	Users  int    `help:"People by its end, about; as many as fit the events by default." placeholder:"N"`
	Days   int    `help:"Length of the history." default:"90"`
	Seed   uint64 `help:"The same seed gives the same history." default:"1"`
	Until  string `help:"End of the history, a date or RFC 3339; now by default." placeholder:"2026-11-01"`
	Rate   string `help:"Live events a second; as many as at the end of the history by default, 0 for none." placeholder:"N/s"`
	Fresh  bool   `help:"Delete the data of an earlier demo first."`
	NoOpen bool   `help:"Open no browser."`
}

func (c *demoCmd) Help() string {
	return `Makes a history of user activity in ./rollcall-demo (or --data), serves it, opens the page, and goes on with live
traffic. When it is started again it goes on with the data that are there. The options of the history are those of the
first start.

Examples:
  rollcall demo
  rollcall demo --rate 500/s --listen :9000
  rollcall demo --fresh --days 365 --events 10000000`
}

func (c *demoCmd) Run(e *world) error {
	rate, err := c.rate()
	if err != nil {
		return err
	}
	c.standard("data", "./rollcall-demo")
	c.standard("dimensions", strings.Join(generate.Dimensions(), ","))
	plot, err := c.plot()
	if err != nil {
		return err
	}
	if c.Fresh {
		cfg, _ := c.load(e.environ) // what is wrong with it is told below, without the old data
		if err := clearDemo(cfg.Data); err != nil {
			return err
		}
	}
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	again, err := plot.settle(cfg.Data)
	if err != nil {
		return err
	}
	story, err := plot.story(cfg.Dimensions)
	if err != nil {
		return err
	}
	listener, err := listenNear(e, cfg.Listen)
	if err != nil {
		return err
	}
	n, err := open(e, cfg)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	d := &demo{e: e, n: n, plot: plot, story: story, rate: rate, gap: again || c.Until != "", browse: !c.NoOpen}
	return errors.Join(d.run(listener), n.close())
}

// rate gives the live events a second: 0 for those of the story, below 0 for none.
func (c *demoCmd) rate() (float64, error) {
	if strings.TrimSuffix(c.Rate, "/s") == "0" {
		return -1, nil
	}
	return parseRate(c.Rate)
}

// demo is a demonstration going on.
type demo struct {
	e      *world
	n      *node
	plot   plot
	story  *generate.Story
	rate   float64
	gap    bool // nothing is to be made of the time between the history and now
	browse bool
}

func (d *demo) say(topic, format string, args ...any) {
	fmt.Fprintf(d.e.err, "%-8s %s\n", topic, fmt.Sprintf(format, args...))
}

func (d *demo) run(listener net.Listener) error {
	if err := d.history(); err != nil {
		return errors.Join(err, listener.Close())
	}
	f := newFront(listener)
	return f.during(d.e, func(ctx context.Context) error {
		within := *d.e
		within.ctx = ctx
		return d.n.serve(&within, f, func(ctx context.Context) error {
			d.welcome(f.address())
			if d.rate < 0 {
				return nil
			}
			return d.live(ctx)
		})
	})
}

// history puts what the log lacks of the story's history into it. The log holds the first events of the story and, when
// those were all, live ones.
func (d *demo) history() error {
	if err := d.n.caughtUp(d.e.ctx); err != nil {
		return err
	}
	there, begun := d.counted(), time.Now()
	if there < d.plot.Events {
		d.say("history", "%d days until %s, about %s events", d.plot.Days, d.plot.Until.UTC().Format(toMinute), humanize.Comma(d.plot.Events))
		defer newMeter(d.e.err, d.plot.Events, false, d.counted).end()
	}
	made := int64(0)
	err := d.n.whileWorking(d.e.ctx, func(ctx context.Context) (err error) {
		made, err = d.fill(ctx, there)
		return err
	})
	if err == nil && made > 0 {
		err = errors.Join(d.spoil(d.e.ctx), d.n.caughtUp(d.e.ctx))
	}
	switch {
	case d.e.ctx.Err() != nil:
		return errors.New("stopped while it made the history: run the same command again to go on, or with --fresh to begin anew")
	case err != nil:
		return err
	}
	return d.sum(made, time.Since(begun))
}

// counted is how many events are in the figures or were found to be duplicates.
func (d *demo) counted() (n int64) {
	for _, p := range d.n.aggregator.Status().Shards {
		n += p.Accepted + p.Duplicates + p.Late
	}
	return n
}

// fill appends the history but for its first events, which are there, and tells how many these were.
func (d *demo) fill(ctx context.Context, there int64) (made int64, err error) {
	var ev rollcall.Event
	to := newFeed(d.n)
	for n := int64(0); d.story.Next(d.plot.Until.UnixMilli(), &ev); n++ {
		if n < there {
			continue
		}
		to.add(&ev)
		if made++; made%sinkBatch == 0 {
			if err := errors.Join(to.flush(ctx), ctx.Err()); err != nil {
				return made, err
			}
		}
	}
	return made, to.flush(ctx)
}

const toMinute = "2006-01-02 15:04 UTC"

// listenNear takes the address, or any free port of its host when it is in use.
func listenNear(e *world, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	host, _, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		return nil, err
	}
	if l, again := net.Listen("tcp", net.JoinHostPort(host, "0")); again == nil {
		fmt.Fprintf(e.err, "%s is taken; using a free port\n", address)
		return l, nil
	}
	return nil, err
}
