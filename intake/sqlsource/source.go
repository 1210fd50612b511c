package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"rollcall/decode"
)

// Source is a table that is being walked. It is for one goroutine.
type Source struct {
	cfg     Config
	deps    Deps
	db      *sql.DB
	address string // host:port/database, without user and password
	table   *table
	order   *order
	fields  []field
	id      []byte    // "input": of the event id
	selects []*column // what a statement reads, each once
	since   string    // as values of the time column; empty for no bound
	until   string
	end     time.Time // what until stands for
	unit    int64     // of the time column's numbers, ns
	query   pageQuery
	pace    *pace
	limit   int // rows of the next page

	row  []sql.RawBytes // of the statement, by place
	dest []any          // pointers to them
	last [][]byte       // the order's columns of the row read last
}

// Open connects and looks at the table. It fails, and says what to do, when the table can't be walked without sorting or
// scanning it. It costs a few statements on the catalogue and two EXPLAINs.
func Open(ctx context.Context, cfg Config, deps Deps) (*Source, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	db, address, err := connect(&cfg)
	if err != nil {
		return nil, err
	}
	s := &Source{cfg: cfg, deps: deps, db: db, limit: cfg.pageRows(), pace: newPace(cfg.Rate)}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open table %s at %s: %w", cfg.Table, address.Addr, err), db.Close())
	}
	s.address = address.Addr + "/" + s.table.schema
	return s, nil
}

// Close ends the connection.
func (s *Source) Close() error { return s.db.Close() }

func (s *Source) prepare(ctx context.Context) (err error) {
	if s.table, err = describe(ctx, s.db, s.cfg.Table); err != nil {
		return err
	}
	if err := s.assign(); err != nil {
		return err
	}
	at := s.timeColumn()
	if at == nil {
		return errors.New("no column holds the time: name it with --time-column")
	}
	if s.order, err = s.table.choose(at, s.cfg.KeyColumn); err != nil {
		return err
	}
	if err := s.bounds(ctx, at); err != nil {
		return err
	}
	s.query = s.newPageQuery()
	s.row, s.last = make([]sql.RawBytes, len(s.selects)), make([][]byte, len(s.order.columns))
	for i := range s.row {
		s.dest = append(s.dest, &s.row[i])
	}
	return s.explain(ctx)
}

// bounds turns the times asked for into values of the time column. Without Until, and at most, it is now less the lag, by
// the server's clock.
func (s *Source) bounds(ctx context.Context, at *column) error {
	unit := int64(1)
	if at.kind == integer || at.kind == decimal {
		var newest sql.NullFloat64
		if err := s.db.QueryRowContext(ctx, "SELECT MAX("+quote(at.name)+") FROM "+s.table.String()).Scan(&newest); err != nil {
			return err
		}
		unit = unitOf(newest.Float64)
	}
	s.unit = unit
	var clock string
	if err := s.db.QueryRowContext(ctx, "SELECT UTC_TIMESTAMP(3)").Scan(&clock); err != nil {
		return err
	}
	now, err := time.Parse("2006-01-02 15:04:05.999", clock)
	if err != nil {
		return fmt.Errorf("the server's clock: %w", err)
	}
	s.end = now.Add(-s.cfg.Lag)
	switch at.kind {
	case datetime:
		s.end = settled(s.end, s.cfg.Location)
	case date:
		y, m, d := s.end.In(s.cfg.Location).Date()
		s.end = time.Date(y, m, d, 0, 0, 0, 0, s.cfg.Location)
	}
	if u := s.cfg.Until; !u.IsZero() && u.Before(s.end) {
		s.end = u
	}
	if s.until, err = at.bound(s.end, s.cfg.Location, unit); err != nil {
		return err
	}
	if !s.cfg.Since.IsZero() {
		s.since, err = at.bound(s.cfg.Since, s.cfg.Location, unit)
	}
	return err
}

// End is the time up to which, exclusive, rows are read: Until, or the present less the lag.
func (s *Source) End() time.Time { return s.end }

// Identity tells walks of different rows, or of the same rows as different events, apart: a cursor of one is no cursor of
// the other. The end is no part of it, so that a later walk can go on from an earlier one's cursor.
func (s *Source) Identity() string {
	h := fnv.New128a()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s", s.address, s.table, s.since, s.cfg.Location)
	for _, c := range s.order.columns {
		fmt.Fprintf(h, "\x00%s", c.name)
	}
	for _, f := range s.fields {
		fmt.Fprintf(h, "\x00%s\x01%s", f.Name, f.column.name)
	}
	return fmt.Sprintf("%s-%x", s.table.name, h.Sum(nil))
}

// Name is the table's.
func (s *Source) Name() string { return s.table.name }

// Describe tells which column becomes what, for people.
func (s *Source) Describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s in the order of %s, by index %s\n", s.table.name, s.address, names(s.order.columns), s.order.index)
	named := false
	for _, f := range s.fields {
		fmt.Fprintf(&b, "  %s: column %s, %s", f.Name, f.column.name, f.column.typ)
		if f.local() {
			fmt.Fprintf(&b, ", in %s", s.cfg.Location)
		}
		b.WriteByte('\n')
		named = named || f.Name == eventID
	}
	if !named {
		fmt.Fprintf(&b, "  %s: %s#%s\n", eventID, s.table.name, names(s.order.key))
	}
	return b.String()
}

func names(columns []*column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name
	}
	return strings.Join(list, ",")
}

// Missing names the fields and dimensions for which the table has no column.
func (s *Source) Missing() (list []string) {
	for _, f := range s.cfg.Fields {
		if s.columnOf(f.Name) == nil {
			list = append(list, f.Name)
		}
	}
	return list
}

// instant reads a local time and gives Unix ms.
func (s *Source) instant(raw []byte) (int64, error) { return decode.ParseTime(raw, s.cfg.Location) }
