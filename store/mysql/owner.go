package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"rollcall"
	"rollcall/store"
	"rollcall/store/chunk"
)

// Acquire raises the shard's epoch. Repeated after a failure of unknown outcome it raises it again.
func (s *Store) Acquire(ctx context.Context, shard int) (store.Position, error) {
	var pos store.Position
	err := s.checkShard(shard)
	if err == nil {
		err = s.transact(ctx, func(t *session) (err error) {
			if _, err := t.exec(ctx, "UPDATE ~shards SET epoch = epoch + 1 WHERE shard = ?", t.shard(shard)); err != nil {
				return err
			}
			positions, err := t.positions(ctx, " WHERE shard = ?", t.shard(shard))
			if err != nil {
				return err
			}
			if len(positions) != 1 {
				return t.retired()
			}
			pos = positions[0]
			return t.revise(ctx)
		})
	}
	if err != nil {
		return store.Position{}, fmt.Errorf("acquire shard %d: %w", shard, err)
	}
	return pos, nil
}

func (s *Store) checkShard(shard int) error {
	if shard < 0 || shard >= s.config.Shards {
		return fmt.Errorf("shard %d: the store has the shards 0 to %d", shard, s.config.Shards-1)
	}
	return nil
}

// revise tells views that the head shows something else. It locks the row that all commits share: it comes last.
func (s *session) revise(ctx context.Context) error {
	done, err := s.exec(ctx, "UPDATE ~head SET revision = revision + 1 WHERE build = ?", s.head())
	if err != nil {
		return err
	}
	return s.mustTouch(done)
}

// mustTouch fails when a change of the head found no row that the handle may write.
func (s *session) mustTouch(done sql.Result) error {
	if rows, err := done.RowsAffected(); err != nil || rows > 0 {
		return err
	}
	return s.retired()
}

// hold fails when the handle is retired, and keeps it from being so until the transaction ends. It comes last, as revise.
func (s *session) hold(ctx context.Context) error {
	return s.found(ctx, "SELECT build FROM ~head WHERE build = ? FOR UPDATE")
}

// check fails when the handle is retired.
func (s *session) check(ctx context.Context) error {
	return s.found(ctx, "SELECT build FROM ~head WHERE build = ?")
}

func (s *session) found(ctx context.Context, query string) error {
	var build int64
	found, err := s.one(ctx, []any{&build}, query, s.head())
	if err == nil && !found {
		return s.retired()
	}
	return err
}

// positions reads the shards that where asks for, by number.
func (s *session) positions(ctx context.Context, where string, args ...any) (list []store.Position, err error) {
	const query = "SELECT shard, epoch, next_offset, snapshot, received, accepted, duplicates, late, max_time, users FROM ~shards"
	err = s.each(ctx, func(scan func(...any) error) error {
		var p store.Position
		var epoch, next, snapshot int64 // the columns are signed
		err := scan(&p.Shard, &epoch, &next, &snapshot, &p.Received, &p.Accepted, &p.Duplicates, &p.Late, &p.MaxTime, &p.Users)
		p.Shard, p.Epoch, p.Offset, p.Snapshot = shardOf(p.Shard), uint64(epoch), rollcall.Offset(next), rollcall.Offset(snapshot)
		list = append(list, p)
		return err
	}, query+where, args...)
	slices.SortFunc(list, func(a, b store.Position) int { return a.Shard - b.Shard })
	return list, err
}

// State returns the chunks of a part of a shard's state, oldest first, as of the last commit.
func (s *Store) State(ctx context.Context, key store.StateKey) (chunks []store.StateChunk, err error) {
	err = s.with(ctx, func(t *session) error {
		chunks, err = t.state(ctx, key)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %v: %w", chunk.StateKey(key), err)
	}
	return chunks, nil
}
