package verify

import (
	"context"
	"errors"
	"math"
	"slices"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// errMoved tells that a period was committed to since the head was read.
var errMoved = errors.New("committed to while it was verified")

// figures is what is compared of a state of the store: of a view.
type figures interface {
	Head() *store.Head
	Cells(ctx context.Context, grain rollcall.Grain, cuboid rollcall.Cuboid, from, until block.Period) ([]*block.Cells, error)
	Sets(ctx context.Context, grain rollcall.Grain, shard int, from, until block.Period, masks bool) ([]*block.Packed, error)
	Ledger(ctx context.Context, from, until int64, dropped bool) ([]store.LedgerRow, error)
	State(ctx context.Context, key store.StateKey) ([]store.StateChunk, error)
	States(ctx context.Context, from store.StateKey, until int64) ([]store.StateChunk, error)
	Close() error
}

// brief is a state of the store that holds no transaction open: the head and the ledger are read at once, blocks when they are asked
// for, and only if their period is as it was. What a verification over hours would keep the store from tidying up is so let go of.
type brief struct {
	store  store.Viewer
	head   *store.Head
	ledger []store.LedgerRow
}

func newBrief(ctx context.Context, s store.Viewer) (*brief, error) {
	b := &brief{store: s}
	view, err := s.View(ctx)
	if err != nil {
		return nil, err
	}
	b.head = view.Head()
	b.ledger, err = view.Ledger(ctx, math.MinInt64, math.MaxInt64, false)
	return b, errors.Join(err, view.Close())
}

func (b *brief) Head() *store.Head { return b.head }

func (b *brief) Close() error { return nil }

// Ledger gives all rows, as of the head.
func (b *brief) Ledger(context.Context, int64, int64, bool) ([]store.LedgerRow, error) {
	return b.ledger, nil
}

// within reads from a view of its own.
func (b *brief) within(ctx context.Context, read func(store.View) error) error {
	view, err := b.store.View(ctx)
	if err != nil {
		return err
	}
	if h := view.Head(); h.Build != b.head.Build || h.Identity != b.head.Identity {
		return errors.Join(errors.New("another build was made active: verify again"), view.Close())
	}
	return errors.Join(read(view), view.Close())
}

// unmoved reads periods that are as the head has them.
func (b *brief) unmoved(ctx context.Context, c store.Clock, from, until block.Period, read func(store.View) error) error {
	return b.within(ctx, func(v store.View) error {
		if !slices.Equal(v.Head().Between(c, from, until), b.head.Between(c, from, until)) {
			return errMoved
		}
		return read(v)
	})
}

func (b *brief) Cells(ctx context.Context, grain rollcall.Grain, cuboid rollcall.Cuboid, from, until block.Period) (cells []*block.Cells, err error) {
	err = b.unmoved(ctx, store.ClockOf(grain), from, until, func(v store.View) (err error) {
		cells, err = v.Cells(ctx, grain, cuboid, from, until)
		return err
	})
	return cells, err
}

func (b *brief) Sets(ctx context.Context, grain rollcall.Grain, shard int, from, until block.Period, masks bool) (sets []*block.Packed, err error) {
	err = b.unmoved(ctx, store.ClockOf(grain), from, until, func(v store.View) (err error) {
		sets, err = v.Sets(ctx, grain, shard, from, until, masks)
		return err
	})
	return sets, err
}

// State may be that of a later commit: what is read of it only grows.
func (b *brief) State(ctx context.Context, key store.StateKey) (chunks []store.StateChunk, err error) {
	err = b.within(ctx, func(v store.View) (err error) {
		chunks, err = v.State(ctx, key)
		return err
	})
	return chunks, err
}

// States may be those of a later commit, as State.
func (b *brief) States(ctx context.Context, from store.StateKey, until int64) (chunks []store.StateChunk, err error) {
	err = b.within(ctx, func(v store.View) (err error) {
		chunks, err = v.States(ctx, from, until)
		return err
	})
	return chunks, err
}

// History is that of the head where nothing has been committed for the day since.
func (b *brief) History(ctx context.Context, day rollcall.Date) (h *store.History, err error) {
	err = b.unmoved(ctx, store.DayClock, block.Period(day), block.Period(day)+1, func(v store.View) (err error) {
		h, err = v.History(ctx, day)
		return err
	})
	return h, err
}
