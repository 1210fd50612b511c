package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall/intake"
)

type importCmd struct {
	Settings
	Files  []string `arg:"" help:"NDJSON, JSON array or CSV, plain or packed with gzip or zstd; - for standard input."`
	Map    []string `help:"Input field of a name, as fields does." placeholder:"user_id=visitorid"`
	Server string   `help:"Send to a running server at this address." placeholder:"URL"`
	Key    string   `help:"API key of the server." placeholder:"KEY" env:"ROLLCALL_KEY"`
	Strict bool     `help:"Fail when a line was not accepted."`
	Format string   `help:"Form of the summary: text or json." enum:"text,json" default:"text"`
}

func (c *importCmd) Help() string {
	return `Ends once the events are committed and can be queried. An interrupted import goes on where it stopped when
it is started again; one that is repeated counts nothing twice as long as the events have an event_id.

Examples:
  rollcall import events.ndjson.gz --dimensions campaign_id,age_group
  rollcall import clicks.csv --map user_id=visitorid,time=timestamp
  zstd -dc events.zst | rollcall import - --server http://localhost:8080`
}

// imported is what an import did.
type imported struct {
	Read        int64   `json:"read"`
	Accepted    int64   `json:"accepted"`
	Duplicates  int64   `json:"duplicates"`
	Late        int64   `json:"late"`
	Quarantined int64   `json:"quarantined"`
	Seconds     float64 `json:"seconds"`
	PerSecond   int64   `json:"events_per_second"`
	Interrupted bool    `json:"interrupted"`
}

func (c *importCmd) Run(e *world) error {
	for _, m := range c.Map {
		if _, err := pairsOf(m); err != nil {
			return usageError("--map: " + err.Error())
		}
	}
	c.add("fields", strings.Join(c.Map, ","))
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	size, err := c.size()
	if err != nil {
		return err
	}
	start := time.Now()
	take := c.local
	if c.Server != "" {
		take = c.remote
	}
	sum, err := take(e, cfg, size)
	took := time.Since(start)
	sum.Seconds, sum.PerSecond = took.Seconds(), perSecond(sum.Read, took)
	sum.Interrupted = err != nil && e.ctx.Err() != nil
	if printErr := c.print(e, &sum); err == nil {
		err = printErr
	}
	switch {
	case sum.Interrupted:
		return errors.New("interrupted: what was taken in is committed; run the same command again to go on")
	case err != nil:
		return err
	case c.Strict && sum.Quarantined > 0:
		return fmt.Errorf("%d lines were not accepted (--strict): rollcall quarantine list shows them", sum.Quarantined)
	}
	return nil
}

// size is the number of bytes of all files, 0 when one of them is standard input.
func (c *importCmd) size() (total int64, err error) {
	for _, name := range c.Files {
		if name == "-" {
			return 0, nil
		}
		info, err := os.Stat(name)
		if err != nil {
			return 0, usageError("import: " + err.Error())
		}
		if info.IsDir() {
			return 0, usageError(name + " is a directory: name the files in it")
		}
		total += info.Size()
	}
	return total, nil
}

// local imports into the data directory.
func (c *importCmd) local(e *world, cfg Config, size int64) (sum imported, err error) {
	n, err := open(e, cfg)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if err := n.caughtUp(e.ctx); err != nil {
		return sum, err
	}
	before, err := n.totals(e.ctx)
	if err != nil {
		return sum, err
	}
	files := intake.NewFiles(intake.FilesConfig{Shape: n.shape(), Workers: workers()},
		intake.FilesDeps{Log: n.log, Quarantine: n.quarantine, Now: time.Now})
	m := newMeter(e.err, size, true, files.Events)
	err = n.whileWorking(e.ctx, func(ctx context.Context) error {
		for _, name := range c.Files {
			s, err := c.file(ctx, e, n, files, m, name)
			sum.Read, sum.Accepted, sum.Quarantined = sum.Read+s.Read, sum.Accepted+s.Accepted, sum.Quarantined+s.Rejected
			if err != nil {
				return err
			}
		}
		return nil
	})
	m.end()
	if wait := n.caughtUp(context.WithoutCancel(e.ctx)); err == nil {
		err = wait
	}
	after, totalErr := n.totals(context.WithoutCancel(e.ctx))
	if err == nil {
		err = totalErr
	}
	sum.Duplicates, sum.Late = after.Duplicates-before.Duplicates, after.Late-before.Late
	sum.Accepted -= sum.Duplicates + sum.Late
	return sum, err
}

func (c *importCmd) file(ctx context.Context, e *world, n *node, files *intake.Files, m *meter, name string) (intake.Summary, error) {
	if name == "-" {
		return files.Import(ctx, intake.Source{Name: "stdin", Reader: m.reader(e.in)})
	}
	f, err := os.Open(name)
	if err != nil {
		return intake.Summary{}, err
	}
	defer f.Close()
	mark, err := intake.Identify(f)
	if err != nil {
		return intake.Summary{}, fmt.Errorf("read %s: %w", name, err)
	}
	position := n.embedded.Marks()[mark]
	if position > 0 {
		fmt.Fprintf(e.err, "%s: going on from position %s, where an import stopped\n", name, humanize.Comma(position))
	}
	return files.Import(ctx, intake.Source{Name: name, Mark: mark, Start: position, Reader: m.reader(io.Reader(f))})
}

func (c *importCmd) print(e *world, s *imported) error {
	if c.Format == "json" {
		return json.NewEncoder(e.out).Encode(s)
	}
	n := humanize.Comma
	fmt.Fprintf(e.out, "read         %s\naccepted     %s\nduplicates   %s\nquarantined  %s\n", n(s.Read), n(s.Accepted), n(s.Duplicates), n(s.Quarantined))
	if s.Late > 0 {
		fmt.Fprintf(e.out, "too late     %s\n", n(s.Late))
	}
	_, err := fmt.Fprintf(e.out, "took         %s, %s events/s\n", time.Duration(s.Seconds*float64(time.Second)).Round(time.Millisecond), n(s.PerSecond))
	if !s.Interrupted && s.Accepted == 0 && s.Quarantined == 0 && s.Late == 0 {
		_, err = fmt.Fprintln(e.out, "nothing new: every event was there already")
	}
	if s.Quarantined > 0 {
		_, err = fmt.Fprintf(e.err, "note: %s lines were not accepted; rollcall quarantine list shows them and why\n", n(s.Quarantined))
	}
	return err
}
