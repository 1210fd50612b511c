package mysql

import (
	"context"
	"fmt"

	"rollcall/store"
)

var insertLetters = values{"INSERT INTO letters (at, source, reason, detail, raw) VALUES ", "(?, ?, ?, ?, ?)", ""}

func (s *session) insertLetters(ctx context.Context, letters []store.DeadLetter) error {
	return s.execValues(ctx, &insertLetters, len(letters), func(args []any, i int) []any {
		l := &letters[i]
		return append(args, l.At, []byte(l.Source), []byte(l.Reason), []byte(l.Detail), notNil(l.Raw))
	})
}

func commitLetters(c *store.Commit) (letters []store.DeadLetter) {
	for i := range c.Shards {
		letters = append(letters, c.Shards[i].Letters...)
	}
	return letters
}

// Quarantine keeps dead letters in one transaction.
func (s *Store) Quarantine(ctx context.Context, letters []store.DeadLetter) error {
	err := s.transact(ctx, func(t *session) error { return t.insertLetters(ctx, letters) })
	if err != nil {
		return fmt.Errorf("quarantine %d letters: %w", len(letters), err)
	}
	return nil
}

// Letters lists dead letters with a number greater than after, oldest first.
func (s *Store) Letters(ctx context.Context, after int64, limit int) ([]store.DeadLetter, error) {
	const query = "SELECT number, at, source, reason, detail, raw FROM letters WHERE number > ? ORDER BY number LIMIT ?"
	var letters []store.DeadLetter
	err := s.with(ctx, func(t *session) error {
		return t.each(ctx, func(scan func(...any) error) error {
			var l store.DeadLetter
			err := scan(&l.Number, &l.At, &l.Source, &l.Reason, &l.Detail, &l.Raw)
			letters = append(letters, l)
			return err
		}, query, after, max(limit, 0))
	})
	if err != nil {
		return nil, fmt.Errorf("list letters after %d: %w", after, err)
	}
	return letters, nil
}
