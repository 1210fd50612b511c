package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall/decode"
	"rollcall/intake"
	"rollcall/intake/sqlsource"
)

// TableFlags say which table to import, and how gently.
type TableFlags struct {
	From             string        `help:"Import a table instead of files: mysql (MySQL 8, MariaDB, TiDB)." enum:",mysql" default:"" placeholder:"mysql" group:"Tables"`
	DSN              string        `name:"dsn" help:"Its database: mysql://user:password@host:3306/database. Better by its variable, as others may read flags." env:"ROLLCALL_SOURCE_DSN" placeholder:"ADDRESS" group:"Tables"`
	DSNCA            string        `name:"dsn-ca" help:"File of certificates (PEM) that sign the database's; turns TLS on." placeholder:"FILE" group:"Tables"`
	Table            string        `help:"Name of the table." default:"user_activity_logs" group:"Tables"`
	TimeColumn       string        `help:"Column to read it in the order of; an index begins with it. By default time, created_at or event_date." placeholder:"COLUMN" group:"Tables"`
	KeyColumn        string        `help:"Unique column; by default the primary key." placeholder:"COLUMN" group:"Tables"`
	ColumnTimezone   string        `help:"Time zone of DATETIME columns; by default the report's." placeholder:"ZONE" group:"Tables"`
	Since            string        `help:"Rows from this time on: a date, a date and time in the report time zone, or RFC 3339." placeholder:"TIME" group:"Tables"`
	Until            string        `help:"Rows before this time." placeholder:"TIME" group:"Tables"`
	Lag              time.Duration `help:"Rows younger than this are left for the next time." default:"1m" group:"Tables"`
	Rate             int           `help:"Most rows a second; 0 for no limit." default:"20000" group:"Tables"`
	MaxRowsPerQuery  int           `help:"Most rows a query." default:"5000" group:"Tables"`
	MaxRunning       int           `help:"No reading while the database runs more statements than this (Threads_running); 0 for any." default:"25" group:"Tables"`
	StatementTimeout time.Duration `help:"Longest query." default:"10s" group:"Tables"`
	State            string        `help:"Where the place to go on from is kept; by default in the data directory." placeholder:"FILE" group:"Tables"`
	Restart          bool          `help:"Read from the beginning, whatever was read before." group:"Tables"`
}

// table imports a table into the data directory, or sends it to a running server.
func (c *importCmd) table(e *world, cfg Config) (sum imported, err error) {
	src, err := c.openTable(e, &cfg)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	fmt.Fprint(e.err, src.Describe())
	if missing := missingDimensions(src, cfg.Dimensions); len(missing) > 0 {
		fmt.Fprintf(e.err, "note: no column for dimension %s: it will be (not set)\n", strings.Join(missing, ", "))
	}
	w := &walk{src: src, sum: &sum}
	if w.place, err = c.openPlace(&cfg, src.Identity()); err != nil {
		return sum, err
	}
	if n := w.place.Rows; n > 0 {
		fmt.Fprintf(e.err, "going on behind %s rows, at %s\n", humanize.Comma(n), strings.Join(w.place.After, ", "))
	}
	if c.Server != "" {
		err = c.remotely(e, &sum, func(cl *client) error {
			return w.metered(e.ctx, e.err, func(ctx context.Context, lines []byte) (intake.Summary, error) {
				reply, err := cl.post(ctx, lines, w.key())
				return intake.Summary{Read: reply.Accepted + reply.rejected(), Accepted: reply.Accepted, Rejected: reply.rejected()}, err
			})
		})
	} else {
		err = locally(e, cfg, &sum, func(ctx context.Context, _ *node, files *intake.Files) error {
			pages, err := files.Pages(c.Table)
			if err != nil {
				return err
			}
			return w.metered(ctx, e.err, pages.Take)
		})
	}
	if err == nil {
		sum.UpTo = src.End().Format(time.RFC3339)
	}
	return sum, err
}

// walk takes in the rows of a table, page by page.
type walk struct {
	src   *sqlsource.Source
	place *place
	sum   *imported
}

// metered walks to the end and shows how far it is.
func (w *walk) metered(ctx context.Context, out io.Writer, take func(context.Context, []byte) (intake.Summary, error)) error {
	left, err := w.src.Estimate(ctx, w.place.After)
	if err != nil {
		return err
	}
	var rows atomic.Int64
	m := newMeter(out, left, false, rows.Load)
	defer m.end()
	for buf := []byte(nil); ; {
		page, err := w.src.Next(ctx, w.place.After, buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s, err := take(ctx, page.Lines)
		if err != nil {
			return err
		}
		w.sum.add(s)
		rows.Add(int64(page.Rows))
		buf = page.Lines
		if err := w.place.reached(page); err != nil {
			return err
		}
	}
}

// key names the page behind the place reached, for the server. Its events have ids of their own.
func (w *walk) key() string { return fmt.Sprintf("%s@%d", w.src.Identity(), w.place.Rows) }

func (c *importCmd) openTable(e *world, cfg *Config) (*sqlsource.Source, error) {
	if c.DSN == "" {
		return nil, usageError("--from mysql needs the address of the database: set ROLLCALL_SOURCE_DSN, or give --dsn")
	}
	report, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, err
	}
	sc := sqlsource.Config{DSN: c.DSN, TLSCA: c.DSNCA, Table: c.Table, KeyColumn: c.KeyColumn, Report: report, Location: report, Lag: c.Lag,
		Rate: c.Rate, PageRows: c.MaxRowsPerQuery, MaxRunning: c.MaxRunning, StatementTimeout: c.StatementTimeout}
	if sc.Fields, err = c.columns(cfg); err != nil {
		return nil, err
	}
	if c.ColumnTimezone != "" {
		if sc.Location, err = time.LoadLocation(c.ColumnTimezone); err != nil || c.ColumnTimezone == "Local" {
			return nil, usageError(fmt.Sprintf("--column-timezone %q is no time zone: give an IANA name such as UTC or Asia/Seoul", c.ColumnTimezone))
		}
	}
	if sc.Since, err = momentOf("--since", c.Since, report); err != nil {
		return nil, err
	}
	if sc.Until, err = momentOf("--until", c.Until, report); err != nil {
		return nil, err
	}
	return sqlsource.Open(e.ctx, sc, sqlsource.Deps{Logger: e.logger})
}

// columns says in which columns to look for each field: the one of --map; else those named as the field is in the input,
// and as the field itself.
func (c *importCmd) columns(cfg *Config) ([]sqlsource.Field, error) {
	mapped, err := pairsOf(strings.Join(c.Map, ","))
	if err != nil {
		return nil, usageError("--map: " + err.Error())
	}
	if c.TimeColumn != "" {
		mapped["time"] = c.TimeColumn
	}
	var fields []sqlsource.Field
	names := append(slices.DeleteFunc(decode.FieldNames(), func(name string) bool { return name == "event_date" }), cfg.Dimensions...)
	for _, name := range names {
		f := sqlsource.Field{Name: name, Input: name}
		if input := cfg.Fields[name]; input != "" {
			f.Input, f.Columns = input, []string{input}
		}
		if f.Columns = append(f.Columns, name); name == "time" {
			f.Columns = append(f.Columns, "created_at", "event_date")
		}
		if column := mapped[name]; column != "" {
			f.Columns, f.Required = []string{column}, true
		}
		delete(mapped, name)
		fields = append(fields, f)
	}
	for name := range mapped {
		return nil, usageError(fmt.Sprintf("--map: %s is no field and no dimension: want one of %s", name, strings.Join(names, ", ")))
	}
	return fields, nil
}

func missingDimensions(src *sqlsource.Source, dimensions []string) []string {
	return slices.DeleteFunc(src.Missing(), func(name string) bool { return !slices.Contains(dimensions, name) })
}

// momentOf reads a time given on the command line; empty is none.
func momentOf(flag, s string, loc *time.Location) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	ms, err := decode.ParseTime([]byte(s), loc)
	if err != nil {
		return time.Time{}, usageError(flag + " " + err.Error())
	}
	return time.UnixMilli(ms), nil
}
