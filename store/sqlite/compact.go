package sqlite

import (
	"context"
	"errors"
	"fmt"

	"rollcall/store"
	"rollcall/store/chunk"
)

const (
	compactBytes = 4 << 20 // of merged chunks that one transaction of a compaction replaces, about
	vacuumPages  = 512     // that one transaction gives back
)

// Compact merges chunks. With all set every key ends with one chunk, but for what is committed meanwhile, and the file
// gives back the pages that are free; otherwise every key ends with fewer than eight chunks of a level, and the number of
// levels is the logarithm of the number of chunks committed.
func (s *Store) Compact(ctx context.Context, all bool, merge store.MergeState) (store.CompactStats, error) {
	s.compact.Lock()
	defer s.compact.Unlock()
	c := compaction{store: s, merge: merge}
	err := c.run(ctx, all)
	if err != nil {
		err = fmt.Errorf("compact: %w", err)
	}
	return c.stats, err
}

type compaction struct {
	store   *Store
	merge   store.MergeState
	stats   store.CompactStats
	pending []replacement
	bytes   int // of pending
}

// run is what the chunks of a key whose level lies between low and high are.
type run struct {
	key       chunk.Key
	low, high int64
}

// replacement is the merge of the n chunks of a run whose id is at most last; nil data for nothing.
type replacement struct {
	run
	n    int
	last int64
	read int
	chunk.Merged
}

func (c *compaction) run(ctx context.Context, all bool) error {
	for {
		runs, err := c.find(ctx, all)
		if err != nil {
			return err
		}
		for _, r := range runs {
			if err := c.add(ctx, r); err != nil {
				return fmt.Errorf("%v: %w", r.key, err)
			}
		}
		if err := c.replace(ctx); err != nil {
			return err
		}
		if all {
			return c.store.reclaim(ctx)
		}
		if len(runs) == 0 {
			return nil
		}
	}
}

// find lists what there is to merge.
func (c *compaction) find(ctx context.Context, all bool) ([]run, error) {
	query, least := "SELECT kind, a, b, c, level, level FROM chunks GROUP BY kind, a, b, c, level HAVING count(*) >= ?", chunk.LevelChunks
	if all {
		query, least = "SELECT kind, a, b, c, min(level), max(level) FROM chunks GROUP BY kind, a, b, c HAVING count(*) >= ?", 2
	}
	var runs []run
	err := c.store.own.with(ctx, func(s *session) error {
		return s.each(ctx, func(scan func(...any) error) error {
			var r run
			err := scan(&r.key.Kind, &r.key.A, &r.key.B, &r.key.C, &r.low, &r.high)
			runs = append(runs, r)
			return err
		}, query, least)
	})
	return runs, err
}

// add reads and merges a run; it is replaced in the transaction of the runs before it, or the next.
func (c *compaction) add(ctx context.Context, r run) error {
	var list []chunk.Chunk
	err := c.store.own.with(ctx, func(s *session) (err error) {
		list, err = s.chunksOf(ctx, r.key, r.low, r.high)
		return err
	})
	if err != nil || len(list) < 2 {
		return err
	}
	p := replacement{run: r, n: len(list)}
	for i := range list {
		p.last, p.read = max(p.last, list[i].ID), p.read+list[i].Size()
	}
	if p.Merged, err = chunk.Merge(list, c.merge); err != nil {
		return err
	}
	c.pending, c.bytes = append(c.pending, p), c.bytes+p.read
	if c.bytes < compactBytes {
		return nil
	}
	return c.replace(ctx)
}

// replace puts the merges in the place of what they were made of, in one transaction. A key that was deleted or replaced
// meanwhile is left as it is; chunks added meanwhile are younger than the merge and stay.
func (c *compaction) replace(ctx context.Context) error {
	if len(c.pending) == 0 {
		return nil
	}
	stats := c.stats
	err := c.store.writer.transact(ctx, func(ctx context.Context, t *session) error {
		for i := range c.pending {
			if err := t.replace(ctx, &c.pending[i], &stats); err != nil {
				return fmt.Errorf("%v: %w", c.pending[i].key, err)
			}
		}
		return nil
	})
	if err == nil {
		c.stats = stats
	}
	c.pending, c.bytes = c.pending[:0], 0
	return err
}

func (s *session) replace(ctx context.Context, p *replacement, stats *store.CompactStats) error {
	const query = "DELETE FROM chunks WHERE kind = ? AND a = ? AND b = ? AND c = ? AND level BETWEEN ? AND ? AND id <= ?"
	done, err := s.exec(ctx, query, p.key.Kind, p.key.A, p.key.B, p.key.C, p.low, p.high, p.last)
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	switch {
	case err != nil:
		return err
	case n == 0:
		return nil
	case n != int64(p.n):
		return errors.New("its chunks changed during their merge")
	}
	stats.Keys++
	stats.Chunks += p.n
	stats.BytesRead += int64(p.read)
	stats.BytesKept += int64(len(p.Data) + len(p.Masks))
	if p.Data == nil {
		return nil
	}
	return s.insertChunks(ctx, []chunk.Chunk{{Key: p.key, Level: p.high + 1, Data: p.Data, Masks: p.Masks}})
}

// reclaim gives the free pages back to the file system, some in each transaction.
func (s *Store) reclaim(ctx context.Context) error {
	for free := int64(1); free > 0; {
		err := s.writer.transact(ctx, func(ctx context.Context, t *session) error {
			if _, err := t.exec(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages)); err != nil {
				return err
			}
			_, err := t.one(ctx, []any{&free}, "PRAGMA freelist_count")
			return err
		})
		if err != nil {
			return fmt.Errorf("give back free pages: %w", err)
		}
	}
	return s.writer.alone(ctx, func(ctx context.Context, t *session) error {
		_, err := t.exec(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
		return err
	})
}
