package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// View opens a view: a read transaction. At most 16 are open at a time; a further one waits. It ends with Close, or when
// ctx is done. It may be used by several goroutines; what they read is decoded in parallel.
func (r *Reader) View(ctx context.Context) (store.View, error) {
	s, err := r.views.take(ctx)
	if err != nil {
		return nil, fmt.Errorf("open view: %w", err)
	}
	v := &view{pool: r.views, session: s}
	if _, err = s.exec(ctx, "BEGIN"); err == nil {
		v.head, err = r.heads.of(ctx, s)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open view: %w", err), v.Close())
	}
	v.forget = context.AfterFunc(ctx, func() { _ = v.Close() })
	return v, nil
}

type view struct {
	pool    *pool
	head    *store.Head
	forget  func() bool // no longer close the view when its context is done
	mu      sync.Mutex
	session *session // nil once the view is closed
}

func (v *view) Head() *store.Head { return v.head }

func (v *view) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.session
	if s == nil {
		return nil
	}
	v.session = nil
	if v.forget != nil {
		v.forget()
	}
	if _, err := s.exec(context.Background(), "ROLLBACK"); err != nil {
		return errors.Join(err, v.pool.drop(s))
	}
	return v.pool.give(s)
}

var errViewClosed = errors.New("the view is closed, or its context is done")

func (v *view) read(f func(*session) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.session == nil {
		return errViewClosed
	}
	return f(v.session)
}

func (v *view) chunks(ctx context.Context, from chunkKey, until block.Period, masks bool) (list []chunk, err error) {
	err = v.read(func(s *session) error {
		list, err = s.chunks(ctx, from, int64(until), masks)
		return err
	})
	return list, err
}

func (v *view) Cells(ctx context.Context, grain rollcall.Grain, cuboid rollcall.Cuboid, from, until block.Period) ([]*block.Cells, error) {
	key := block.CellKey{Grain: grain, Period: from, Cuboid: cuboid}
	list, err := v.chunks(ctx, cellsKey(key), until, false)
	if err != nil {
		return nil, fmt.Errorf("read from %v: %w", key, err)
	}
	return mergeByKey(list, mergeCells, (*block.Cells).Len)
}

func (v *view) Sets(ctx context.Context, grain rollcall.Grain, shard int, from, until block.Period, masks bool) ([]*block.Packed, error) {
	key := block.SetKey{Grain: grain, Period: from, Shard: shard}
	list, err := v.chunks(ctx, setsKey(key), until, masks)
	if err != nil {
		return nil, fmt.Errorf("read from %v: %w", key, err)
	}
	return mergeByKey(list, openSets, (*block.Packed).Len)
}

// mergeByKey gives a block for each key that has rows. Keys are merged beside each other.
func mergeByKey[B any](list []chunk, merge func([]chunk) (B, error), size func(B) int) ([]B, error) {
	var keys [][]chunk
	err := byKey(list, func(chunks []chunk) error { keys = append(keys, chunks); return nil })
	if err != nil {
		return nil, err
	}
	merged := make([]B, len(keys))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, chunks := range keys {
		g.Go(func() (err error) {
			merged[i], err = merge(chunks)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(merged, func(b B) bool { return size(b) == 0 }), nil
}

func (v *view) Ledger(ctx context.Context, from, until int64, dropped bool) (rows []store.LedgerRow, err error) {
	err = v.read(func(s *session) error {
		rows, err = s.ledger(ctx, from, until, dropped)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger [%d,%d): %w", from, until, err)
	}
	return rows, nil
}

func (v *view) State(ctx context.Context, key store.StateKey) ([]store.StateChunk, error) {
	return state(ctx, key, v.read)
}
