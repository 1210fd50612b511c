package mysql

import (
	"context"
	"fmt"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
	"rollcall/store/chunk"
)

// expireBatch bounds the chunks that one transaction of Expire deletes.
const expireBatch = 256

// Expire deletes the cells and sets of a grain with period < before, and raises the versions of the periods. Beside a
// compaction it goes on until there is nothing that it sees.
func (s *Store) Expire(ctx context.Context, grain rollcall.Grain, before block.Period) error {
	for {
		found := 0
		err := s.transact(ctx, func(t *session) (err error) {
			found, err = t.expire(ctx, grain, before)
			return err
		})
		if err != nil {
			return fmt.Errorf("expire %v before %d: %w", grain, before, err)
		}
		if found == 0 {
			return nil
		}
	}
}

func (s *session) expire(ctx context.Context, grain rollcall.Grain, before block.Period) (found int, err error) {
	const query = "SELECT id, c FROM ~chunks WHERE kind IN (1, 2) AND a = ? AND c < ? LIMIT ?"
	var ids []any
	var periods []int64
	err = s.each(ctx, func(scan func(...any) error) error {
		var id, period int64
		err := scan(&id, &period)
		ids, periods = append(ids, id), append(periods, period)
		return err
	}, query, int64(grain), int64(before), expireBatch)
	if err != nil {
		return 0, err
	}
	if len(ids) == 0 {
		return 0, s.check(ctx)
	}
	if err := s.deleteChunks(ctx, ids); err != nil {
		return 0, err
	}
	if grain == rollcall.Day && len(ids) < expireBatch {
		if err := s.expireBase(ctx, before); err != nil {
			return 0, err
		}
	}
	const raise = "UPDATE ~head SET version = LAST_INSERT_ID(version + 1), revision = revision + 1, expired = revision + 1 WHERE build = ?"
	touched := chunk.TouchedPeriods(grain, periods)
	if grain == rollcall.Minute {
		touched = nil
	}
	if _, err := s.markPeriods(ctx, touched, raise, s.head()); err != nil {
		return 0, err
	}
	if grain == rollcall.Minute {
		_, err = s.exec(ctx, "DELETE FROM ~periods WHERE clock = ? AND period < ?", int64(store.MinuteClock), int64(before))
	}
	return len(ids), err
}

// Sizes tells how many bytes each kind of content takes; other is the rest, as far as the server's statistics know:
// indexes, rows, and what pages waste.
func (s *Store) Sizes(ctx context.Context) ([]store.Size, error) {
	var sizes []store.Size
	if err := s.with(ctx, func(t *session) (err error) { sizes, err = t.sizes(ctx); return err }); err != nil {
		return nil, fmt.Errorf("measure the store: %w", err)
	}
	return sizes, nil
}

func (s *session) sizes(ctx context.Context) (sizes []store.Size, err error) {
	const query = "SELECT kind, CASE kind WHEN 3 THEN b ELSE a END AS sort, COUNT(*), SUM(bytes) FROM ~chunks GROUP BY kind, sort"
	listed := int64(0)
	err = s.each(ctx, func(scan func(...any) error) error {
		var kind, sort int64
		var z store.Size
		err := scan(&kind, &sort, &z.Chunks, &z.Bytes)
		z.Name = chunk.SizeName(kind, sort)
		sizes, listed = append(sizes, z), listed+z.Bytes
		return err
	}, query)
	if err != nil {
		return nil, err
	}
	for table, bytes := range map[string]int64{"ledger": ledgerRowBytes, "history": historyRowBytes} {
		z := store.Size{Name: table}
		if _, err := s.one(ctx, []any{&z.Chunks}, "SELECT COUNT(*) FROM ~"+table); err != nil {
			return nil, err
		}
		z.Bytes = z.Chunks * bytes
		sizes, listed = append(sizes, z), listed+z.Bytes
	}
	var used int64
	if _, err := s.one(ctx, []any{&used}, `SELECT CAST(COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS SIGNED) FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP ?`, s.pattern()); err != nil {
		return nil, err
	}
	return append(sizes, store.Size{Name: "other", Chunks: 1, Bytes: max(used-listed, 0)}), nil
}

// Of a row as InnoDB keeps it, about.
const (
	ledgerRowBytes  = 100
	historyRowBytes = 190
)
