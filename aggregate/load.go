package aggregate

import (
	"context"
	"fmt"
	"slices"

	"rollcall"
	"rollcall/block"
	"rollcall/fold"
	"rollcall/record"
	"rollcall/store"
)

// headPart is the part of kind IDs that holds the head of a snapshot.
const headPart = -1

// load brings in the state that the fold asks for.
func (w *worker) load(ctx context.Context, n fold.Need) error {
	switch n.Missing {
	case fold.MissingDay:
		if err := w.a.persist(ctx, func(ctx context.Context) error { return w.a.values.loadDay(ctx, n.Day) }); err != nil {
			return err
		}
		sets, err := w.sets(ctx, rollcall.Day, block.Period(n.Day))
		if err != nil {
			return err
		}
		w.fold.LoadDay(n.Day, sets)
	case fold.MissingHour:
		sets, err := w.sets(ctx, rollcall.Minute, block.Period(n.Hour))
		if err != nil {
			return err
		}
		w.fold.LoadHour(n.Hour, sets)
	case fold.MissingPart:
		chunks, err := w.chunks(ctx, store.Sessions, n.Part)
		if err != nil {
			return err
		}
		return w.fold.LoadSessions(n.Part, chunks)
	}
	return nil
}

func (w *worker) sets(ctx context.Context, g rollcall.Grain, p block.Period) (sets *block.Sets, err error) {
	err = w.a.persist(ctx, func(ctx context.Context) error {
		v, err := w.a.deps.Store.View(ctx)
		if err != nil {
			return fmt.Errorf("load user sets: %w", err)
		}
		defer func() { _ = v.Close() }()
		found, err := v.Sets(ctx, g, w.shard, p, p+1, true)
		if err == nil && len(found) > 0 {
			sets, err = found[0].Sets()
		}
		return err
	})
	return sets, err
}

func (w *worker) chunks(ctx context.Context, kind store.StateKind, part int64) (data [][]byte, err error) {
	err = w.a.persist(ctx, func(ctx context.Context) error {
		chunks, err := w.a.deps.Store.State(ctx, store.StateKey{Shard: w.shard, Kind: kind, Part: part})
		if err != nil {
			return fmt.Errorf("load state: %w", err)
		}
		for _, c := range chunks {
			data = append(data, c.Data)
		}
		return nil
	})
	return data, err
}

// recover takes the shard over, loads its state and replays the log from the snapshot to the committed offset.
func (w *worker) recover(ctx context.Context) error {
	var pos store.Position
	err := w.a.persist(ctx, func(ctx context.Context) (err error) {
		pos, err = w.a.deps.Store.Acquire(ctx, w.shard)
		return err
	})
	if err != nil {
		return fmt.Errorf("acquire shard %d: %w", w.shard, err)
	}
	if err := w.a.persist(ctx, w.a.values.refresh); err != nil {
		return err
	}
	if err := w.restore(ctx, pos); err != nil {
		return fmt.Errorf("recover shard %d: %w", w.shard, err)
	}
	w.epoch, w.committed, w.snapshot, w.next = pos.Epoch, pos, pos.Snapshot, pos.Snapshot
	if err := w.replay(ctx, pos.Offset); err != nil {
		return fmt.Errorf("replay shard %d: %w", w.shard, err)
	}
	w.next, w.cutAt, w.received = pos.Offset, pos.Offset, pos.Received
	w.fold.Restore(fold.Counts{Accepted: pos.Accepted, Duplicates: pos.Duplicates, Late: pos.Late, MaxTime: pos.MaxTime})
	w.fresh = 0
	return w.newLimits(ctx)
}

// newLimits looks whether settings were changed that tell in which grains events count, and which are late.
func (w *worker) newLimits(ctx context.Context) error {
	c := &w.a.cfg
	limits := record.Limits{From: w.next, At: w.a.deps.Now().UnixMilli(), Minute: c.MinuteRetention.Milliseconds(), Hour: c.HourRetention.Milliseconds(),
		Late: c.LateHorizon.Milliseconds()}
	chunks, err := w.chunks(ctx, store.Limits, 0)
	if err != nil {
		return err
	}
	before, err := record.ReadLimits(slices.Concat(chunks...))
	if err != nil {
		return fmt.Errorf("settings that shard %d was folded with: %w", w.shard, err)
	}
	if len(before) == 0 || !before[len(before)-1].Same(limits) {
		w.limits = &limits
	}
	return nil
}

// restore loads the dictionary as of the commit and the rest as of the snapshot.
func (w *worker) restore(ctx context.Context, pos store.Position) error {
	users, err := w.chunks(ctx, store.Users, 0)
	if err != nil {
		return err
	}
	key, err := shardKey(users)
	if err != nil {
		return err
	}
	w.fold = fold.New(w.a.foldConfig(w), key)
	for part := int64(0); part <= fold.UserPart(uint32(pos.Users)); part++ {
		if part > 0 {
			if users, err = w.chunks(ctx, store.Users, part); err != nil {
				return err
			}
		}
		if err := w.fold.LoadUsers(users); err != nil {
			return err
		}
	}
	w.fold.ExpectIDs(pos.Accepted)
	for part := int64(0); part <= fold.KeyPart(uint32(pos.Users)); part++ {
		ids, err := w.chunks(ctx, store.IDs, part)
		if err != nil {
			return err
		}
		if err := w.fold.LoadIDs(part, ids); err != nil {
			return err
		}
		names, err := w.chunks(ctx, store.SessionIDs, part)
		if err != nil {
			return err
		}
		if err := w.fold.LoadSessionIDs(part, names); err != nil {
			return err
		}
	}
	head, err := w.chunks(ctx, store.IDs, headPart)
	if err != nil || len(head) == 0 {
		return err
	}
	return w.fold.LoadHead(head[len(head)-1])
}

// replay folds records that are committed already, to bring sessions and ids from the snapshot to the commit.
func (w *worker) replay(ctx context.Context, until rollcall.Offset) error {
	w.replaying = true
	defer func() { w.replaying = false }()
	f := &fetched{}
	for w.next < until {
		if err := w.read(ctx, f, w.next, until); err != nil {
			return err
		}
		for i := range f.records {
			if f.records[i].Offset >= until {
				return fmt.Errorf("the log has no record that ends at the committed offset %d: it is not the log this store was made from", until)
			}
			if f.records[i].Count > 0 && !f.records[i].Foreign {
				if err := w.foldBatch(ctx, f.batches[i]); err != nil {
					return err
				}
				w.fold.Discard()
			}
			if w.next = f.records[i].Next; w.next == until {
				return nil
			}
		}
	}
	return nil
}
