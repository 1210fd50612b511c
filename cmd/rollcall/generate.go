package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/klauspost/compress/zstd"

	"rollcall"
	"rollcall/generate"
)

type generateCmd struct {
	Settings
	Model
	Rate   string `help:"Live events of the moment at this rate, such as 500/s; --events 0 for no end." placeholder:"N/s"`
	Output string `short:"o" help:"File (.gz and .zst are packed); - for standard output." placeholder:"FILE"`
	Server string `help:"Send to a running server at this address." placeholder:"URL"`
	Key    string `help:"API key of the server." placeholder:"KEY" env:"ROLLCALL_KEY"`
	Log    bool   `help:"Append to the log of --data and commit."`
}

// Model is how much is generated, and of what.
type Model struct {
	Events     int64   `help:"Number of events." default:"1000000"`
	Users      int     `help:"Size of the population." default:"100000"`
	Days       int     `help:"Length of the history." default:"30"`
	Campaigns  int     `help:"Number of campaigns." default:"200"`
	Seed       uint64  `help:"The same seed gives the same events." default:"1"`
	Until      string  `help:"End of the history, a date or RFC 3339; now by default." placeholder:"2026-11-01"`
	Late       float64 `help:"Fraction that arrives up to two days late." default:"0"`
	Duplicates float64 `help:"Fraction that arrives twice." default:"0"`
}

// config makes the model of these dimensions.
func (m *Model) config(dims []string) (generate.Config, error) {
	until, err := parseUntil(m.Until)
	if err != nil {
		return generate.Config{}, err
	}
	return generate.Config{Seed: m.Seed, Events: m.Events, Users: m.Users, Days: m.Days, Campaigns: m.Campaigns, Until: until,
		Dimensions: dims, Late: m.Late, Duplicates: m.Duplicates}, nil
}

// parseUntil reads the end of a history: now when it is empty.
func parseUntil(s string) (time.Time, error) {
	if s == "" {
		return time.Now().Truncate(time.Second), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError(fmt.Sprintf("--until %q: give a date such as 2026-11-01, or RFC 3339", s))
}

func (c *generateCmd) Help() string {
	return `Dimensions: campaign_id, age_group, country, device; the first two unless --dimensions says otherwise.

Examples:
  rollcall generate --events 1000000 --days 90 --until 2026-11-01 -o events.ndjson.zst
  rollcall generate --rate 500/s --events 0 --server http://localhost:8080
  rollcall generate --log --data ./bench --dimensions campaign_id,age_group`
}

func (c *generateCmd) Run(e *world) error {
	cfg, err := c.config(e)
	if err != nil {
		return err
	}
	model, err := c.Model.config(cfg.Dimensions)
	if err != nil {
		return err
	}
	rate, err := parseRate(c.Rate)
	if err != nil {
		return err
	}
	if targets := btoi(c.Output != "") + btoi(c.Server != "") + btoi(c.Log); targets > 1 {
		return usageError("choose one of -o, --server and --log")
	}
	return c.make(e, cfg, model, rate)
}

func (c *generateCmd) config(e *world) (Config, error) {
	cfg, err := c.Settings.config(e.environ)
	if len(cfg.Dimensions) == 0 {
		cfg.Dimensions = generate.Dimensions()[:2]
	}
	return cfg, err
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func parseRate(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	r, err := strconv.ParseFloat(strings.TrimSuffix(s, "/s"), 64)
	if err != nil || !(r > 0 && r <= 1e7) {
		return 0, usageError(fmt.Sprintf("--rate %q: give events a second, such as 500/s", s))
	}
	return r, nil
}

// sink takes generated events; flush makes the ones before it arrive.
type sink interface {
	add(ev *rollcall.Event)
	flush(ctx context.Context) error
}

func (c *generateCmd) make(e *world, cfg Config, model generate.Config, rate float64) error {
	var made atomic.Int64
	total := model.Events
	to, finish, err := c.target(e, cfg)
	if err != nil {
		return err
	}
	start, m := time.Now(), newMeter(e.err, total, false, made.Load)
	count := func(n int64) { made.Add(n) }
	if rate > 0 {
		err = goLive(e.ctx, to, model, rate, count)
	} else {
		err = goThrough(e.ctx, to, model, count)
	}
	m.end()
	err = errors.Join(err, finish())
	fmt.Fprintf(e.err, "made %s events, %s events/s\n", humanize.Comma(made.Load()), humanize.Comma(perSecond(made.Load(), time.Since(start))))
	return err
}

// target gives where the events go, and what to call at the end.
func (c *generateCmd) target(e *world, cfg Config) (sink, func() error, error) {
	switch {
	case c.Server != "":
		cl, err := newClient(c.Server, c.Key)
		if err != nil {
			return nil, nil, err
		}
		return &lineSink{json: generate.NewJSON(cfg.Dimensions), send: func(ctx context.Context, b []byte) error {
			_, err := cl.post(ctx, b, "")
			return err
		}}, func() error { return nil }, nil
	case c.Log:
		n, err := open(e, cfg)
		if err != nil {
			return nil, nil, err
		}
		return newFeed(n), func() error { return errors.Join(n.caughtUp(context.WithoutCancel(e.ctx)), n.close()) }, nil
	}
	w, finish, err := c.file(e)
	if err != nil {
		return nil, nil, err
	}
	return &lineSink{json: generate.NewJSON(cfg.Dimensions), send: func(_ context.Context, b []byte) error { _, err := w.Write(b); return err }}, finish, nil
}

// file opens the output, packed as its name says.
func (c *generateCmd) file(e *world) (io.Writer, func() error, error) {
	if c.Output == "" || c.Output == "-" {
		w := bufio.NewWriterSize(e.out, 1<<20)
		return w, w.Flush, nil
	}
	f, err := os.Create(c.Output)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case strings.HasSuffix(c.Output, ".gz"):
		w := gzip.NewWriter(f)
		return w, func() error { return errors.Join(w.Close(), f.Close()) }, nil
	case strings.HasSuffix(c.Output, ".zst"):
		w, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return nil, nil, errors.Join(err, f.Close())
		}
		return w, func() error { return errors.Join(w.Close(), f.Close()) }, nil
	}
	return f, f.Close, nil
}

// lineSink writes events as NDJSON.
type lineSink struct {
	json *generate.JSON
	buf  []byte
	send func(ctx context.Context, lines []byte) error
}

func (s *lineSink) add(ev *rollcall.Event) { s.buf = s.json.Append(s.buf, ev) }

func (s *lineSink) flush(ctx context.Context) error {
	err := s.send(ctx, s.buf)
	s.buf = s.buf[:0]
	return err
}

// goThrough sends a whole history, as fast as it is taken.
func goThrough(ctx context.Context, to sink, model generate.Config, count func(int64)) error {
	s, err := generate.New(model)
	if err != nil {
		return usageError(err.Error())
	}
	var ev rollcall.Event
	n := int64(0)
	for s.Next(&ev) {
		to.add(&ev)
		if n++; n < sinkBatch {
			continue
		}
		if err := errors.Join(to.flush(ctx), ctx.Err()); err != nil {
			return err
		}
		count(n)
		n = 0
	}
	if err := to.flush(ctx); err != nil {
		return err
	}
	count(n)
	return nil
}

// goLive sends events of the moment at a rate.
func goLive(ctx context.Context, to sink, model generate.Config, rate float64, count func(int64)) error {
	t, err := newTraffic(to, model, rate, count)
	if err != nil {
		return err
	}
	return t.flow(ctx, model.Events)
}

// traffic is live events on their way to a sink.
type traffic struct {
	live  *generate.Live
	to    sink
	rate  float64
	count func(int64)
}

func newTraffic(to sink, model generate.Config, rate float64, count func(int64)) (*traffic, error) {
	model.Seed ^= uint64(time.Now().UnixNano())
	live, err := generate.NewLive(model, int(rate*openSeconds))
	if err != nil {
		return nil, usageError(err.Error())
	}
	return &traffic{live, to, rate, count}, nil
}

// flow sends until ctx ends or it has sent so many events (0: no end).
func (t *traffic) flow(ctx context.Context, events int64) error {
	var ev rollcall.Event
	return paced(ctx, t.rate, events, func(n int) error {
		for range n {
			t.live.Next(time.Now().UnixMilli(), &ev)
			t.to.add(&ev)
		}
		t.count(int64(n))
		return t.to.flush(ctx)
	})
}
