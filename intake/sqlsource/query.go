package sqlsource

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// pageQuery is the text of the statements for a page.
//
// The rows behind (a0, a1, a2) in the order of columns (c0, c1, c2) are, in order, those of
//
//	c0 = a0 AND c1 = a1 AND c2 > a2, then c0 = a0 AND c1 > a1, then c0 > a0
//
// each in a statement of its own. (c0, c1, c2) > (a0, a1, a2) says the same, but MySQL and MariaDB serve it by reading
// the index from its beginning; and one statement with OR reads all rows of the time a0 again for each page.
type pageQuery struct {
	first  string   // without a cursor
	levels []string // by how many columns equal the cursor's
	places []int    // of the columns of the order in a row
	key    []int    // of the columns of the key in a row
}

func (s *Source) newPageQuery() (q pageQuery) {
	for _, c := range s.order.columns {
		q.places = append(q.places, s.place(c))
	}
	for _, c := range s.order.key {
		q.key = append(q.key, s.place(c))
	}
	list := make([]string, len(s.selects))
	for i, c := range s.selects {
		list[i] = quote(c.name)
	}
	from := "SELECT " + strings.Join(list, ", ") + " FROM " + s.table.String() + " FORCE INDEX (" + quote(s.order.index) + ") WHERE "
	at := s.order.columns[0]
	until := compare(at, "<")
	first := until
	switch {
	case s.since != "":
		first = compare(at, ">=") + " AND " + until
	case at.nullable:
		first = quote(at.name) + " IS NOT NULL AND " + until
	}
	q.first = from + first + s.orderBy(0)
	for level, c := range s.order.columns {
		var where []string
		for _, equal := range s.order.columns[:level] {
			where = append(where, compare(equal, "="))
		}
		where = append(where, compare(c, ">"))
		if level == 0 {
			where = append(where, until)
		}
		q.levels = append(q.levels, from+strings.Join(where, " AND ")+s.orderBy(level))
	}
	return q
}

func compare(c *column, operator string) string {
	return quote(c.name) + " " + operator + " " + c.placeholder()
}

func (s *Source) orderBy(level int) string {
	var list []string
	for _, c := range s.order.columns[level:] {
		list = append(list, quote(c.name))
	}
	return " ORDER BY " + strings.Join(list, ", ") + " LIMIT ?"
}

// statement gives the text and the arguments that read up to limit rows at a level behind the cursor; without a cursor
// there is level 0 only.
func (s *Source) statement(after Cursor, level, limit int) (text string, args []any, err error) {
	at := s.order.columns[0]
	if len(after) == 0 {
		if s.since != "" {
			args, err = s.values(args, []*column{at}, []string{s.since})
		}
		text = s.query.first
	} else {
		args, err = s.values(args, s.order.columns[:level+1], after[:level+1])
		text = s.query.levels[level]
	}
	if err == nil && (len(after) == 0 || level == 0) {
		args, err = s.values(args, []*column{at}, []string{s.until})
	}
	return text, append(args, limit), err
}

func (s *Source) values(args []any, columns []*column, texts []string) ([]any, error) {
	for i, c := range columns {
		v, err := c.argument(texts[i])
		if err != nil {
			return nil, fmt.Errorf("the position to go on from: column %s: %w", c.name, err)
		}
		args = append(args, v)
	}
	return args, nil
}

// errSorts tells of a statement that would be a burden.
var errSorts = errors.New("the server would scan or sort the table for each query")

// explain asks the server how it would read a page. It refuses what scans or sorts.
func (s *Source) explain(ctx context.Context) error {
	text, args, err := s.statement(nil, 0, s.limit)
	if err != nil {
		return err
	}
	rows, err := s.db.QueryContext(ctx, "EXPLAIN "+text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	cells := make([][]byte, len(names))
	dest := make([]any, len(names))
	for i := range cells {
		dest[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if step := plan(names, cells); s.burdens(step) {
			return fmt.Errorf("%w (%v): %w", errSorts, step, s.table.missing(s.order.columns[0], s.order.key))
		}
	}
	return rows.Err()
}

// plan gives a row of EXPLAIN by the names of its columns.
func plan(names []string, cells [][]byte) map[string]string {
	step := map[string]string{}
	for i, name := range names {
		step[strings.ToLower(name)] = string(cells[i])
	}
	return step
}

// burdens judges a step of a plan, in the form of MySQL and MariaDB, or of TiDB.
func (s *Source) burdens(step map[string]string) bool {
	if extra, ok := step["extra"]; ok {
		return step["key"] != s.order.index && !strings.Contains(extra, "mpossible") && !strings.Contains(extra, "no matching row") ||
			strings.Contains(extra, "filesort") || strings.Contains(extra, "temporary")
	}
	operator := step["id"]
	return slices.ContainsFunc([]string{"TableFullScan", "Sort", "TopN"}, func(bad string) bool { return strings.Contains(operator, bad) }) &&
		s.order.index != "PRIMARY"
}
