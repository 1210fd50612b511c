package mysql

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store/chunk"
)

// base writes the day cells of the full cuboid as rows, for SQL.
type base struct {
	dims   int
	upsert values
}

func newBase(dims int) *base {
	columns := "event_date, cell, "
	for d := range dims {
		columns += fmt.Sprintf("d%d, ", d)
	}
	counted := []string{"active_users", "duration_ms", "sessions", "bounces", "events", "new_users"}
	adds := make([]string, len(counted))
	for i, c := range counted {
		adds[i] = fmt.Sprintf("%s = %s + VALUES(%s)", c, c, c)
	}
	return &base{dims, values{
		"INSERT INTO ~base_cells (" + columns + strings.Join(counted, ", ") + ", updated_at) VALUES ",
		"(" + repeat("?", 2+dims+len(counted)+1, ", ") + ")",
		" ON DUPLICATE KEY UPDATE " + strings.Join(adds, ", ") + ", updated_at = GREATEST(updated_at, VALUES(updated_at))",
	}}
}

// baseRow is one row of a block.
type baseRow struct {
	block *block.Cells
	row   int
	cell  []byte // the key within the date: four bytes a dimension, in the order of values
}

// rows lists what a commit adds, in order of key. Blocks are of one key each.
func (b *base) rows(e *chunk.Encoded) (rows []baseRow) {
	var days []*block.Cells
	for _, c := range e.Blocks {
		if c.Key.Grain == rollcall.Day && c.Key.Cuboid == rollcall.Full(b.dims) && isSQLDate(c.Key.Period) {
			days = append(days, c)
		}
	}
	slices.SortFunc(days, func(x, y *block.Cells) int { return int(x.Key.Period - y.Key.Period) })
	for _, day := range days {
		first := len(rows)
		for i := range day.Len() {
			if (baseRow{block: day, row: i}).counted() == [6]int64{} {
				continue
			}
			cell := make([]byte, 0, 4*b.dims)
			for _, column := range day.Dims {
				cell = binary.BigEndian.AppendUint32(cell, uint32(column[i]))
			}
			rows = append(rows, baseRow{day, i, cell})
		}
		slices.SortFunc(rows[first:], func(x, y baseRow) int { return bytes.Compare(x.cell, y.cell) })
	}
	return rows
}

// isSQLDate tells a date that the type DATE has.
func isSQLDate(p block.Period) bool {
	return p >= block.Period(rollcall.DateOf(1000, 1, 1)) && p <= block.Period(rollcall.DateOf(9999, 12, 31))
}

func (r baseRow) counted() [6]int64 {
	c := &r.block.Counters
	at := func(counter int) int64 { return c[counter][r.row] }
	return [6]int64{at(rollcall.Active) + at(rollcall.Counted), at(rollcall.Duration), at(rollcall.Sessions), at(rollcall.Bounces),
		at(rollcall.Events), at(rollcall.NewUsers)}
}

func (s *session) addBase(ctx context.Context, b *base, rows []baseRow, at int64) error {
	updated := time.UnixMilli(at).UTC().Format("2006-01-02 15:04:05.000")
	return s.execValues(ctx, &b.upsert, len(rows), func(args []any, i int) []any {
		r := &rows[i]
		args = append(args, rollcall.Date(r.block.Key.Period).String(), r.cell)
		for _, column := range r.block.Dims {
			args = append(args, int64(column[r.row]))
		}
		for _, n := range r.counted() {
			args = append(args, n)
		}
		return append(args, updated)
	})
}

const deleteBase = "DELETE FROM ~base_cells WHERE event_date < ?"

// expireBase deletes the rows of the days before.
func (s *session) expireBase(ctx context.Context, before block.Period) error {
	first, end := block.Period(rollcall.DateOf(1000, 1, 1)), block.Period(rollcall.DateOf(9999, 12, 31))
	_, err := s.exec(ctx, deleteBase, rollcall.Date(min(max(before, first), end)).String())
	return err
}

// makeBase makes the table for the dimensions that the build holds. The view is made when the build is active.
func (s *session) makeBase(ctx context.Context) error {
	names, err := s.dimensions(ctx)
	if err == nil {
		_, err = s.exec(ctx, baseTable(len(names)))
	}
	return err
}

func baseTable(dims int) string {
	columns := ""
	for d := range dims {
		columns += fmt.Sprintf("\n  d%d BIGINT NOT NULL,", d)
	}
	return `CREATE TABLE IF NOT EXISTS ~base_cells (
  event_date DATE NOT NULL,
  cell VARBINARY(64) NOT NULL,` + columns + `
  active_users BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  sessions BIGINT NOT NULL,
  bounces BIGINT NOT NULL,
  events BIGINT NOT NULL,
  new_users BIGINT NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (event_date, cell)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4`
}

// baseView names the columns after the dimensions; one that the view has already gets underscores until it is new. It
// joins from the left, so that MariaDB leaves out the dimensions that a question does not name.
func baseView(names []string) string {
	taken := map[string]bool{"event_date": true, "dau": true, "total_session_duration": true, "total_sessions": true, "bounce_count": true,
		"total_events": true, "updated_at": true}
	columns, joins := "", ""
	for d, name := range names {
		for taken[strings.ToLower(name)] {
			name += "_"
		}
		taken[strings.ToLower(name)] = true
		columns += fmt.Sprintf(" CONVERT(v%d.text USING utf8mb4) AS `%s`,", d, name)
		joins += fmt.Sprintf(" LEFT JOIN ~dimension_values v%d ON v%d.dim = %d AND v%d.number = b.d%d", d, d, d, d, d)
	}
	return "CREATE OR REPLACE VIEW aggregated_daily_metrics AS SELECT b.event_date AS event_date," + columns + ` b.active_users AS dau,
  CAST(b.duration_ms / 1000 AS DECIMAL(20, 3)) AS total_session_duration, b.sessions AS total_sessions, b.bounces AS bounce_count,
  b.events AS total_events, b.updated_at AS updated_at FROM ~base_cells b` + joins + `
  WHERE b.active_users <> 0 OR b.duration_ms <> 0 OR b.sessions <> 0 OR b.bounces <> 0 OR b.events <> 0 OR b.new_users <> 0`
}
