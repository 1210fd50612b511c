package mysql

import (
	"context"
	"fmt"

	"rollcall/store"
)

var upsertVerified = values{"INSERT INTO ~verified (day, build, version, at, took, differences) VALUES ", "(?, ?, ?, ?, ?, ?)",
	" ON DUPLICATE KEY UPDATE build = VALUES(build), version = VALUES(version), at = VALUES(at), took = VALUES(took), differences = VALUES(differences)"}

// SetVerified replaces what is kept of some days.
func (s *Store) SetVerified(ctx context.Context, days []store.Verified) error {
	err := s.transact(ctx, func(t *session) error {
		return t.execValues(ctx, &upsertVerified, len(days), func(args []any, i int) []any {
			d := &days[i]
			return append(args, int64(d.Day), int64(d.Build), int64(d.Version), d.At, d.Took, d.Differences)
		})
	})
	if err != nil {
		return fmt.Errorf("keep what was verified of %d days: %w", len(days), err)
	}
	return nil
}

// Verified lists what is kept, by rising day.
func (s *Store) Verified(ctx context.Context) (days []store.Verified, err error) {
	err = s.with(ctx, func(t *session) error {
		return t.each(ctx, func(scan func(...any) error) error {
			var d store.Verified
			err := scan(&d.Day, &d.Build, &d.Version, &d.At, &d.Took, &d.Differences)
			days = append(days, d)
			return err
		}, "SELECT day, build, version, at, took, differences FROM ~verified ORDER BY day")
	})
	if err != nil {
		return nil, fmt.Errorf("list what was verified: %w", err)
	}
	return days, nil
}
