package sqlite

import (
	"context"
	"fmt"

	"rollcall"
	"rollcall/store"
	"rollcall/store/chunk"
)

// Commit applies one commit in one transaction. Blocks are merged and encoded before it begins.
func (s *Store) Commit(ctx context.Context, c *store.Commit) error {
	if err := s.commit(ctx, c); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	s.config.Step(StepCommitted)
	return nil
}

func (s *Store) commit(ctx context.Context, c *store.Commit) error {
	for i := range c.Shards {
		if err := s.checkShard(c.Shards[i].To.Shard); err != nil {
			return err
		}
	}
	encoded := chunk.Encode(c)
	changes := chunk.History(c, rollcall.Full(len(s.config.Dimensions)))
	return s.writer.transact(ctx, func(ctx context.Context, t *session) error {
		steps := []struct {
			name string
			run  func() error
		}{
			{StepFenced, func() error { return t.fence(ctx, c) }},
			{StepCells, func() error { return t.insertChunks(ctx, encoded.Cells) }},
			{StepSets, func() error { return t.insertChunks(ctx, encoded.Sets) }},
			{StepState, func() error { return t.insertState(ctx, c) }},
			{StepLedger, func() error { return t.addLedger(ctx, c) }},
			{StepLetters, func() error { return t.insertCommitLetters(ctx, c) }},
			{StepVersions, func() error { return t.raiseVersions(ctx, c.At, chunk.TouchedBy(c, encoded), changes) }},
		}
		for _, step := range steps {
			if err := step.run(); err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
			s.config.Step(step.name)
		}
		return nil
	})
}

func (s *Store) checkShard(shard int) error {
	if shard < 0 || shard >= s.config.Shards {
		return fmt.Errorf("shard %d: the store has the shards 0 to %d", shard, s.config.Shards-1)
	}
	return nil
}

// fence moves each shard from where the committer believes it is to where it goes, or fails.
func (s *session) fence(ctx context.Context, c *store.Commit) error {
	const query = `UPDATE shards SET next_offset = ?, snapshot = CASE WHEN ? THEN ? ELSE snapshot END, received = ?,
		accepted = ?, duplicates = ?, late = ?, max_time = ?, users = ? WHERE shard = ? AND epoch = ? AND next_offset = ?`
	for i := range c.Shards {
		sc := &c.Shards[i]
		to := &sc.To
		done, err := s.exec(ctx, query, int64(to.Offset), sc.Snapshot, int64(to.Snapshot), to.Received, to.Accepted, to.Duplicates,
			to.Late, to.MaxTime, to.Users, to.Shard, int64(to.Epoch), int64(sc.From))
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 1 {
			if err != nil {
				return err
			}
			continue
		}
		stored, err := s.position(ctx, to.Shard)
		if err != nil {
			return err
		}
		want := *to
		want.Offset = sc.From
		return &store.FencedError{Shard: to.Shard, Want: want, Stored: stored}
	}
	return nil
}

// insertState appends the chunks of state; a full one first removes the earlier ones of its key, those of this commit
// included.
func (s *session) insertState(ctx context.Context, c *store.Commit) error {
	const replace = "DELETE FROM chunks WHERE kind = ? AND a = ? AND b = ? AND c = ?"
	replaced, added := chunk.State(c)
	for _, k := range replaced {
		if _, err := s.exec(ctx, replace, k.Kind, k.A, k.B, k.C); err != nil {
			return err
		}
	}
	return s.insertChunks(ctx, added)
}

var upsertPeriods = values{"INSERT INTO periods (clock, period, version) VALUES ", "(?, ?, ?)",
	" ON CONFLICT DO UPDATE SET version = excluded.version"}

// raiseVersions counts the commit, marks the periods it touched and writes what it did into the history.
func (s *session) raiseVersions(ctx context.Context, at int64, touched []chunk.Touched, changes []store.Change) error {
	const query = "UPDATE head SET version = version + 1, revision = revision + 1, committed = ? RETURNING version"
	var version int64
	if _, err := s.one(ctx, []any{&version}, query, at); err != nil {
		return err
	}
	if err := s.markPeriods(ctx, touched, version); err != nil {
		return err
	}
	return s.addHistory(ctx, changes, version)
}

func (s *session) markPeriods(ctx context.Context, touched []chunk.Touched, version int64) error {
	return s.execValues(ctx, &upsertPeriods, len(touched), func(args []any, i int) []any {
		return append(args, int64(touched[i].Clock), int64(touched[i].Period), version)
	})
}
