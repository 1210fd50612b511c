package mysql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"rollcall/store"
	"rollcall/store/chunk"
)

const (
	compactBytes = 4 << 20 // of merged chunks that one transaction of a compaction replaces, about
)

// Compact merges chunks. With all set every key ends with one chunk, but for what is committed meanwhile; otherwise every
// key ends with fewer than eight chunks of a level, and the number of levels is the logarithm of the number of chunks
// committed. Chunks are not merged beyond half of the server's max_allowed_packet. While another process compacts the
// store it returns at once, with nothing done.
func (s *Store) Compact(ctx context.Context, all bool, merge store.MergeState) (store.CompactStats, error) {
	c := compaction{store: s, merge: merge, all: all, limit: s.maxPacket / 2, clean: true}
	err := c.compact(ctx)
	if err != nil {
		err = fmt.Errorf("compact: %w", err)
	}
	return c.stats, err
}

type compaction struct {
	store   *Store
	session *session // holds the lock
	clean   bool
	merge   store.MergeState
	all     bool
	limit   int // bytes that are merged into one chunk, at most
	stats   store.CompactStats
	pending []replacement
	bytes   int // of pending
}

// run is what the chunks of a key whose level lies between low and high are.
type run struct {
	key       chunk.Key
	low, high int64
}

// replacement is the merge of the chunks of a run with these ids.
type replacement struct {
	run
	ids  []int64
	read int
	chunk.Merged
}

func (c *compaction) compact(ctx context.Context) (err error) {
	if c.session, err = take(ctx, c.store.own, c.store.stats, c.store.tables); err != nil {
		return err
	}
	err = c.session.locked(ctx, c.session.in("~compact"), 0, func() error { return c.rounds(ctx) })
	if errors.Is(err, errLocked) {
		err = nil
	}
	c.session.end(c.clean && err == nil)
	return err
}

// rounds looks for work until there is none, or none of it can be done.
func (c *compaction) rounds(ctx context.Context) error {
	if err := c.session.check(ctx); err != nil {
		return err
	}
	for {
		before := c.stats.Keys
		runs, err := c.find(ctx)
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
		if c.all || c.stats.Keys == before {
			return nil
		}
	}
}

// find lists what there is to merge, from the index alone.
func (c *compaction) find(ctx context.Context) ([]run, error) {
	query, least := "SELECT kind, a, b, c, level, level FROM ~chunks GROUP BY kind, a, b, c, level HAVING COUNT(*) >= ?", chunk.LevelChunks
	if c.all {
		query, least = "SELECT kind, a, b, c, MIN(level), MAX(level) FROM ~chunks GROUP BY kind, a, b, c HAVING COUNT(*) >= ?", 2
	}
	var runs []run
	err := c.session.each(ctx, func(scan func(...any) error) error {
		var r run
		err := scan(&r.key.Kind, &r.key.A, &r.key.B, &r.key.C, &r.low, &r.high)
		runs = append(runs, r)
		return err
	}, query, least)
	return runs, err
}

// add reads and merges a run; it is replaced in the transaction of the runs before it, or the next.
func (c *compaction) add(ctx context.Context, r run) error {
	list, err := c.session.chunksOf(ctx, r.key, r.low, r.high)
	if err != nil {
		return err
	}
	p := replacement{run: r}
	for i := range list {
		if p.read += list[i].Size(); p.read > c.limit {
			p.read -= list[i].Size()
			list = list[:i] // the oldest: what is younger stays so
			break
		}
		p.ids = append(p.ids, list[i].ID)
	}
	if len(list) < 2 {
		return nil
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
func (c *compaction) replace(ctx context.Context) (err error) {
	if len(c.pending) == 0 {
		return nil
	}
	var done []replacement
	c.clean, err = c.store.repeat(ctx, c.session, func(t *session) (err error) {
		done, err = t.replace(ctx, c.pending)
		return err
	})
	c.pending, c.bytes = c.pending[:0], 0
	if err != nil {
		return err
	}
	for i := range done {
		c.stats.Keys++
		c.stats.Chunks += len(done[i].ids)
		c.stats.BytesRead += int64(done[i].read)
		c.stats.BytesKept += int64(len(done[i].Data) + len(done[i].Masks))
	}
	return nil
}

// replace gives those of the replacements whose chunks are all there.
func (s *session) replace(ctx context.Context, pending []replacement) (done []replacement, err error) {
	if err := s.lockShards(ctx, pending); err != nil {
		return nil, err
	}
	present, err := s.lockChunks(ctx, pending)
	if err != nil {
		return nil, err
	}
	var gone []any
	var added []chunk.Chunk
	for _, p := range pending {
		if slices.ContainsFunc(p.ids, func(id int64) bool { return !present[id] }) {
			continue
		}
		done = append(done, p)
		for _, id := range p.ids {
			gone = append(gone, id)
		}
		if p.Data != nil {
			added = append(added, chunk.Chunk{Key: p.key, Level: p.high + 1, Data: p.Data, Masks: p.Masks})
		}
	}
	if err := s.deleteChunks(ctx, gone); err != nil {
		return nil, err
	}
	return done, s.insertChunks(ctx, added)
}

// lockShards keeps the commits of the shards whose state is merged out: a commit that replaces a part of state deletes the
// chunks it sees, and must see the merge or what it was made of.
func (s *session) lockShards(ctx context.Context, pending []replacement) error {
	shards := map[int64]bool{}
	for _, p := range pending {
		if p.key.Kind == chunk.KindState {
			shards[p.key.A] = true
		}
	}
	if len(shards) == 0 {
		return nil
	}
	var args []any
	for _, shard := range slices.Sorted(maps.Keys(shards)) {
		args = append(args, s.shard(int(shard)))
	}
	held, err := s.positions(ctx, " WHERE shard IN ("+repeat("?", len(args), ", ")+") ORDER BY shard FOR UPDATE", args...)
	if err == nil && len(held) < len(args) {
		return s.retired()
	}
	return err
}

// lockChunks tells which of the chunks are still there, and holds them.
func (s *session) lockChunks(ctx context.Context, pending []replacement) (map[int64]bool, error) {
	var ids []any
	for _, p := range pending {
		for _, id := range p.ids {
			ids = append(ids, id)
		}
	}
	present := make(map[int64]bool, len(ids))
	for some := range slices.Chunk(ids, idsOfStatement) {
		err := s.each(ctx, func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			present[id] = true
			return err
		}, "SELECT id FROM ~chunks WHERE id IN ("+repeat("?", len(some), ", ")+") ORDER BY id FOR UPDATE", some...)
		if err != nil {
			return nil, err
		}
	}
	return present, nil
}
