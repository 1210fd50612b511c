package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"rollcall/store"
	"rollcall/store/chunk"
)

// headCache keeps the newest head seen, so that a view of an unchanged store costs one row, and one of a changed store
// reads what has changed. Views that load at the same time do not wait for each other.
type headCache struct{ last atomic.Pointer[snapshot] }

// snapshot is a head and what it is compared by. It does not change once it is made.
type snapshot struct {
	store.Head
	revision, expired int64
}

// of gives the head of the session's transaction.
func (c *headCache) of(ctx context.Context, s *session) (*store.Head, error) {
	now := &snapshot{}
	var identity, build int64
	found, err := s.one(ctx, []any{&identity, &build, &now.Version, &now.Committed, &now.revision, &now.expired},
		"SELECT identity, build, version, committed, revision, expired FROM ~head")
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("the database holds no store")
	}
	if build < 0 && !s.beside {
		return nil, s.retired()
	}
	now.Identity, now.Build = uint64(identity), uint32(max(build, -build))
	before := c.last.Load()
	switch {
	case before == nil, before.Identity != now.Identity, before.revision > now.revision: // or another view, begun later, was faster
		before = &snapshot{}
	case before.revision == now.revision:
		return &before.Head, nil
	}
	if err := now.load(ctx, s, before); err != nil {
		return nil, err
	}
	c.keep(now)
	return &now.Head, nil
}

// keep makes a head the one to compare with, unless a newer one is.
func (c *headCache) keep(now *snapshot) {
	for {
		last := c.last.Load()
		if last != nil && last.Identity == now.Identity && last.revision >= now.revision || c.last.CompareAndSwap(last, now) {
			return
		}
	}
}

func (n *snapshot) load(ctx context.Context, s *session, before *snapshot) (err error) {
	if n.Dimensions = before.Dimensions; n.Dimensions == nil {
		if n.Dimensions, err = s.dimensions(ctx); err != nil {
			return err
		}
	}
	if err := n.loadValues(ctx, s, before); err != nil {
		return err
	}
	if n.Shards, err = s.positions(ctx, " ORDER BY shard"); err != nil {
		return err
	}
	return n.loadStamps(ctx, s, before)
}

// loadValues reads the values that before does not have yet.
func (n *snapshot) loadValues(ctx context.Context, s *session, before *snapshot) error {
	n.Values = make([][]string, len(n.Dimensions))
	if len(n.Dimensions) == 0 {
		return nil
	}
	var args []any
	for dim := range n.Values {
		if len(before.Values) > 0 {
			n.Values[dim] = slices.Clip(before.Values[dim]) // so that append makes a copy when there is more
		}
		args = append(args, dim, len(n.Values[dim]))
	}
	return s.each(ctx, func(scan func(...any) error) error {
		var dim int
		var text []byte
		err := scan(&dim, &text)
		if err == nil {
			n.Values[dim] = append(n.Values[dim], string(text))
		}
		return err
	}, "SELECT dim, text FROM ~dimension_values WHERE "+repeat("dim = ? AND number >= ?", len(n.Values), " OR ")+" ORDER BY dim, number", args...)
}

// loadStamps reads the versions that are newer than before, or all when some have been deleted since.
func (n *snapshot) loadStamps(ctx context.Context, s *session, before *snapshot) error {
	since, old := before.Version, before.Stamps
	if before.expired != n.expired {
		since, old = 0, [store.NumClocks][]store.Stamp{}
	}
	var changed [store.NumClocks][]store.Stamp
	err := s.each(ctx, func(scan func(...any) error) error {
		var clock store.Clock
		var stamp store.Stamp
		err := scan(&clock, &stamp.Period, &stamp.Version)
		if err == nil && clock >= store.NumClocks {
			err = fmt.Errorf("period %d has the unknown clock %d", stamp.Period, clock)
		}
		if err == nil {
			changed[clock] = append(changed[clock], stamp)
		}
		return err
	}, "SELECT clock, period, version FROM ~periods WHERE version > ? ORDER BY period", since)
	for clock := range changed {
		n.Stamps[clock] = chunk.MergeStamps(old[clock], changed[clock])
	}
	return err
}
