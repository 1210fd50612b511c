package mysql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rollcall/store"
)

// The states of a row of the registry beside those of package store. Its build is in no list once it is dropped.
const (
	dropping store.BuildState = "dropping" // some of its tables are gone
	dropped  store.BuildState = "dropped"  // all are; the row keeps the number
)

// registered is a row of the registry.
type registered struct {
	store.Build
	letters int64 // its last letter when it became active
	shown   bool  // by the view for SQL
}

// usable fails for a build that has no tables, or soon will not.
func (r *registered) usable() error {
	switch r.State {
	case dropping:
		return fmt.Errorf("build %d is being dropped: drop it again to have it gone", r.Number)
	case dropped:
		return noBuild(r.Number)
	default:
		return nil
	}
}

func noBuild(number uint32) error { return fmt.Errorf("the store has no build %d", number) }

// registry lists all rows by number: none where the store is older than builds. tail may lock them.
func (s *session) registry(ctx context.Context, tail string) (list []registered, err error) {
	const query = "SELECT number, state, dimensions, shards, settings, begun, activated, letters, shown FROM builds ORDER BY number"
	err = s.each(ctx, func(scan func(...any) error) error {
		var r registered
		var dimensions, settings []byte
		err := scan(&r.Number, &r.State, &dimensions, &r.Shards, &settings, &r.Begun, &r.Activated, &r.letters, &r.shown)
		if err == nil {
			err = errors.Join(json.Unmarshal(dimensions, &r.Dimensions), json.Unmarshal(settings, &r.Settings))
		}
		list = append(list, r)
		return err
	}, query+tail)
	if errorCode(err) == codeNoTable {
		return nil, nil
	}
	return list, err
}

// first is what a store that is older than builds holds, as build 1.
func (s *session) first(ctx context.Context) (b store.Build, err error) {
	now := time.Now().UnixMilli()
	b = store.Build{Number: 1, State: store.Active, Begun: now, Activated: now, Settings: map[string]string{}}
	if b.Dimensions, err = s.dimensions(ctx); err != nil {
		return b, err
	}
	_, err = s.one(ctx, []any{&b.Shards}, "SELECT COUNT(*) FROM ~shards")
	return b, err
}

// register adds a row.
func (s *session) register(ctx context.Context, b *store.Build) error {
	dimensions, err := json.Marshal(b.Dimensions)
	if err != nil {
		return err
	}
	settings, err := json.Marshal(b.Settings)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, "INSERT INTO builds (number, state, dimensions, shards, settings, begun, activated, letters, shown) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)",
		b.Number, string(b.State), dimensions, b.Shards, settings, b.Begun, b.Activated)
	return err
}

// settings reads those of the session's build.
func (s *session) settings(ctx context.Context) (map[string]string, error) {
	have := map[string]string{}
	err := s.each(ctx, func(scan func(...any) error) error {
		var name, value []byte
		err := scan(&name, &value)
		have[string(name)] = string(value)
		return err
	}, "SELECT name, value FROM ~settings")
	return have, err
}

// dimensions reads the names of those of the session's build.
func (s *session) dimensions(ctx context.Context) (names []string, err error) {
	err = s.each(ctx, func(scan func(...any) error) error {
		var name []byte
		err := scan(&name)
		names = append(names, string(name))
		return err
	}, "SELECT name FROM ~dimensions ORDER BY dim")
	return names, err
}

// show has the view for SQL show the active build. It is safe to repeat.
func (s *session) show(ctx context.Context) error {
	list, err := s.registry(ctx, "")
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].State != store.Active {
			continue
		}
		active := s.of(list[i].Number, false)
		names, err := active.dimensions(ctx)
		if err != nil {
			return err
		}
		if _, err := active.exec(ctx, baseView(names)); err != nil {
			return fmt.Errorf("make the view for SQL: %w", err)
		}
		_, err = s.exec(ctx, "UPDATE builds SET shown = CASE number WHEN ? THEN 1 ELSE 0 END", active.build)
		return err
	}
	return nil
}
