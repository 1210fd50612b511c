package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/store"
)

var (
	_ store.Writer        = (*Store)(nil)
	_ store.Viewer        = (*Store)(nil)
	_ store.Keeper        = (*Store)(nil)
	_ store.Letters       = (*Store)(nil)
	_ store.Verifications = (*Store)(nil)
)

// The steps of a commit that Config.Step is told of, each once it is done.
const (
	StepFenced    = "store.fenced"
	StepCells     = "store.cells"
	StepSets      = "store.sets"
	StepState     = "store.state"
	StepLedger    = "store.ledger"
	StepLetters   = "store.letters"
	StepBase      = "store.base"
	StepVersions  = "store.versions"
	StepCommitted = "store.committed"
)

// Store is a store open for reading and writing, beside other processes. It is safe for concurrent use.
type Store struct {
	tables
	config    Config
	own       *sql.DB // of commits and housekeeping, which never wait for views
	views     *sql.DB
	heads     headCache
	base      *base
	stats     *counters
	maxPacket int // bytes that the server takes in one statement
}

// Open opens the store, and makes or updates its tables when Config.Migrate says so. It fails with what the store holds
// when it was made for other dimensions or another number of shards.
func Open(ctx context.Context, config Config) (*Store, error) {
	s := &Store{config: config, stats: &counters{}}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if err = s.config.setDefaults(); err != nil {
		return err
	}
	forViews := s.config.MaxOpenConns / 2
	if s.own, err = s.config.connectWriters(s.config.MaxOpenConns - forViews); err != nil {
		return err
	}
	if s.views, err = s.config.connect(forViews, repeatableRead, s.config.StatementTimeout); err != nil {
		return err
	}
	s.base = newBase(len(s.config.Dimensions))
	for range maxTries {
		if err = s.openBuild(ctx); s.config.Build != 0 || !errors.Is(err, store.ErrRetired) {
			break // else another build has become active meanwhile
		}
	}
	return err
}

// openBuild opens the build of the configuration as the database has it now.
func (s *Store) openBuild(ctx context.Context) error {
	s.tables = tablesOf(1, false)
	var chosen registered
	err := s.with(ctx, func(t *session) (err error) {
		chosen, err = s.choose(ctx, t)
		return err
	})
	if err != nil {
		return err
	}
	s.tables = tablesOf(chosen.Number, s.config.Beside)
	if err := s.with(ctx, func(t *session) error { return s.checkServer(ctx, t) }); err != nil {
		return err
	}
	if err := s.checkConfig(ctx); err != nil {
		return err
	}
	if chosen.State == store.Active && !chosen.shown {
		s.showActive(ctx)
	}
	return nil
}

// choose finds the row of the build that is to be opened.
func (s *Store) choose(ctx context.Context, t *session) (registered, error) {
	list, err := t.registry(ctx, "")
	if err != nil {
		return registered{}, err
	}
	if len(list) == 0 {
		list = []registered{{Build: store.Build{Number: 1, State: store.Active}, shown: true}}
	}
	for i := range list {
		if want := s.config.Build; list[i].Number == want || want == 0 && list[i].State == store.Active {
			if s.config.Beside && list[i].State == store.Active {
				of := tablesOf(list[i].Number, true)
				return list[i], of.retired()
			}
			return list[i], list[i].usable()
		}
	}
	return registered{}, noBuild(s.config.Build)
}

// minPacket is the least max_allowed_packet: a statement of a commit and a blob somewhat larger.
const minPacket = 16 << 20

// checkServer updates an older schema if it may, and refuses a newer one and a server that can't take a commit.
func (s *Store) checkServer(ctx context.Context, t *session) error {
	version, err := t.schemaVersion(ctx)
	if err == nil {
		err = checkVersion(version)
	}
	switch {
	case err != nil:
		return err
	case version < len(migrations()) && s.config.Migrate:
		if err := Migrate(ctx, s.config); err != nil {
			return err
		}
	default:
		if err := t.current(version); err != nil {
			return err
		}
	}
	if _, err := t.one(ctx, []any{&s.maxPacket}, "SELECT @@max_allowed_packet"); err != nil {
		return err
	}
	var name, flush string
	found, err := t.one(ctx, []any{&name, &flush}, "SHOW VARIABLES LIKE 'innodb_flush_log_at_trx_commit'")
	if err != nil {
		return err
	}
	if s.maxPacket < minPacket {
		return fmt.Errorf("the server takes statements of %d bytes: set max_allowed_packet to 16M or more", s.maxPacket)
	}
	if found && flush != "1" {
		s.config.Logger.WarnContext(ctx, "the server may lose commits when it crashes: set innodb_flush_log_at_trx_commit to 1", "is", flush)
	}
	return nil
}

// checkConfig compares what the store was made for with the configuration.
func (s *Store) checkConfig(ctx context.Context) error {
	v, err := s.View(ctx)
	if err != nil {
		return err
	}
	head := v.Head()
	if err := v.Close(); err != nil {
		return err
	}
	if !slices.Equal(head.Dimensions, s.config.Dimensions) {
		return fmt.Errorf("it holds the dimensions [%s], the configuration has [%s]: use another database, or configure those it holds",
			strings.Join(head.Dimensions, ", "), strings.Join(s.config.Dimensions, ", "))
	}
	if len(head.Shards) != s.config.Shards {
		return fmt.Errorf("it holds %d shards, the configuration has %d: use another database, or configure the number it holds",
			len(head.Shards), s.config.Shards)
	}
	return nil
}

// Close closes the connections. Views still open fail from then on; a commit under way has an unknown outcome.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.own, s.views} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
