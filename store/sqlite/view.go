package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
	"rollcall/store/chunk"
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
	v.mu.Lock() // ctx may be done already, and closes the view then
	defer v.mu.Unlock()
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

func (v *view) chunks(ctx context.Context, from chunk.Key, until block.Period, masks bool) (list []chunk.Chunk, err error) {
	err = v.read(func(s *session) error {
		list, err = s.chunks(ctx, from, int64(until), masks)
		return err
	})
	return list, err
}

func (v *view) Cells(ctx context.Context, grain rollcall.Grain, cuboid rollcall.Cuboid, from, until block.Period) ([]*block.Cells, error) {
	key := block.CellKey{Grain: grain, Period: from, Cuboid: cuboid}
	list, err := v.chunks(ctx, chunk.CellsKey(key), until, false)
	if err != nil {
		return nil, fmt.Errorf("read from %v: %w", key, err)
	}
	return chunk.Cells(list)
}

func (v *view) Sets(ctx context.Context, grain rollcall.Grain, shard int, from, until block.Period, masks bool) ([]*block.Packed, error) {
	key := block.SetKey{Grain: grain, Period: from, Shard: shard}
	list, err := v.chunks(ctx, chunk.SetsKey(key), until, masks)
	if err != nil {
		return nil, fmt.Errorf("read from %v: %w", key, err)
	}
	return chunk.Sets(list)
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

func (v *view) States(ctx context.Context, from store.StateKey, until int64) ([]store.StateChunk, error) {
	list, err := v.chunks(ctx, chunk.StateKey(from), block.Period(until), false)
	if err != nil {
		return nil, fmt.Errorf("read from %v: %w", chunk.StateKey(from), err)
	}
	return chunk.States(list), nil
}
