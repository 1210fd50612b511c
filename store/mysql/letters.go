package mysql

import (
	"context"
	"fmt"
	"slices"

	"rollcall/store"
)

var insertLetters = values{"INSERT INTO ~letters (at, source, reason, detail, raw) VALUES ", "(?, ?, ?, ?, ?)", ""}

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
	err := s.transact(ctx, func(t *session) error {
		if err := t.insertLetters(ctx, letters); err != nil {
			return err
		}
		return t.hold(ctx)
	})
	if err != nil {
		return fmt.Errorf("quarantine %d letters: %w", len(letters), err)
	}
	return nil
}

// Letters lists dead letters.
func (s *Store) Letters(ctx context.Context, q store.LetterQuery) ([]store.DeadLetter, error) {
	query, args := lettersQuery(&q)
	var letters []store.DeadLetter
	err := s.with(ctx, func(t *session) error {
		return t.each(ctx, func(scan func(...any) error) error {
			var l store.DeadLetter
			err := scan(&l.Number, &l.At, &l.Source, &l.Reason, &l.Detail, &l.Raw, &l.Bytes)
			letters = append(letters, l)
			return err
		}, query, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list letters after %d: %w", q.After, err)
	}
	return letters, nil
}

// lettersQuery is made of constant parts; what the caller gave is in the arguments.
func lettersQuery(q *store.LetterQuery) (query string, args []any) {
	raw := "raw"
	if q.MaxRaw > 0 {
		raw, args = "SUBSTR(raw, 1, ?)", append(args, q.MaxRaw)
	}
	query, args = "SELECT number, at, source, reason, detail, "+raw+", LENGTH(raw) FROM ~letters WHERE number > ?", append(args, q.After)
	if q.Before != 0 {
		query, args = query+" AND number < ?", append(args, q.Before)
	}
	if q.Reason != "" {
		query, args = query+" AND reason = ?", append(args, []byte(q.Reason))
	}
	query += " ORDER BY number"
	if q.Newest {
		query += " DESC"
	}
	return query + " LIMIT ?", append(args, max(q.Limit, 0))
}

// CountLetters counts the newest dead letters by reason. It reads as many rows as it counts.
func (s *Store) CountLetters(ctx context.Context, most int) ([]store.LetterCount, error) {
	const query = `SELECT reason, COUNT(*) AS n, MAX(at) FROM (SELECT reason, at FROM ~letters ORDER BY number DESC LIMIT ?) AS newest
		GROUP BY reason ORDER BY n DESC, reason`
	var counts []store.LetterCount
	err := s.with(ctx, func(t *session) error {
		return t.each(ctx, func(scan func(...any) error) error {
			var c store.LetterCount
			err := scan(&c.Reason, &c.Count, &c.Newest)
			counts = append(counts, c)
			return err
		}, query, max(most, 0))
	})
	if err != nil {
		return nil, fmt.Errorf("count letters: %w", err)
	}
	return counts, nil
}

// DeleteLetters deletes letters by their numbers in one transaction.
func (s *Store) DeleteLetters(ctx context.Context, numbers []int64) (deleted int64, err error) {
	ids := make([]any, len(numbers))
	for i, number := range numbers {
		ids[i] = number
	}
	err = s.transact(ctx, func(t *session) error {
		deleted = 0
		for some := range slices.Chunk(ids, idsOfStatement) {
			result, err := t.exec(ctx, "DELETE FROM ~letters WHERE number IN ("+repeat("?", len(some), ", ")+")", some...)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			deleted += n
		}
		return t.hold(ctx)
	})
	if err != nil {
		return 0, fmt.Errorf("delete %d letters: %w", len(numbers), err)
	}
	return deleted, nil
}
