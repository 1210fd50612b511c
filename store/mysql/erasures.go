package mysql

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"rollcall"
	"rollcall/store"
)

var _ store.Erasures = (*Builds)(nil)

const erasureKeyBytes = 32

// shared makes tables that all builds share. Other builds than the first have nothing to add.
func shared(tables string) migration {
	return func(ctx context.Context, t *session, _ *store.Build) error {
		if t.build != 1 {
			return nil
		}
		return t.script(ctx, tables)
	}
}

// Erasures reads the key and the list in one transaction.
func (b *Builds) Erasures(ctx context.Context) (key []byte, list []store.Erasure, err error) {
	fresh := make([]byte, erasureKeyBytes)
	if _, err := rand.Read(fresh); err != nil {
		return nil, nil, fmt.Errorf("read erasures: %w", err)
	}
	err = b.store.transact(ctx, func(t *session) error {
		const read = "SELECT secret FROM erasure_key WHERE one = 1"
		found, err := t.one(ctx, []any{&key}, read)
		if err == nil && !found {
			if _, err = t.exec(ctx, "INSERT IGNORE INTO erasure_key (one, secret) VALUES (1, ?)", fresh); err == nil {
				_, err = t.one(ctx, []any{&key}, read)
			}
		}
		if err != nil {
			return err
		}
		list = nil
		return t.each(ctx, func(scan func(...any) error) error {
			var e store.Erasure
			var user []byte
			var until int64
			err := scan(&user, &e.Shard, &e.Build, &until, &e.At)
			copy(e.User[:], user)
			e.Until = rollcall.Offset(until)
			list = append(list, e)
			return err
		}, "SELECT user, shard, build, until, at FROM erasures ORDER BY user, shard, build")
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read erasures: %w", err)
	}
	return key, list, nil
}

var insertErasures = values{"INSERT INTO erasures (user, shard, build, until, at) VALUES ", "(?, ?, ?, ?, ?)",
	" ON DUPLICATE KEY UPDATE at = GREATEST(at, VALUES(at)), until = GREATEST(until, VALUES(until))"}

// AddErasures adds to the list in one transaction.
func (b *Builds) AddErasures(ctx context.Context, add []store.Erasure) error {
	err := b.store.transact(ctx, func(t *session) error {
		return t.execValues(ctx, &insertErasures, len(add), func(args []any, i int) []any {
			e := &add[i]
			return append(args, e.User[:], e.Shard, e.Build, int64(e.Until), e.At)
		})
	})
	if err != nil {
		return fmt.Errorf("add %d erasures: %w", len(add), err)
	}
	return nil
}

// ForgetErasures deletes from the list in one transaction.
func (b *Builds) ForgetErasures(ctx context.Context, shard int, first rollcall.Offset) (forgotten int64, err error) {
	err = b.store.transact(ctx, func(t *session) error {
		result, err := t.exec(ctx, "DELETE FROM erasures WHERE shard = ? AND until <= ?", shard, int64(first))
		if err == nil {
			forgotten, err = result.RowsAffected()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forget erasures of shard %d: %w", shard, err)
	}
	return forgotten, nil
}

// erasingPart is how many bytes a row of the table erasing has at most.
const erasingPart = 1 << 20

// Erasing reads what an erasure keeps.
func (b *Builds) Erasing(ctx context.Context) (body []byte, err error) {
	err = b.store.with(ctx, func(t *session) error {
		body, err = t.erasing(ctx, "")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what an erasure keeps: %w", err)
	}
	return body, nil
}

// erasing puts the parts together. tail may lock them.
func (s *session) erasing(ctx context.Context, tail string) (body []byte, err error) {
	err = s.each(ctx, func(scan func(...any) error) error {
		var part []byte
		err := scan(&part)
		body = append(body, part...)
		return err
	}, "SELECT body FROM erasing ORDER BY part"+tail)
	return body, err
}

var insertErasing = values{"INSERT INTO erasing (part, body) VALUES ", "(?, ?)", ""}

// KeepErasing replaces the parts in one transaction.
func (b *Builds) KeepErasing(ctx context.Context, was, body []byte) error {
	parts := slices.Collect(slices.Chunk(body, erasingPart))
	err := b.store.transact(ctx, func(t *session) error {
		have, err := t.erasing(ctx, " FOR UPDATE")
		if err != nil {
			return err
		}
		if !bytes.Equal(have, was) {
			return store.ErrErasing
		}
		if _, err := t.exec(ctx, "DELETE FROM erasing"); err != nil {
			return err
		}
		return t.execValues(ctx, &insertErasing, len(parts), func(args []any, i int) []any { return append(args, i, parts[i]) })
	})
	if err != nil {
		return fmt.Errorf("keep what an erasure needs: %w", err)
	}
	return nil
}
