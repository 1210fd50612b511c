package sqlite

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
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
	periods           map[periodKey]uint64
}

// of gives the head of the session's transaction.
func (c *headCache) of(ctx context.Context, s *session) (*store.Head, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := &snapshot{}
	found, err := s.one(ctx, []any{&now.Build, &now.Version, &now.Committed, &now.revision, &now.expired},
		"SELECT build, version, committed, revision, expired FROM head")
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("the file holds no store")
	}
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
	return n.loadPeriods(ctx, s, before)
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

// loadPeriods reads the versions that are newer than before, or all when some have been deleted since.
func (n *snapshot) loadPeriods(ctx context.Context, s *session, before *snapshot) error {
	since := before.Version
	if n.periods = maps.Clone(before.periods); n.periods == nil || before.expired != n.expired {
		n.periods, since = map[periodKey]uint64{}, 0
	}
	n.Periods = func(g rollcall.Grain, p block.Period) uint64 { return n.periods[periodOf(g, int64(p))] }
	return s.each(ctx, func(scan func(...any) error) error {
		var k periodKey
		var version uint64
		err := scan(&k.grain, &k.period, &version)
		n.periods[k] = version
		return err
	}, "SELECT grain, period, version FROM periods WHERE version > ?", since)
}
