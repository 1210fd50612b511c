package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/intake/sqlsource"
	"rollcall/store"
	"rollcall/store/sqlite"
	"rollcall/verify"
)

// RawTable says against which table of raw events to verify, and how gently.
type RawTable struct {
	Table            string        `help:"Compare with what SQL counts in this table of raw events instead of with the log: mysql://user:password@host:3306/database/table; or its name, and the address of its database in ROLLCALL_SOURCE_DSN." placeholder:"TABLE" group:"Table"`
	DSN              string        `name:"dsn" help:"Address of its database." env:"ROLLCALL_SOURCE_DSN" hidden:""`
	DSNCA            string        `name:"dsn-ca" help:"File of certificates (PEM) that sign the database's; turns TLS on." placeholder:"FILE" group:"Table"`
	Map              []string      `help:"Column of a field, as at its import." placeholder:"user_id=visitorid" group:"Table"`
	TimeColumn       string        `help:"Column of the time, as at its import." placeholder:"COLUMN" group:"Table"`
	KeyColumn        string        `help:"Unique column; by default the primary key." placeholder:"COLUMN" group:"Table"`
	ColumnTimezone   string        `help:"Time zone of DATETIME columns; by default the report's." placeholder:"ZONE" group:"Table"`
	Rate             int           `help:"Most rows counted a second, by resting between days; 0 for no rest." default:"200000" group:"Table"`
	MaxRunning       int           `help:"No counting while the database runs more statements than this (Threads_running); 0 for any." default:"25" group:"Table"`
	StatementTimeout time.Duration `help:"Longest statement: the count of one day by one dimension." default:"10m" group:"Table"`
}

// source opens the table as an import does.
func (r *RawTable) source(e *world, cfg *Config) (*sqlsource.Source, error) {
	c := importCmd{Map: r.Map, TableFlags: TableFlags{DSN: r.DSN, DSNCA: r.DSNCA, Table: r.Table, TimeColumn: r.TimeColumn, KeyColumn: r.KeyColumn,
		ColumnTimezone: r.ColumnTimezone, Rate: r.Rate, MaxRowsPerQuery: 1000, MaxRunning: r.MaxRunning, StatementTimeout: r.StatementTimeout}}
	if strings.ContainsAny(r.Table, "@/") {
		var ok bool
		if c.DSN, c.Table, ok = cutTable(r.Table); !ok {
			return nil, usageError("--table can't be understood: give mysql://user:password@host:3306/database/table, with % codes for what has a meaning in addresses")
		}
	}
	if c.DSN == "" {
		return nil, usageError("--table needs the address of its database: set ROLLCALL_SOURCE_DSN, or give mysql://user:password@host:3306/database/table")
	}
	return c.openTable(e, cfg)
}

// cutTable takes the name of the table off an address of either form.
func cutTable(address string) (dsn, table string, ok bool) {
	if strings.Contains(address, "://") {
		u, err := url.Parse(address)
		if err != nil || path.Dir(u.Path) == "/" {
			return "", "", false
		}
		table = path.Base(u.Path)
		u.Path, u.RawPath = path.Dir(u.Path), ""
		return u.String(), table, true
	}
	at := strings.LastIndexByte(address, ')') // of tcp(host:port)
	if at < 0 || strings.Count(address[at:], "/") != 2 {
		return "", "", false
	}
	cut := strings.LastIndexByte(address, '/')
	return address[:cut], address[cut+1:], true
}

// table verifies the store against the table.
func (c *verifyCmd) table(e *world, cfg Config, chosen verify.Days) (report *verify.Report, err error) {
	src, err := c.RawTable.source(e, &cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	fmt.Fprint(e.err, src.Describe())
	from, vc, closed, err := storeToVerify(e, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closed()) }()
	days, err := c.tableDays(e.ctx, src, from, vc, chosen)
	if err != nil {
		return nil, err
	}
	const whole = 10_000
	var done atomic.Int64
	m := newMeter(e.err, whole, false, done.Load)
	m.parts = true
	defer m.end()
	vc.Limit = c.Limit
	missing := src.Missing()
	return verify.RunTable(e.ctx, vc, days, verify.Table{Name: src.Name(), Count: countBy(src), Of: func(dimension string) bool {
		for _, name := range missing {
			if name == dimension {
				return false
			}
		}
		return true
	}}, from, func(part float64) { done.Store(int64(part * whole)) })
}

// storeToVerify opens the store to be read, also of a directory that a server holds.
func storeToVerify(e *world, cfg Config) (store.Viewer, verify.Config, func() error, error) {
	n, err := openToVerify(e, cfg)
	if err == nil {
		return n.store, n.verifyConfig(), n.close, nil
	}
	if !errors.Is(err, eventlog.ErrLocked) {
		return nil, verify.Config{}, nil, err
	}
	location, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, verify.Config{}, nil, err
	}
	reader, err := sqlite.OpenReadOnly(e.ctx, filepath.Join(cfg.Data, "store.db"))
	if err != nil {
		return nil, verify.Config{}, nil, err
	}
	return reader, verify.Config{Calendar: rollcall.NewCalendar(location)}, reader.Close, nil
}

// tableDays lists the days to count: those asked for, else all closed ones that the table or the store has.
func (c *verifyCmd) tableDays(ctx context.Context, src *sqlsource.Source, from store.Viewer, vc verify.Config, chosen verify.Days) (days []rollcall.Date, err error) {
	if len(chosen.Dates) > 0 {
		return chosen.Dates, nil
	}
	view, err := from.View(ctx)
	if err != nil {
		return nil, err
	}
	stamps := view.Head().Stamps[store.DayClock]
	if err := view.Close(); err != nil {
		return nil, err
	}
	first, last, err := src.Times(ctx)
	if err != nil {
		return nil, err
	}
	low, high := vc.Calendar.Date(first.UnixMilli()), vc.Calendar.Date(last.UnixMilli())
	if first.IsZero() {
		low, high = rollcall.Date(1<<30), rollcall.Date(-1<<30)
	}
	if n := len(stamps); n > 0 {
		low, high = min(low, rollcall.Date(stamps[0].Period)), max(high, rollcall.Date(stamps[n-1].Period))
	}
	high = min(high, vc.Calendar.Date(min(time.Now().UnixMilli(), src.End().UnixMilli()))-1)
	if high-low >= maxVerifyDays {
		return nil, fmt.Errorf("the table and the store span %d days: name some with --days", high-low+1)
	}
	for d := low; d <= high; d++ {
		days = append(days, d)
	}
	return days, nil
}

func countBy(src *sqlsource.Source) func(context.Context, time.Time, time.Time, string) ([]verify.TableFigures, bool, error) {
	return func(ctx context.Context, from, until time.Time, dimension string) (figures []verify.TableFigures, sessions bool, err error) {
		counts, err := src.Count(ctx, from, until, dimension)
		sessions = src.HasRecords()
		for i := range counts {
			c := &counts[i]
			figures = append(figures, verify.TableFigures{Value: c.Value, Events: c.Events, Users: c.Users + c.Counted, Sessions: c.Sessions, Duration: c.Duration, Bounce: c.Bounces})
			sessions = sessions && c.Records == c.Events
		}
		return figures, sessions, err
	}
}
