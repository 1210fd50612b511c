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
	Files  []string `arg:"" optional:"" help:"NDJSON, JSON array or CSV, plain or packed with gzip or zstd; - for standard input."`
	Map    []string `help:"Input field of a name, as fields does." placeholder:"user_id=visitorid"`
	Server string   `help:"Send to a running server at this address." placeholder:"URL"`
	Key    string   `help:"API key of the server." placeholder:"KEY" env:"ROLLCALL_KEY"`
	Strict bool     `help:"Fail when a line was not accepted."`
	Format string   `help:"Form of the summary: text or json." enum:"text,json" default:"text"`
	TableFlags
}

func (c *importCmd) Help() string {
	return `Ends once the events are committed and can be queried. An interrupted import goes on where it stopped when
it is started again; one that is repeated counts nothing twice as long as the events have an event_id.

Examples:
  rollcall import events.ndjson.gz --dimensions campaign_id,age_group
  rollcall import clicks.csv --map user_id=visitorid,time=timestamp
  zstd -dc events.zst | rollcall import - --server http://localhost:8080
  ROLLCALL_SOURCE_DSN=mysql://reader:secret@db:3306/shop rollcall import --from mysql --table user_activity_logs`
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
	UpTo        string  `json:"up_to,omitempty"` // of a table: rows before this time were read
}

func (c *importCmd) Run(e *world) error {
	for _, m := range c.Map {
		if _, err := pairsOf(m); err != nil {
			return usageError("--map: " + err.Error())
		}
	}
	take, err := c.source()
	if err != nil {
		return err
	}
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	start := time.Now()
	sum, err := take(e, cfg)
	if err != nil && sum == (imported{}) && e.ctx.Err() == nil { // it did not begin
		return err
	}
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

// source gives what takes in what was named: files, or a table.
func (c *importCmd) source() (func(*world, Config) (imported, error), error) {
	if c.From != "" {
		if len(c.Files) > 0 {
			return nil, usageError("--from " + c.From + " reads a table and no files")
		}
		return c.table, nil
	}
	if len(c.Files) == 0 {
		return nil, usageError("name the files to import, - for standard input, or --from mysql")
	}
	c.add("fields", strings.Join(c.Map, ","))
	if c.Server != "" {
		return c.remote, nil
	}
	return c.local, nil
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

// local imports files into the data directory.
func (c *importCmd) local(e *world, cfg Config) (sum imported, err error) {
	size, err := c.size()
	if err != nil {
		return sum, err
	}
	err = locally(e, cfg, &sum, func(ctx context.Context, n *node, files *intake.Files) error {
		m := newMeter(e.err, size, true, files.Events)
		defer m.end()
		for _, name := range c.Files {
			s, err := c.file(ctx, e, n, files, m, name)
			sum.add(s)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return sum, err
}

func (s *imported) add(part intake.Summary) {
	s.Read, s.Accepted, s.Quarantined = s.Read+part.Read, s.Accepted+part.Accepted, s.Quarantined+part.Rejected
}

// locally has work take events into the data directory, waits until they are committed, and tells accepted ones from
// duplicates and those too late.
func locally(e *world, cfg Config, sum *imported, work func(context.Context, *node, *intake.Files) error) (err error) {
	n, err := open(e, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if err := n.caughtUp(e.ctx); err != nil {
		return err
	}
	before, err := n.totals(e.ctx)
	if err != nil {
		return err
	}
	files := intake.NewFiles(intake.FilesConfig{Shape: n.shape(), Workers: workers()},
		intake.FilesDeps{Log: n.log, Quarantine: n.quarantine, Now: time.Now})
	err = n.whileWorking(e.ctx, func(ctx context.Context) error { return work(ctx, n, files) })
	if wait := n.caughtUp(context.WithoutCancel(e.ctx)); err == nil {
		err = wait
	}
	after, totalErr := n.totals(context.WithoutCancel(e.ctx))
	if err == nil {
		err = totalErr
	}
	sum.settle(after.Duplicates-before.Duplicates, after.Late-before.Late)
	return err
}

// settle takes what the commits told apart out of what was accepted.
func (s *imported) settle(duplicates, late int64) {
	s.Duplicates, s.Late = max(duplicates, 0), max(late, 0)
	s.Accepted = max(s.Accepted-s.Duplicates-s.Late, 0)
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
	if s.UpTo != "" {
		_, err = fmt.Fprintf(e.out, "up to        %s\n", s.UpTo)
	}
	if !s.Interrupted && s.Accepted == 0 && s.Quarantined == 0 && s.Late == 0 {
		_, err = fmt.Fprintln(e.out, "nothing new: every event was there already")
	}
	if s.Quarantined > 0 {
		_, err = fmt.Fprintf(e.err, "note: %s lines were not accepted; rollcall quarantine list shows them and why\n", n(s.Quarantined))
	}
	return err
}
