package sqlite

import (
	"context"
	"fmt"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
	"rollcall/store/chunk"
)

// Expire deletes the cells and sets of a grain with period < before, and raises the versions of the periods.
func (s *Store) Expire(ctx context.Context, grain rollcall.Grain, before block.Period) error {
	for {
		deleted := 0
		err := s.writer.transact(ctx, func(ctx context.Context, t *session) (err error) {
			deleted, err = t.expire(ctx, grain, before)
			return err
		})
		if err != nil {
			return fmt.Errorf("expire %v before %d: %w", grain, before, err)
		}
		if deleted < expireBatch {
			return nil
		}
	}
}

// expireBatch bounds the chunks that one transaction of Expire deletes.
const expireBatch = 256

func (s *session) expire(ctx context.Context, grain rollcall.Grain, before block.Period) (deleted int, err error) {
	const query = `DELETE FROM chunks WHERE id IN
		(SELECT id FROM chunks WHERE kind IN (1, 2) AND a = ? AND c < ? LIMIT ?) RETURNING c`
	var gone []int64
	err = s.each(ctx, func(scan func(...any) error) error {
		var period int64
		err := scan(&period)
		gone = append(gone, period)
		return err
	}, query, int64(grain), int64(before), expireBatch)
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	var version int64
	if _, err := s.one(ctx, []any{&version}, `UPDATE head SET version = version + 1, revision = revision + 1, expired = revision + 1
		RETURNING version`); err != nil {
		return 0, err
	}
	if grain == rollcall.Minute {
		_, err = s.exec(ctx, "DELETE FROM periods WHERE clock = ? AND period < ?", int64(store.MinuteClock), int64(before))
	} else {
		err = s.markPeriods(ctx, chunk.TouchedPeriods(grain, gone), version)
	}
	return len(gone), err
}

// Sizes tells how many bytes each kind of content takes; other is the rest of the pages in use: indexes, values, letters,
// versions and what pages waste.
func (s *Store) Sizes(ctx context.Context) ([]store.Size, error) {
	var sizes []store.Size
	if err := s.own.with(ctx, func(t *session) (err error) { sizes, err = t.sizes(ctx); return err }); err != nil {
		return nil, fmt.Errorf("measure the store: %w", err)
	}
	return sizes, nil
}

func (s *session) sizes(ctx context.Context) (sizes []store.Size, err error) {
	const query = `SELECT kind, CASE kind WHEN 3 THEN b ELSE a END AS sort, count(*), sum(length(data) + length(masks)) FROM chunks GROUP BY kind, sort`
	listed := int64(0)
	add := func(z store.Size) {
		sizes, listed = append(sizes, z), listed+z.Bytes
	}
	err = s.each(ctx, func(scan func(...any) error) error {
		var kind [2]int64
		var z store.Size
		err := scan(&kind[0], &kind[1], &z.Chunks, &z.Bytes)
		z.Name = chunk.SizeName(kind[0], kind[1])
		add(z)
		return err
	}, query)
	if err != nil {
		return nil, err
	}
	for table, bytes := range map[string]int64{"ledger": ledgerRowBytes, "history": historyRowBytes} {
		z := store.Size{Name: table}
		if _, err := s.one(ctx, []any{&z.Chunks}, "SELECT count(*) FROM "+table); err != nil {
			return nil, err
		}
		z.Bytes = z.Chunks * bytes
		add(z)
	}
	var used int64
	if _, err := s.one(ctx, []any{&used}, `SELECT (page_count - freelist_count) * page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`); err != nil {
		return nil, err
	}
	return append(sizes, store.Size{Name: "other", Chunks: 1, Bytes: max(used-listed, 0)}), nil
}

// Of a row as SQLite packs it, about.
const (
	ledgerRowBytes  = 48
	historyRowBytes = 100
)
