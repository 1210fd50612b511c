package sqlite

import (
	"context"
	"fmt"

	"rollcall"
	"rollcall/store"
)

var upsertHistory = values{`INSERT INTO history (day, hour, commits, first_version, last_version, first_at, last_at,
	events, sessions, bounces, duration, new_users, active, counted, retracted, duplicates, late) VALUES `,
	"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ` ON CONFLICT DO UPDATE SET
	commits = commits + excluded.commits, first_version = min(first_version, excluded.first_version), last_version = max(last_version, excluded.last_version),
	first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at), events = events + excluded.events,
	sessions = sessions + excluded.sessions, bounces = bounces + excluded.bounces, duration = duration + excluded.duration,
	new_users = new_users + excluded.new_users, active = active + excluded.active, counted = counted + excluded.counted,
	retracted = retracted + excluded.retracted, duplicates = duplicates + excluded.duplicates, late = late + excluded.late`}

// addHistory adds what a commit of this version did to the days.
func (s *session) addHistory(ctx context.Context, changes []store.Change, version int64) error {
	return s.execValues(ctx, &upsertHistory, len(changes), func(args []any, i int) []any {
		c := &changes[i]
		n := &c.Counters
		return append(args, int64(c.Day), c.Hour, c.Commits, version, version, c.First, c.Last, n[rollcall.Events], n[rollcall.Sessions],
			n[rollcall.Bounces], n[rollcall.Duration], n[rollcall.NewUsers], n[rollcall.Active], n[rollcall.Counted],
			c.Retracted, c.Duplicates, c.Late)
	})
}

// history reads the changes of a day.
func (s *session) history(ctx context.Context, day rollcall.Date) (*store.History, error) {
	h := &store.History{}
	if _, err := s.one(ctx, []any{&h.Begins}, "SELECT COALESCE(MIN(hour), 0) FROM history"); err != nil {
		return nil, err
	}
	err := s.each(ctx, func(scan func(...any) error) error {
		c := store.Change{Day: day}
		n := &c.Counters
		err := scan(&c.Hour, &c.Commits, &c.FirstVersion, &c.LastVersion, &c.First, &c.Last, &n[rollcall.Events], &n[rollcall.Sessions],
			&n[rollcall.Bounces], &n[rollcall.Duration], &n[rollcall.NewUsers], &n[rollcall.Active], &n[rollcall.Counted],
			&c.Retracted, &c.Duplicates, &c.Late)
		h.Changes = append(h.Changes, c)
		return err
	}, `SELECT hour, commits, first_version, last_version, first_at, last_at, events, sessions, bounces, duration, new_users, active, counted,
		retracted, duplicates, late FROM history WHERE day = ? ORDER BY hour`, int64(day))
	return h, err
}

// History tells what each hour's commits did to the figures of a day.
func (v *view) History(ctx context.Context, day rollcall.Date) (h *store.History, err error) {
	err = v.read(func(s *session) error {
		h, err = s.history(ctx, day)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the history of %v: %w", day, err)
	}
	return h, nil
}

// expireRows bounds the rows of small tables that one transaction of an expiry deletes.
const expireRows = 4096

// ExpireHistory deletes the changes of hours that began before (Unix ms).
func (s *Store) ExpireHistory(ctx context.Context, before int64) error {
	const query = "DELETE FROM history WHERE (day, hour) IN (SELECT day, hour FROM history WHERE hour < ? LIMIT ?)"
	for deleted := int64(expireRows); deleted == expireRows; {
		err := s.writer.transact(ctx, func(ctx context.Context, t *session) error {
			done, err := t.exec(ctx, query, before, expireRows)
			if err == nil {
				deleted, err = done.RowsAffected()
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("expire the history before %d: %w", before, err)
		}
	}
	return nil
}
