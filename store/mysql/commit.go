package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rollcall"
	"rollcall/store"
	"rollcall/store/chunk"
)

// Commit applies one commit in one transaction: eleven statements for one that adds to everything and fits in them, whatever
// the number of shards, and one or two more where it replaces state. Blocks are merged and encoded before it begins. When the connection breaks at the end the outcome is unknown: the same commit, repeated, is
// applied, or fails with a FencedError whose Stored position is its own.
func (s *Store) Commit(ctx context.Context, c *store.Commit) error {
	if err := s.commit(ctx, c); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	s.stats.commits.Add(1)
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
	replaced, state := chunk.State(c)
	ledger, letters, base := ledgerRows(c), commitLetters(c), s.base.rows(encoded)
	touched, changes := chunk.TouchedBy(c, encoded), chunk.History(c, rollcall.Full(len(s.config.Dimensions)))
	chunks := slices.Concat(encoded.Cells, encoded.Sets, state)
	return s.transact(ctx, func(t *session) error {
		steps := []struct {
			name string
			run  func() error
		}{
			{StepFenced, func() error { return t.fence(ctx, c) }},
			{StepState, func() error { return t.deleteState(ctx, replaced) }},
			{StepCells, func() error { return t.insertChunks(ctx, chunks) }},
			{StepLedger, func() error { return t.addLedger(ctx, ledger) }},
			{StepLetters, func() error { return t.insertLetters(ctx, letters) }},
			// From here on rows are held that other processes' commits want, too.
			{StepBase, func() error { return t.addBase(ctx, s.base, base, c.At) }},
			{StepVersions, func() error { return t.raiseVersions(ctx, c.At, touched, changes) }},
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

var moveShards = values{"INSERT INTO ~shards (shard, epoch, next_offset, snapshot, received, accepted, duplicates, late, max_time, users) VALUES ",
	"(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ` ON DUPLICATE KEY UPDATE next_offset = VALUES(next_offset), snapshot = VALUES(snapshot), received = VALUES(received),
	accepted = VALUES(accepted), duplicates = VALUES(duplicates), late = VALUES(late), max_time = VALUES(max_time), users = VALUES(users)`}

// fence locks the rows of the shards, waiting for a transaction that holds one, compares them with what the committer
// believes, and moves them on.
func (s *session) fence(ctx context.Context, c *store.Commit) error {
	var shards []any
	for i := range c.Shards {
		shards = append(shards, s.shard(c.Shards[i].To.Shard))
	}
	if len(shards) == 0 {
		return nil
	}
	stored, err := s.positions(ctx, " WHERE shard IN ("+repeat("?", len(shards), ", ")+") ORDER BY shard FOR UPDATE", shards...)
	if err != nil {
		return err
	}
	moved := make([]store.Position, len(c.Shards))
	for i := range c.Shards {
		if moved[i], err = move(&c.Shards[i], stored); errors.Is(err, errNoShard) {
			return s.retired()
		}
		if err != nil {
			return err
		}
	}
	return s.execValues(ctx, &moveShards, len(moved), func(args []any, i int) []any {
		p := &moved[i]
		return append(args, s.shard(p.Shard), int64(p.Epoch), int64(p.Offset), int64(p.Snapshot), p.Received, p.Accepted, p.Duplicates, p.Late, p.MaxTime, p.Users)
	})
}

// errNoShard tells that a row is not there under its key: Open has seen that it exists.
var errNoShard = errors.New("the shard is not there")

// move gives the position of a shard after its part of the commit, or a FencedError.
func move(sc *store.ShardCommit, stored []store.Position) (store.Position, error) {
	at := slices.IndexFunc(stored, func(p store.Position) bool { return p.Shard == sc.To.Shard })
	if at < 0 {
		return store.Position{}, errNoShard
	}
	to := sc.To
	if !sc.Snapshot {
		to.Snapshot = stored[at].Snapshot
	}
	if stored[at].Epoch != to.Epoch || stored[at].Offset != sc.From {
		want := sc.To
		want.Offset = sc.From
		return to, &store.FencedError{Shard: to.Shard, Want: want, Stored: stored[at]}
	}
	stored[at] = to // a second part of the same shard goes on from here
	return to, nil
}

var upsertPeriods = values{"INSERT INTO ~periods (clock, period, version) VALUES ", "(?, ?, ?)", " ON DUPLICATE KEY UPDATE version = VALUES(version)"}

// raiseVersions counts the commit, marks the periods it touched and writes what it did into the history. It locks the row
// that all commits share, which gives them their order.
func (s *session) raiseVersions(ctx context.Context, at int64, touched []chunk.Touched, changes []store.Change) error {
	const query = "UPDATE ~head SET version = LAST_INSERT_ID(version + 1), revision = revision + 1, committed = ? WHERE build = ?"
	version, err := s.markPeriods(ctx, touched, query, at, s.head())
	if err != nil {
		return err
	}
	return s.addHistory(ctx, changes, version)
}

// markPeriods runs the statement that gives a new version, and gives it to the periods.
func (s *session) markPeriods(ctx context.Context, touched []chunk.Touched, query string, args ...any) (version int64, err error) {
	done, err := s.exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	if err := s.mustTouch(done); err != nil {
		return 0, err
	}
	if version, err = done.LastInsertId(); err != nil {
		return 0, err
	}
	return version, s.execValues(ctx, &upsertPeriods, len(touched), func(args []any, i int) []any {
		return append(args, int64(touched[i].Clock), int64(touched[i].Period), version)
	})
}
