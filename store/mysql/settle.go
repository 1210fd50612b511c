package mysql

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// INSERT IGNORE would also pass over other errors.
var insertSettings = values{"INSERT INTO settings (name, value) VALUES ", "(?, ?)", " ON DUPLICATE KEY UPDATE name = VALUES(name)"}

// Settle keeps the settings that figures depend on: it inserts those that the store does not have yet and returns all it
// has, in one transaction. The first process decides; the caller compares.
func (s *Store) Settle(ctx context.Context, want map[string]string) (have map[string]string, err error) {
	names := slices.Sorted(maps.Keys(want))
	err = s.transact(ctx, func(t *session) error {
		err := t.execValues(ctx, &insertSettings, len(names), func(args []any, i int) []any {
			return append(args, []byte(names[i]), []byte(want[names[i]]))
		})
		if err != nil {
			return err
		}
		have = map[string]string{}
		return t.each(ctx, func(scan func(...any) error) error {
			var name, value []byte
			err := scan(&name, &value)
			have[string(name)] = string(value)
			return err
		}, "SELECT name, value FROM settings")
	})
	if err != nil {
		return nil, fmt.Errorf("settle %d settings: %w", len(want), err)
	}
	return have, nil
}
