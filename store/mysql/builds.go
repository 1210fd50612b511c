package mysql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/store"
)

var _ store.Builds = (*Builds)(nil)

// Builds keeps the builds of a database. It is safe for concurrent use, beside other processes and open stores.
type Builds struct{ store *Store }

// OpenBuilds connects to the database; it may be empty, and then holds no build until a store is opened with
// Config.Migrate. The configuration needs no dimensions or shards. With Config.Migrate older tables are updated.
func OpenBuilds(ctx context.Context, config Config) (*Builds, error) {
	b := &Builds{&Store{config: config, stats: &counters{}, tables: tablesOf(1, false)}}
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open builds: %w", err), b.Close())
	}
	return b, nil
}

const connsOfBuilds = 2

func (b *Builds) open(ctx context.Context) (err error) {
	s := b.store
	if err = s.config.setDefaults(); err != nil {
		return err
	}
	if s.own, err = s.config.connectWriters(connsOfBuilds); err != nil {
		return err
	}
	return s.with(ctx, func(t *session) error {
		version, err := t.schemaVersion(ctx)
		if err == nil {
			err = checkVersion(version)
		}
		if err != nil || !s.config.Migrate || version == 0 {
			return err
		}
		return s.config.alone(ctx, func(t *session) error { return t.migrateAll(ctx, &store.Build{}) })
	})
}

// Close closes the connections.
func (b *Builds) Close() error { return b.store.Close() }

// Builds lists the builds by number. One whose making or deleting was cut off is listed as building: it can be dropped.
func (b *Builds) Builds(ctx context.Context) (list []store.Build, err error) {
	err = b.store.with(ctx, func(t *session) error {
		list, err = t.builds(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list builds: %w", err)
	}
	return list, nil
}

func (s *session) builds(ctx context.Context) (list []store.Build, err error) {
	rows, err := s.registry(ctx, "")
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return s.onlyBuild(ctx)
	}
	for i := range rows {
		b := &rows[i].Build
		switch b.State {
		case dropped:
			continue
		case dropping:
			b.State = store.Building
		}
		settings, err := s.of(b.Number, false).settings(ctx)
		switch {
		case errorCode(err) == codeNoTable: // then what it was begun with
		case err != nil:
			return nil, err
		default:
			b.Settings = settings
		}
		list = append(list, *b)
	}
	return list, nil
}

// onlyBuild lists what a database without a registry holds.
func (s *session) onlyBuild(ctx context.Context) ([]store.Build, error) {
	version, err := s.schemaVersion(ctx)
	if err != nil || version == 0 {
		return nil, err
	}
	b, err := s.first(ctx)
	if err == nil {
		b.Settings, err = s.settings(ctx)
	}
	return []store.Build{b}, err
}

// Begin makes the tables of a new build. The first one of a database is active at once, and needs Config.Migrate. Cut off, it leaves a build that can be dropped, and that Migrate completes.
func (b *Builds) Begin(ctx context.Context, want store.Build) (store.Build, error) {
	made := store.Build{State: store.Building, Dimensions: want.Dimensions, Shards: want.Shards, Settings: want.Settings, Begun: time.Now().UnixMilli()}
	err := checkDimensions(made.Dimensions, made.Shards)
	if err == nil {
		err = b.store.config.alone(ctx, func(t *session) error { return t.begin(ctx, &made, b.store.config.Migrate) })
	}
	if err != nil {
		return store.Build{}, fmt.Errorf("begin a build: %w", err)
	}
	return made, nil
}

// begin runs while nobody else changes tables.
func (s *session) begin(ctx context.Context, made *store.Build, mayBeFirst bool) error {
	rows, err := s.registry(ctx, "")
	switch {
	case err != nil:
		return err
	case len(rows) == 0 && !mayBeFirst:
		return errors.New("the database has no table of builds: run rollcall migrate")
	case len(rows) == 0:
		return s.beginFirst(ctx, made)
	}
	made.Number = rows[len(rows)-1].Number + 1
	if err := s.register(ctx, made); err != nil {
		return err
	}
	return s.of(made.Number, true).migrate(ctx, made)
}

// beginFirst makes the tables of build 1, unless another process was faster.
func (s *session) beginFirst(ctx context.Context, made *store.Build) error {
	made.Number, made.State = 1, store.Active
	if err := s.migrateAll(ctx, made); err != nil {
		return err
	}
	list, err := s.builds(ctx)
	if err == nil {
		*made = list[0]
	}
	return err
}

// Drop deletes the tables of a build that is not active. Cut off, it goes on when it is called again.
func (b *Builds) Drop(ctx context.Context, number uint32) error {
	err := b.store.config.alone(ctx, func(t *session) error { return t.drop(ctx, number) })
	if err != nil {
		return fmt.Errorf("drop build %d: %w", number, err)
	}
	return nil
}

func (s *session) drop(ctx context.Context, number uint32) error {
	condemned := false
	_, err := s.transact(ctx, func() (err error) {
		condemned, err = s.condemn(ctx, number)
		return err
	})
	if err != nil || !condemned {
		return err
	}
	if err := s.show(ctx); err != nil { // if it still shows this one
		return err
	}
	of := s.of(number, true)
	for _, table := range tablesOfBuild() {
		if number == 1 && table == versions {
			continue // by which releases that know nothing of builds are refused
		}
		if _, err := of.exec(ctx, "DROP TABLE IF EXISTS ~"+table); err != nil {
			return err
		}
	}
	_, err = s.exec(ctx, "UPDATE builds SET state = ? WHERE number = ?", string(dropped), number)
	return err
}

// condemn marks a build that is there and not active.
func (s *session) condemn(ctx context.Context, number uint32) (condemned bool, err error) {
	var state store.BuildState
	found, err := s.one(ctx, []any{&state}, "SELECT state FROM builds WHERE number = ? FOR UPDATE", number)
	switch {
	case err != nil || !found || state == dropped:
		return false, err
	case state == store.Active:
		return false, errors.New("it is the active one: make another active first")
	}
	_, err = s.exec(ctx, "UPDATE builds SET state = ? WHERE number = ?", string(dropping), number)
	return true, err
}
