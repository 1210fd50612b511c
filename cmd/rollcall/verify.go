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
	Format     string   `help:"Form: table or json." enum:"table,json" default:"table"`
}

func (c *verifyCmd) Help() string {
	return `Reads the log again, counts it by other code than that which folds, and compares: the ledger of every hour, and
every counter and user set of the days that are recounted. It changes nothing. A data directory must not be held by a
server; a log and a store on servers are verified beside the processes that write. With an archive (archive.dir), events that
the log has let go of are read from there, and --from archive proves the archive itself.

Give the settings that the events were folded with: those kept with the data are used by themselves, but late_horizon,
retention.minute and retention.hour are not kept.

Exit status: 0 all is equal, 1 it could not be verified, 2 wrong use, 3 there are differences.

Examples:
  rollcall verify
  rollcall verify --all
  rollcall verify --days 2026-11-01,2026-11-03..2026-11-07 --limit 100
  rollcall verify --sample 10 --seed 7 --format json
  rollcall verify --ledger-only --config rollcall.yaml
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
	n, err := openToVerify(e, cfg)
	if err != nil {
		return err
	}
	sources, err := n.sources(e.ctx, c.From)
	if err != nil {
		n.abandon()
		return err
	}
	for _, source := range sources {
		report, failed := n.verify(e, source, days, c.Limit)
		if failed == nil {
			failed = errors.Join(c.print(e, report), verdict(report))
		}
		err = errors.Join(err, failed)
	}
	return errors.Join(err, n.close())
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
	n, err := openData(e, cfg)
	if errors.Is(err, eventlog.ErrLocked) {
		return nil, fmt.Errorf("verify reads the data directory itself and can't ask a server: end the process that holds %s first: %w", cfg.Data, eventlog.ErrLocked)
	}
	return n, err
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
		behind, err := r.Behind(n.log)
		switch {
		case err == nil:
			all = append(all, verify.Log{Fetcher: behind})
		case errors.Is(err, archive.ErrKeyed):
			all = append(all, verify.Log{Fetcher: n.log})
		default:
			return nil, err
		}
	}
	if from != "log" {
		before, err := r.Before(ctx, n.log)
		if err != nil {
			return nil, err
		}
		all = append(all, verify.Log{Fetcher: before})
	}
	return all, nil
}

// verify compares the store with the log, or what stands for it, up to what is committed.
func (n *node) verify(e *world, source verify.Source, days verify.Days, limit int) (*verify.Report, error) {
	c := &n.cfg
	rows, err := n.totals(e.ctx)
	if err != nil {
		return nil, err
	}
	var done atomic.Int64
	events := rows.Accepted + rows.Duplicates + rows.Late
	m := newMeter(e.err, events, false, done.Load)
	defer m.end()
	return verify.Run(e.ctx, verify.Config{
		Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: n.calendar, Gap: c.SessionGap, Passive: c.PassiveTypes, LateHorizon: c.LateHorizon,
		MinuteRetention: c.MinuteRetention, HourRetention: c.HourRetention, Days: days, Limit: limit,
	}, verify.Deps{Source: source, Store: n.store, Now: time.Now, Progress: func(part float64) {
		done.Store(int64(part * float64(events)))
	}})
}
