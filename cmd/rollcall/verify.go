package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/archive"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/verify"
)

type verifyCmd struct {
	Settings
	LedgerOnly bool     `help:"Compare the ledger and recount no day." group:"Verify" xor:"days"`
	Days       []string `help:"Days to recount, and ranges of them." placeholder:"2026-11-01,2026-11-03..2026-11-07" group:"Verify" xor:"days"`
	All        bool     `help:"Recount every day." group:"Verify" xor:"days"`
	Sample     *int     `help:"Recount so many days by chance, the newest whole one among them; 3 by default." placeholder:"N" group:"Verify" xor:"days"`
	Seed       *uint64  `help:"Of the sample, to take the same again." placeholder:"N" group:"Verify"`
	From       string   `help:"What to read: the log, with the archive for what it was trimmed of; the archive, with the log for what comes after it; or each in turn." enum:"log,archive,both" default:"log" group:"Verify"`
	Limit      int      `help:"Most differences of a kind to show." default:"20" group:"Verify"`
	Server     string   `help:"Have a running server do it, at this address." placeholder:"URL"`
	Key        string   `help:"API key of the server." placeholder:"KEY" env:"ROLLCALL_KEY"`
	RawTable
	Format string `help:"Form: table or json." enum:"table,json" default:"table"`
}

func (c *verifyCmd) Help() string {
	return `Reads the log again, counts it by other code than that which folds, and compares: the ledger of every hour, and
every counter and user set of the days that are recounted. It changes nothing. A server that holds the data directory is
asked to do it; a log and a store on servers are verified beside the processes that write. With an archive (archive.dir), events
that the log has let go of are read from there, and --from archive proves the archive itself.

The settings that the events were folded with are kept with the data, also late_horizon and the retentions as they were
at the time. What an older release did not keep is told as a note, and what was taken for it.

With --table it is not the log that is counted, but a table of raw events, by plain SQL: distinct users and events, and of
session records sessions, durations and bounces, by day, in total and by each dimension alone.

Exit status: 0 all is equal, 1 it could not be verified, 2 wrong use, 3 there are differences.

Examples:
  rollcall verify
  rollcall verify --all
  rollcall verify --days 2026-11-01,2026-11-03..2026-11-07 --limit 100
  rollcall verify --sample 10 --seed 7 --format json
  rollcall verify --ledger-only --config rollcall.yaml
  rollcall verify --server http://localhost:8080 --days 2026-11-01
  rollcall verify --table mysql://reader:secret@db:3306/shop/user_activity_logs --days 2026-11-01
  rollcall verify --ledger-only --from both --archive-dir ./rollcall-archive`
}

// maxVerifyDays bounds the days that a range may name.
const maxVerifyDays = 100 * 366

// days says what to recount.
func (c *verifyCmd) days() (d verify.Days, err error) {
	if c.Limit < 1 || c.Limit > 1_000_000 {
		return d, usageError("--limit: give 1 to 1000000")
	}
	if c.Sample != nil && (*c.Sample < 1 || *c.Sample > maxVerifyDays) {
		return d, usageError("--sample: give a number of days; --ledger-only recounts none")
	}
	switch {
	case c.LedgerOnly:
		return d, nil
	case c.All:
		return verify.Days{All: true}, nil
	case len(c.Days) == 0:
		return c.sample(), nil
	}
	for _, text := range c.Days {
		if d.Dates, err = appendDays(d.Dates, text); err != nil {
			return d, usageError("--days: " + err.Error())
		}
	}
	return d, nil
}

const defaultSample = 3

func (c *verifyCmd) sample() verify.Days {
	d := verify.Days{Sample: defaultSample, Seed: uint64(time.Now().UnixNano()) % 1_000_000}
	if c.Sample != nil {
		d.Sample = *c.Sample
	}
	if c.Seed != nil {
		d.Seed = *c.Seed
	}
	return d
}

// appendDays reads one day, or a range that includes both its ends.
func appendDays(days []rollcall.Date, text string) ([]rollcall.Date, error) {
	first, last, isRange := strings.Cut(text, "..")
	from, err := rollcall.ParseDate(strings.TrimSpace(first))
	if err != nil {
		return nil, err
	}
	to := from
	if isRange {
		if to, err = rollcall.ParseDate(strings.TrimSpace(last)); err != nil {
			return nil, err
		}
	}
	if to < from || int(to-from) >= maxVerifyDays {
		return nil, fmt.Errorf("%s: want the earlier day first, and at most %d days", text, maxVerifyDays)
	}
	for d := from; d <= to; d++ {
		days = append(days, d)
	}
	return days, nil
}

func (c *verifyCmd) Run(e *world) error {
	days, err := c.days()
	if err != nil {
		return err
	}
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	reports, err := c.reports(e, cfg, days)
	for _, r := range reports {
		err = errors.Join(err, c.print(e, r), verdict(r))
	}
	return err
}

// reports verifies here, or has the server do it that was named or that holds the data directory.
func (c *verifyCmd) reports(e *world, cfg Config, days verify.Days) ([]*verify.Report, error) {
	if c.RawTable.Table != "" {
		if c.Server != "" || c.LedgerOnly || c.Sample != nil {
			return nil, usageError("--table goes with --days, and with none of --server, --ledger-only and --sample")
		}
		return single(c.table(e, cfg, days))
	}
	if c.Server != "" {
		return single(c.remote(e, c.Server))
	}
	n, err := openToVerify(e, cfg)
	if errors.Is(err, eventlog.ErrLocked) {
		if address := serverOf(cfg.Data); address != "" {
			fmt.Fprintf(e.err, "%s is held by the server at %s, which is asked\n", cfg.Data, address)
			return single(c.remote(e, address))
		}
		return nil, held(cfg.Data, err)
	}
	if err != nil {
		return nil, err
	}
	reports, err := c.here(e, n, days)
	return reports, errors.Join(err, n.close())
}

func single(r *verify.Report, err error) ([]*verify.Report, error) {
	if err != nil {
		return nil, err
	}
	return []*verify.Report{r}, nil
}

// here reads each source in turn.
func (c *verifyCmd) here(e *world, n *node, days verify.Days) (reports []*verify.Report, err error) {
	sources, err := n.sources(e.ctx, c.From)
	if err != nil {
		return nil, err
	}
	for _, source := range sources {
		r, err := n.verify(e, source, days, c.Limit)
		if err != nil {
			return reports, err
		}
		reports = append(reports, r)
	}
	return reports, nil
}

func (c *verifyCmd) print(e *world, r *verify.Report) error {
	if c.Format == "json" {
		out := json.NewEncoder(e.out)
		out.SetIndent("", "  ")
		return out.Encode(r)
	}
	return printReport(e.out, r)
}

// differences is what verify found: exit status 3.
type differences int

func (d differences) Error() string { return fmt.Sprintf("verify found %d differences", int(d)) }

func verdict(r *verify.Report) error {
	switch {
	case !r.Equal:
		return differences(r.Different())
	case len(r.Unverified) > 0:
		return errors.New("not all could be verified: " + strings.Join(r.Unverified, "; "))
	}
	return nil
}

// verifyMemory is what a verification may take before the heap gives freed memory back at once.
const verifyMemory = 6 << 30

// openToVerify opens the log and the store to be read only, whoever writes to those on servers.
func openToVerify(e *world, cfg Config) (*node, error) {
	if err := existing(cfg); err != nil {
		return nil, err
	}
	if cfg.embedded() {
		cfg.Source.Kind = ""
	}
	cfg.Roles, cfg.CacheKind, cfg.MySQL.Migrate, cfg.StateMemory = []string{roleQuery}, "memory", false, verifyMemory
	return openData(e, cfg)
}

// sources gives what verify reads, one after the other.
func (n *node) sources(ctx context.Context, from string) (all []verify.Source, err error) {
	if n.cfg.Archive.Dir == "" {
		if from != "log" {
			return nil, usageError("--from " + from + ": name the directory of the archive with --archive-dir or archive.dir")
		}
		return []verify.Source{verify.Log{Fetcher: n.log}}, nil
	}
	r, err := n.openReader()
	if err != nil {
		return nil, err
	}
	if from != "archive" {
		behind, err := n.behindLog(r)
		if err != nil {
			return nil, err
		}
		all = append(all, verify.Log{Fetcher: erase.Listed(behind, n.erased)})
	}
	if from != "log" {
		before, err := r.Before(ctx, n.raw)
		if err != nil {
			return nil, err
		}
		all = append(all, verify.Log{Fetcher: erase.Listed(before, n.erased)})
	}
	return all, nil
}

// whole is the log with the archive behind it, for what it was trimmed of.
func (n *node) whole() (eventlog.Fetcher, error) { return n.wholeBut(n.erased) }

// wholeBut is the whole log without the users of a list.
func (n *node) wholeBut(list *erase.List) (eventlog.Fetcher, error) {
	if n.cfg.Archive.Dir == "" {
		return erase.Listed(n.raw, list), nil
	}
	r, err := n.openReader()
	if err != nil {
		return nil, err
	}
	whole, err := n.behindLog(r)
	if err != nil {
		return nil, err
	}
	return erase.Listed(whole, list), nil
}

// behindLog puts an archive behind the log, if it tells who the users are. Both are as they are, with everybody.
func (n *node) behindLog(r *archive.Reader) (eventlog.Fetcher, error) {
	behind, err := r.Behind(n.raw)
	if errors.Is(err, archive.ErrKeyed) {
		return n.raw, nil
	}
	return behind, err
}

// verify compares the store with the log, or what stands for it, up to what is committed.
func (n *node) verify(e *world, source verify.Source, days verify.Days, limit int) (*verify.Report, error) {
	rows, err := n.totals(e.ctx)
	if err != nil {
		return nil, err
	}
	var done atomic.Int64
	events := rows.Accepted + rows.Duplicates + rows.Late
	m := newMeter(e.err, events, false, done.Load)
	defer m.end()
	cfg := n.verifyConfig()
	cfg.Days, cfg.Limit = days, limit
	return verify.Run(e.ctx, cfg, verify.Deps{Source: source, Store: n.store, Now: time.Now, Progress: func(part float64) {
		done.Store(int64(part * float64(events)))
	}})
}
