package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"rollcall/store"
	"rollcall/store/chunk"
)

// headCache keeps the newest head seen, so that a view of an unchanged store costs one small query, and one of a changed
// store reads what has changed.
type headCache struct {
	mu   sync.Mutex
	last *snapshot
}

// snapshot is a head and what it is compared by. It does not change once it is made.
type snapshot struct {
	store.Head
	revision, expired int64
}

// of gives the head of the session's transaction.
func (c *headCache) of(ctx context.Context, s *session) (*store.Head, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := &snapshot{}
	var identity int64
	found, err := s.one(ctx, []any{&identity, &now.Build, &now.Version, &now.Committed, &now.revision, &now.expired},
		"SELECT identity, build, version, committed, revision, expired FROM head")
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("the file holds no store")
	}
	now.Identity = uint64(identity)
	before := c.last
	if before != nil && before.revision == now.revision {
		return &before.Head, nil
	}
	stale := before != nil && before.revision > now.revision // another view, begun later, was faster
	if before == nil || stale {
		before = &snapshot{}
	}
	if err := now.load(ctx, s, before); err != nil {
		return nil, err
	}
	if !stale {
		c.last = now
	}
	return &now.Head, nil
}

func (n *snapshot) load(ctx context.Context, s *session, before *snapshot) error {
	if err := n.loadDimensions(ctx, s, before); err != nil {
		return err
	}
	err := s.each(ctx, func(scan func(...any) error) error {
		p, err := scanPosition(scan)
		n.Shards = append(n.Shards, p)
		return err
	}, selectPositions+" ORDER BY shard")
	if err != nil {
		return err
	}
	return n.loadStamps(ctx, s, before)
}

// loadDimensions reads the names, and the values that before does not have yet.
func (n *snapshot) loadDimensions(ctx context.Context, s *session, before *snapshot) error {
	err := s.each(ctx, func(scan func(...any) error) error {
		var name []byte
		err := scan(&name)
		n.Dimensions = append(n.Dimensions, string(name))
		return err
	}, "SELECT name FROM dimensions ORDER BY dim")
	if err != nil {
		return err
	}
	n.Values = make([][]string, len(n.Dimensions))
	for dim := range n.Values {
		if len(before.Values) > 0 {
			n.Values[dim] = slices.Clip(before.Values[dim]) // so that append makes a copy when there is more
		}
		err := s.each(ctx, func(scan func(...any) error) error {
			var text []byte
			err := scan(&text)
			n.Values[dim] = append(n.Values[dim], string(text))
			return err
		}, "SELECT text FROM dimension_values WHERE dim = ? AND number >= ? ORDER BY number", dim, len(n.Values[dim]))
		if err != nil {
			return err
		}
	}
	return nil
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
	}, "SELECT clock, period, version FROM periods WHERE version > ? ORDER BY period", since)
	for clock := range changed {
		n.Stamps[clock] = chunk.MergeStamps(old[clock], changed[clock])
	}
	return err
}
