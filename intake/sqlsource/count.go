package sqlsource

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Counted is what SQL counts of the rows of one value.
type Counted struct {
	Value                               string // as text; "" for none
	Events, Users                       int64  // events with the same user and event id are one; users are distinct
	Records, Sessions, Bounces, Counted int64  // rows that are session records, and what they bring; users that records count themselves
	Duration                            int64  // ms
}

// Count counts the rows from a time up to, not including, another, by the values of a dimension; "" for all of them together. It is
// the slow query: one statement, under the timeout of all, followed by the rest that the rate asks for.
func (s *Source) Count(ctx context.Context, from, until time.Time, dimension string) (counts []Counted, err error) {
	at := s.timeColumn()
	low, err := at.bound(from, s.cfg.Location, s.unit)
	if err != nil {
		return nil, err
	}
	high, err := at.bound(until, s.cfg.Location, s.unit)
	if err != nil {
		return nil, err
	}
	args, err := s.values(nil, []*column{at, at}, []string{low, high})
	if err != nil {
		return nil, err
	}
	if err := s.idle(ctx); err != nil {
		return nil, err
	}
	statement, began, total := s.countStatement(dimension), s.pace.now(), int64(0)
	err = s.retry(ctx, func() error {
		counts, err = s.counts(ctx, statement, args)
		return err
	})
	for i := range counts {
		total += counts[i].Events
	}
	s.pace.spent(int(total), s.pace.now().Sub(began))
	if err != nil {
		return nil, fmt.Errorf("count %s from %s to %s: %w", s.table.name, from.Format(time.RFC3339), until.Format(time.RFC3339), err)
	}
	return counts, nil
}

func (s *Source) counts(ctx context.Context, statement string, args []any) (counts []Counted, err error) {
	rows, err := s.db.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Counted
		var value sql.RawBytes
		if err := rows.Scan(&value, &c.Events, &c.Users, &c.Records, &c.Sessions, &c.Duration, &c.Bounces, &c.Counted); err != nil {
			return nil, err
		}
		c.Value = string(value)
		counts = append(counts, c)
	}
	return counts, rows.Err()
}

// countStatement counts over the rows that are events: those with a user, and session records. Where the table has event
// ids, rows of one user and id are one.
func (s *Source) countStatement(dimension string) string {
	value, user, record := "''", "''", "0"
	duration, bounce, counted := "0", "0", "0"
	if c := s.columnOf(dimension); c != nil {
		value = c.textual()
	}
	if c := s.columnOf("user_id"); c != nil {
		user = c.textual()
	}
	length, bounced := s.columnOf("session_duration"), s.columnOf("is_bounce")
	if length != nil && bounced != nil {
		record = "(" + quote(length.name) + " IS NOT NULL AND " + quote(bounced.name) + " IS NOT NULL)"
		duration = "CAST(ROUND(COALESCE(" + quote(length.name) + ", 0) * 1000) AS SIGNED)"
		bounce = bounced.truth()
		if c := s.columnOf("is_new_user"); c != nil {
			counted = c.truth()
		}
	}
	inner := fmt.Sprintf("SELECT %s AS v, %s AS u, %s AS r, %s AS d, %s AS b, %s AS n", value, user, record, duration, bounce, counted)
	group := ""
	if c := s.columnOf(eventID); c != nil {
		inner += fmt.Sprintf(", COALESCE(NULLIF(%s, ''), CONCAT('#', %s)) AS e", c.textual(), keyText(s.order.key))
		inner = "SELECT v, u, MAX(r) AS r, MAX(d) AS d, MAX(b) AS b, MAX(n) AS n FROM (" + inner
		group = ") AS every GROUP BY v, u, e"
	}
	at := s.timeColumn()
	inner += " FROM " + s.table.String() + " FORCE INDEX (" + quote(s.order.index) + ") WHERE " + compare(at, ">=") + " AND " + compare(at, "<") + group
	return "SELECT v, COUNT(*), COUNT(DISTINCT NULLIF(u, '')), COALESCE(SUM(r), 0), COALESCE(SUM(r), 0), COALESCE(SUM(r * d), 0), COALESCE(SUM(r * b), 0)," +
		" COALESCE(SUM(r * (u = '') * n), 0) FROM (" + inner + ") AS events WHERE u <> '' OR r = 1 GROUP BY v"
}

// textual is the text of a value as an event has it, compared byte by byte; empty for NULL.
func (c *column) textual() string {
	name := quote(c.name)
	switch c.kind {
	case binary:
		name = "LOWER(HEX(" + name + "))"
	case bits:
		name = "CAST(" + name + " + 0 AS CHAR)"
	case timestamp:
		name = "CONCAT(" + name + ", 'Z')"
	}
	return "COALESCE(CAST(CONVERT(" + name + " USING utf8mb4) AS BINARY), '')"
}

// truth is 1 for true.
func (c *column) truth() string {
	if c.kind == bits {
		return "COALESCE(" + quote(c.name) + " + 0, 0)"
	}
	return "(" + c.textual() + " IN ('1', 'true'))"
}

func keyText(key []*column) string {
	texts := make([]string, len(key))
	for i, c := range key {
		texts[i] = c.textual()
	}
	return strings.Join(texts, ", ',', ")
}

// HasRecords tells whether the table has session records.
func (s *Source) HasRecords() bool {
	return s.columnOf("session_duration") != nil && s.columnOf("is_bounce") != nil
}

// Times gives the oldest and the newest time of the table; both zero when it has none.
func (s *Source) Times(ctx context.Context) (first, last time.Time, err error) {
	at := s.timeColumn()
	var low, high sql.NullString
	query := "SELECT MIN(" + quote(at.name) + "), MAX(" + quote(at.name) + ") FROM " + s.table.String()
	if err := s.retry(ctx, func() error { return s.db.QueryRowContext(ctx, query).Scan(&low, &high) }); err != nil || !low.Valid {
		return first, last, err
	}
	if first, err = s.timeOf(at, low.String); err == nil {
		last, err = s.timeOf(at, high.String)
	}
	return first, last, err
}

func (s *Source) timeOf(at *column, text string) (time.Time, error) {
	if at.kind == timestamp {
		text += "Z"
	}
	ms, err := s.instant([]byte(text))
	return time.UnixMilli(ms), err
}
