package sqlsource

import (
	"fmt"
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
