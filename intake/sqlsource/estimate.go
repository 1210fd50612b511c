package sqlsource

import (
	"context"
	"strconv"
	"strings"
)

// Estimate is about how many rows lie behind a cursor, by the server's statistics; 0 when it can't tell. It costs an EXPLAIN.
func (s *Source) Estimate(ctx context.Context, after Cursor) (int64, error) {
	if len(after) == 0 && s.since == "" && s.cfg.Until.IsZero() {
		return s.table.rows, nil
	}
	text, args, err := s.statement(after, 0, 0)
	if err != nil {
		return 0, err
	}
	steps, err := s.plan(ctx, strings.TrimSuffix(text, " LIMIT ?"), args[:len(args)-1])
	if err != nil {
		return 0, err
	}
	for _, step := range steps {
		for _, name := range []string{"rows", "estrows"} {
			if n, err := strconv.ParseFloat(step[name], 64); err == nil {
				return int64(n), nil
			}
		}
	}
	return 0, nil
}
