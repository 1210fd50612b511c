package sqlsource

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errSorts tells of a statement that would be a burden.
var errSorts = errors.New("the server would scan or sort the table for each query")

// explain asks the server how it would read a page. It refuses what scans or sorts.
func (s *Source) explain(ctx context.Context) error {
	text, args, err := s.statement(nil, 0, s.limit)
	if err != nil {
		return err
	}
	steps, err := s.plan(ctx, text, args)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if s.burdens(step) {
			return fmt.Errorf("%w (%v): %w", errSorts, step, s.table.missing(s.order.columns[0], s.order.key))
		}
	}
	return nil
}

// plan gives the rows of EXPLAIN by the names of their columns.
func (s *Source) plan(ctx context.Context, statement string, args []any) (steps []map[string]string, err error) {
	rows, err := s.db.QueryContext(ctx, "EXPLAIN "+statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	cells, dest := make([][]byte, len(names)), make([]any, len(names))
	for i := range cells {
		dest[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		step := map[string]string{}
		for i, name := range names {
			step[strings.ToLower(name)] = string(cells[i])
		}
		steps = append(steps, step)
	}
	return steps, rows.Err()
}

// burdens judges a step of a plan, in the form of MySQL and MariaDB, or of TiDB. Without a key there is nothing to read.
func (s *Source) burdens(step map[string]string) bool {
	if extra, ok := step["extra"]; ok {
		empty := step["table"] == "" || strings.Contains(extra, "mpossible WHERE")
		return step["key"] != s.order.index && !empty || strings.Contains(extra, "filesort") || strings.Contains(extra, "temporary")
	}
	sorts := []string{"Sort", "TopN"}
	if s.order.index != "PRIMARY" {
		sorts = append(sorts, "TableFullScan")
	}
	return slices.ContainsFunc(sorts, func(bad string) bool { return strings.Contains(step["id"], bad) })
}
