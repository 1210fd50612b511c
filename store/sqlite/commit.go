package sqlite

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
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
	cells, sets := encode(c)
	return s.writer.transact(ctx, func(ctx context.Context, t *session) error {
		steps := []struct {
			name string
			run  func() error
		}{
			{StepFenced, func() error { return t.fence(ctx, c) }},
			{StepCells, func() error { return t.insertChunks(ctx, cells) }},
			{StepSets, func() error { return t.insertChunks(ctx, sets) }},
			{StepState, func() error { return t.insertState(ctx, c) }},
			{StepLedger, func() error { return t.addLedger(ctx, c) }},
			{StepLetters, func() error { return t.insertCommitLetters(ctx, c) }},
			{StepVersions, func() error { return t.raiseVersions(ctx, c, cells, sets) }},
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
	full := map[store.StateKey]int{} // how many chunks of the key are full
	total := 0
	for i := range c.Shards {
		total += len(c.Shards[i].State)
		for _, st := range c.Shards[i].State {
			if !st.Full {
				continue
			}
			if full[st.Key]++; full[st.Key] > 1 {
				continue
			}
			k := stateKey(st.Key)
			if _, err := s.exec(ctx, replace, k.kind, k.a, k.b, k.c); err != nil {
				return err
			}
		}
	}
	list := make([]chunk, 0, total)
	for i := range c.Shards {
		for _, st := range c.Shards[i].State {
			if st.Full {
				full[st.Key]--
			}
			if full[st.Key] == 0 { // none that follows replaces it
				list = append(list, chunk{key: stateKey(st.Key), data: st.Data})
			}
		}
	}
	return s.insertChunks(ctx, list)
}

var upsertPeriods = values{"INSERT INTO periods (clock, period, version) VALUES ", "(?, ?, ?)",
	" ON CONFLICT DO UPDATE SET version = excluded.version"}

// raiseVersions counts the commit and marks the periods it touched.
func (s *session) raiseVersions(ctx context.Context, c *store.Commit, cells, sets []chunk) error {
	const query = "UPDATE head SET version = version + 1, revision = revision + 1, committed = ? RETURNING version"
	var version int64
	if _, err := s.one(ctx, []any{&version}, query, c.At); err != nil {
		return err
	}
	t := touched{}
	t.chunks(cells)
	t.chunks(sets)
	t.ledger(c)
	t.users(c)
	return s.markPeriods(ctx, t, version)
}

func (s *session) markPeriods(ctx context.Context, t touched, version int64) error {
	keys := slices.Collect(maps.Keys(t))
	return s.execValues(ctx, &upsertPeriods, len(keys), func(args []any, i int) []any {
		return append(args, int64(keys[i].clock), int64(keys[i].period), version)
	})
}

// touched is a set of periods.
type touched map[touchedPeriod]bool

type touchedPeriod struct {
	clock  store.Clock
	period block.Period
}

func (t touched) chunks(list []chunk) {
	for i := range list {
		t[touchedPeriod{store.ClockOf(rollcall.Grain(list[i].key.a)), block.Period(list[i].key.c)}] = true
	}
}

func (t touched) users(c *store.Commit) {
	for i := range c.Shards {
		for _, chunk := range c.Shards[i].State {
			if k := chunk.Key; k.Kind == store.Users {
				t[touchedPeriod{store.UsersClock, store.UsersPeriod(k.Shard, k.Part)}] = true
			}
		}
	}
}

func (t touched) ledger(c *store.Commit) {
	for i := range c.Shards {
		for _, row := range c.Shards[i].Ledger {
			t[touchedPeriod{store.LedgerClock, store.LedgerDay(row.Hour)}] = true
		}
	}
}
