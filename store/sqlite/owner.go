package sqlite

import (
	"context"
	"fmt"
	"math"

	"rollcall"
	"rollcall/store"
	"rollcall/store/chunk"
)

// Acquire raises the shard's epoch.
func (s *Store) Acquire(ctx context.Context, shard int) (store.Position, error) {
	var pos store.Position
	err := s.checkShard(shard)
	if err == nil {
		err = s.writer.transact(ctx, func(ctx context.Context, t *session) (err error) {
			if _, err := t.exec(ctx, "UPDATE shards SET epoch = epoch + 1 WHERE shard = ?", shard); err != nil {
				return err
			}
			if pos, err = t.position(ctx, shard); err != nil {
				return err
			}
			return t.revise(ctx)
		})
	}
	if err != nil {
		return store.Position{}, fmt.Errorf("acquire shard %d: %w", shard, err)
	}
	return pos, nil
}

// revise tells views that the head shows something else.
func (s *session) revise(ctx context.Context) error {
	_, err := s.exec(ctx, "UPDATE head SET revision = revision + 1")
	return err
}

const selectPositions = "SELECT shard, epoch, next_offset, snapshot, received, accepted, duplicates, late, max_time, users FROM shards"

func scanPosition(scan func(...any) error) (p store.Position, err error) {
	var epoch, next, snapshot int64 // the columns are signed
	err = scan(&p.Shard, &epoch, &next, &snapshot, &p.Received, &p.Accepted, &p.Duplicates, &p.Late, &p.MaxTime, &p.Users)
	p.Epoch, p.Offset, p.Snapshot = uint64(epoch), rollcall.Offset(next), rollcall.Offset(snapshot)
	return p, err
}

func (s *session) position(ctx context.Context, shard int) (p store.Position, err error) {
	err = s.each(ctx, func(scan func(...any) error) (err error) {
		p, err = scanPosition(scan)
		return err
	}, selectPositions+" WHERE shard = ?", shard)
	return p, err
}

// State returns the chunks of a part of a shard's state, oldest first, as of the last commit.
func (s *Store) State(ctx context.Context, key store.StateKey) ([]store.StateChunk, error) {
	return state(ctx, key, func(f func(*session) error) error { return s.own.with(ctx, f) })
}

// state reads the chunks of a part in a session that within gives.
func state(ctx context.Context, key store.StateKey, within func(func(*session) error) error) ([]store.StateChunk, error) {
	var list []chunk.Chunk
	err := within(func(t *session) (err error) {
		list, err = t.chunksOf(ctx, chunk.StateKey(key), 0, everyLevel)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %v: %w", chunk.StateKey(key), err)
	}
	return chunk.States(list), nil
}

// Intern gives each value its number in one transaction. Numbers of a dimension are given one after the other; the empty
// value has that of rollcall.NotSet.
func (s *Store) Intern(ctx context.Context, dim int, values []string) ([]rollcall.Value, error) {
	numbers := make([]rollcall.Value, len(values))
	err := s.writer.transact(ctx, func(ctx context.Context, t *session) error { return t.intern(ctx, dim, values, numbers) })
	if err != nil {
		return nil, fmt.Errorf("number %d values of dimension %d: %w", len(values), dim, err)
	}
	return numbers, nil
}

func (s *session) intern(ctx context.Context, dim int, values []string, numbers []rollcall.Value) error {
	var first int64
	found, err := s.one(ctx, []any{&first}, "SELECT next_number FROM dimensions WHERE dim = ?", dim)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("the store has no such dimension")
	}
	next := first
	for i, v := range values {
		if v == "" {
			v = rollcall.NotSet
		}
		found, err := s.one(ctx, []any{&numbers[i]}, "SELECT number FROM dimension_values WHERE dim = ? AND text = ?", dim, []byte(v))
		if err != nil {
			return err
		}
		if found {
			continue
		}
		if next > math.MaxUint32 {
			return fmt.Errorf("all %d numbers are given", next)
		}
		if _, err := s.exec(ctx, "INSERT INTO dimension_values VALUES (?, ?, ?)", dim, next, []byte(v)); err != nil {
			return err
		}
		numbers[i] = rollcall.Value(next)
		next++
	}
	if next == first {
		return nil
	}
	if _, err := s.exec(ctx, "UPDATE dimensions SET next_number = ? WHERE dim = ?", next, dim); err != nil {
		return err
	}
	return s.revise(ctx)
}
