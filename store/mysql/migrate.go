package mysql

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"time"

	"rollcall"
	"rollcall/store"
)

//go:embed migrations/0001_tables.sql
var tables1 string

//go:embed migrations/0002_builds.sql
var tables2 string

//go:embed migrations/0003_verified.sql
var tables3 string

//go:embed migrations/0004_history.sql
var tables4 string

//go:embed migrations/0005_erasures.sql
var tables5 string

//go:embed migrations/0006_erasing.sql
var tables6 string

// migration brings the tables of one build, those of the session, from one version to the next. MySQL ends the transaction at each change of a table, so a
// step may be cut off anywhere: each does nothing where it was done before, and adds, so that an older release that is
// still running is not disturbed.
type migration func(ctx context.Context, t *session, b *store.Build) error

func migrations() []migration {
	return []migration{
		func(ctx context.Context, t *session, b *store.Build) error {
			if err := t.script(ctx, tables1); err != nil {
				return err
			}
			if err := t.seed(ctx, b); err != nil {
				return err
			}
			return t.makeBase(ctx)
		},
		makeRegistry,
		func(ctx context.Context, t *session, _ *store.Build) error { return t.script(ctx, tables3) },
		func(ctx context.Context, t *session, _ *store.Build) error { return t.script(ctx, tables4) },
		shared(tables5),
		shared(tables6),
	}
}

// makeRegistry makes the table of builds, with the first one in it. Other builds have nothing to add.
func makeRegistry(ctx context.Context, t *session, _ *store.Build) error {
	if t.build != 1 {
		return nil
	}
	if err := t.script(ctx, tables2); err != nil {
		return err
	}
	rows, err := t.registry(ctx, "")
	if err != nil || len(rows) > 0 {
		return err
	}
	first, err := t.first(ctx)
	if err != nil {
		return err
	}
	return t.register(ctx, &first)
}

const versions = "schema_migrations"

// tablesOfBuild lists the tables that each build has, without their prefix.
func tablesOfBuild() (names []string) {
	for _, made := range regexp.MustCompile(`EXISTS ~(\w+)`).FindAllStringSubmatch(tables1+tables3+tables4, -1) {
		names = append(names, made[1])
	}
	return append(names, "base_cells", versions)
}

const (
	lockPatience     = 5 * time.Minute // for another process that migrates
	migrationTimeout = time.Hour       // of one statement
)

// Migrate makes the tables, or brings older ones up to date, under a lock of the server's: of several processes one does
// it and the others wait. A database of a newer release is left as it is, and refused.
func Migrate(ctx context.Context, config Config) error {
	if err := migrate(ctx, config); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func migrate(ctx context.Context, config Config) error {
	if err := config.setDefaults(); err != nil {
		return err
	}
	if err := checkDimensions(config.Dimensions, config.Shards); err != nil {
		return err
	}
	return config.alone(ctx, func(t *session) error {
		return t.migrateAll(ctx, &store.Build{Dimensions: config.Dimensions, Shards: config.Shards})
	})
}

// alone runs f on a connection of its own while no other process changes tables.
func (c *Config) alone(ctx context.Context, f func(t *session) error) error {
	// The reads must outlast changes of large tables.
	patient := *c
	patient.StatementTimeout = migrationTimeout
	db, err := patient.connect(1, readCommitted, migrationTimeout)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	t, err := take(ctx, db, &counters{}, tablesOf(1, false))
	if err != nil {
		return err
	}
	defer t.end(false) // which gives the lock back, too
	return t.locked(ctx, "migrate", lockPatience, func() error { return f(t) })
}

// migrateAll brings every build up to date, and makes the first where there is none.
func (s *session) migrateAll(ctx context.Context, first *store.Build) error {
	list, err := s.registry(ctx, "")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		list = []registered{{Build: store.Build{Number: 1, State: store.Active, Dimensions: first.Dimensions, Shards: first.Shards, Settings: first.Settings}}}
	}
	for i := range list {
		b := &list[i].Build
		if list[i].usable() != nil {
			continue
		}
		if err := s.of(b.Number, b.State != store.Active).migrate(ctx, b); err != nil {
			return fmt.Errorf("build %d: %w", b.Number, err)
		}
	}
	return s.show(ctx)
}

// migrate brings the session's build up to date.
func (s *session) migrate(ctx context.Context, b *store.Build) error {
	version, err := s.schemaVersion(ctx)
	if err == nil {
		err = checkVersion(version)
	}
	if err != nil {
		return err
	}
	for i, step := range migrations()[version:] {
		if err := step(ctx, s, b); err != nil {
			return fmt.Errorf("to format %d: %w", version+i+1, err)
		}
		if _, err := s.exec(ctx, "INSERT INTO ~schema_migrations (version, applied_at) VALUES (?, UTC_TIMESTAMP())", version+i+1); err != nil {
			return err
		}
	}
	return nil
}

func checkVersion(version int) error {
	if version > len(migrations()) {
		return fmt.Errorf("made by a newer release (format %d, this one knows up to %d): upgrade rollcall", version, len(migrations()))
	}
	return nil
}

// current fails unless the tables of the session's build are those of this release.
func (s *session) current(version int) error {
	if version < len(migrations()) {
		return fmt.Errorf("the tables of build %d are of format %d, this release needs %d: run rollcall migrate", s.build, version, len(migrations()))
	}
	return checkVersion(version)
}

const codeNoTable = 1146

// schemaVersion is 0 where there is no store. It makes nothing but the table of versions, and that only in a migration.
func (s *session) schemaVersion(ctx context.Context) (version int, err error) {
	_, err = s.one(ctx, []any{&version}, "SELECT COALESCE(MAX(version), 0) FROM ~schema_migrations")
	if errorCode(err) == codeNoTable {
		return 0, nil
	}
	return version, err
}

// script runs the statements of a file; none holds a semicolon.
func (s *session) script(ctx context.Context, text string) error {
	const first = "CREATE TABLE IF NOT EXISTS ~schema_migrations (version INT NOT NULL, applied_at DATETIME NOT NULL, PRIMARY KEY (version)) ENGINE = InnoDB"
	for _, statement := range append([]string{first}, strings.Split(text, ";\n")...) {
		if statement = withoutComments(statement); statement == "" {
			continue
		}
		if _, err := s.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// withoutComments leaves out the lines that begin with two dashes.
func withoutComments(statement string) string {
	var kept []string
	for line := range strings.Lines(statement) {
		if !strings.HasPrefix(line, "--") {
			kept = append(kept, line)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ""))
}

var dimensionName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// checkDimensions refuses names that the view can't have as columns.
func checkDimensions(names []string, shards int) error {
	if shards < 1 || len(names) > rollcall.MaxDimensions {
		return fmt.Errorf("%d shards and %d dimensions: want at least one shard and at most %d dimensions",
			shards, len(names), rollcall.MaxDimensions)
	}
	for _, name := range names {
		if !dimensionName.MatchString(name) {
			return fmt.Errorf("dimension %q: a name has letters, digits, _ and -, at most 64, and begins with a letter or _", name)
		}
	}
	return nil
}

// seed records what the build is made for, in one transaction, unless that was done.
func (s *session) seed(ctx context.Context, b *store.Build) error {
	_, err := s.transact(ctx, func() error {
		var n int
		if _, err := s.one(ctx, []any{&n}, "SELECT COUNT(*) FROM ~head"); err != nil || n > 0 {
			return err
		}
		for shard := range b.Shards {
			if _, err := s.exec(ctx, "INSERT INTO ~shards VALUES (?, 0, 0, 0, 0, 0, 0, 0, 0, 0)", s.shard(shard)); err != nil {
				return err
			}
		}
		for dim, name := range b.Dimensions {
			if _, err := s.exec(ctx, "INSERT INTO ~dimensions VALUES (?, ?, ?)", dim, []byte(name), int64(rollcall.FirstValue)); err != nil {
				return err
			}
			const given = "INSERT INTO ~dimension_values VALUES (?, ?, ?), (?, ?, ?)"
			if _, err := s.exec(ctx, given, dim, int64(rollcall.NotSetValue), []byte(rollcall.NotSet),
				dim, int64(rollcall.OtherValue), []byte(rollcall.Other)); err != nil {
				return err
			}
		}
		if err := s.addSettings(ctx, b.Settings); err != nil {
			return err
		}
		_, err := s.exec(ctx, "INSERT INTO ~head VALUES (1, ?, ?, 0, 0, 0, 0)", int64(rand.Uint64()), s.head())
		return err
	})
	return err
}

// errLocked tells that another connection holds the lock.
var errLocked = errors.New("another process holds the lock")

// locked runs f while the session holds a lock of this database, for which it waits no longer than patience. The lock goes
// with the connection.
func (s *session) locked(ctx context.Context, what string, patience time.Duration, f func() error) error {
	const name = "CONCAT('rollcall.', ?, '.', SUBSTRING(SHA1(DATABASE()), 1, 32))"
	var got *int
	if _, err := s.one(ctx, []any{&got}, "SELECT GET_LOCK("+name+", ?)", what, int(patience.Seconds())); err != nil {
		return err
	}
	if got == nil || *got != 1 {
		return errLocked
	}
	err := f()
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	_, released := s.one(undo, []any{&got}, "SELECT RELEASE_LOCK("+name+")", what)
	return errors.Join(err, released)
}
