package mysql

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// INSERT IGNORE would also pass over other errors.
var insertSettings = values{"INSERT INTO ~settings (name, value) VALUES ", "(?, ?)", " ON DUPLICATE KEY UPDATE name = VALUES(name)"}

// Settle keeps the settings that figures depend on: it inserts those that the store does not have yet and returns all it
// has, in one transaction. The first process decides; the caller compares.
func (s *Store) Settle(ctx context.Context, want map[string]string) (have map[string]string, err error) {
	err = s.transact(ctx, func(t *session) error {
		err := t.addSettings(ctx, want)
		if err == nil {
			have, err = t.settings(ctx)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("settle %d settings: %w", len(want), err)
	}
	return have, nil
}

func (s *session) addSettings(ctx context.Context, want map[string]string) error {
	names := slices.Sorted(maps.Keys(want))
	return s.execValues(ctx, &insertSettings, len(names), func(args []any, i int) []any {
		return append(args, []byte(names[i]), []byte(want[names[i]]))
	})
}
