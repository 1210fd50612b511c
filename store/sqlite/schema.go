package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"rollcall"
)

//go:embed schema.sql
var schema1 string

//go:embed schema_2.sql
var schema2 string

//go:embed schema_3.sql
var schema3 string

//go:embed schema_4.sql
var schema4 string

// migrations bring a store from version i to i+1 (PRAGMA user_version).
func migrations() []string { return []string{schema1, schema2, schema3, schema4} }

// minLibrary is the first SQLite that does not lose committed WAL frames in a checkpoint race.
const minLibrary = 3_051_003

func checkLibrary(ctx context.Context) error {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var text string
	if err := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&text); err != nil {
		return err
	}
	var major, minor, patch int
	if _, err := fmt.Sscanf(text, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return fmt.Errorf("SQLite version %q: %w", text, err)
	}
	if major*1_000_000+minor*1000+patch < minLibrary {
		return fmt.Errorf("SQLite %s can lose commits: 3.51.3 or newer is needed", text)
	}
	return nil
}

// migrate makes the tables of a new store, or brings an older one up to date: one transaction.
func (w *writer) migrate(ctx context.Context, config Config) error {
	return w.transact(ctx, func(ctx context.Context, t *session) error {
		var version int
		if err := t.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		steps := migrations()
		if version > len(steps) {
			return fmt.Errorf("made by a newer release (format %d, this one knows up to %d): upgrade rollcall", version, len(steps))
		}
		if version == len(steps) {
			return nil
		}
		for _, step := range steps[version:] {
			if _, err := t.conn.ExecContext(ctx, step); err != nil {
				return fmt.Errorf("migrate: %w", err)
			}
		}
		if version == 0 {
			if err := seed(ctx, t, config); err != nil {
				return err
			}
		}
		_, err := t.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(steps)))
		return err
	})
}

// seed records what the store is made for.
func seed(ctx context.Context, t *session, config Config) error {
	if config.Shards < 1 || len(config.Dimensions) > rollcall.MaxDimensions {
		return fmt.Errorf("%d shards and %d dimensions: want at least one shard and at most %d dimensions",
			config.Shards, len(config.Dimensions), rollcall.MaxDimensions)
	}
	if _, err := t.exec(ctx, "UPDATE head SET build = ?", max(config.Build, 1)); err != nil {
		return err
	}
	for shard := range config.Shards {
		if _, err := t.exec(ctx, "INSERT INTO shards (shard) VALUES (?)", shard); err != nil {
			return err
		}
	}
	for dim, name := range config.Dimensions {
		if _, err := t.exec(ctx, "INSERT INTO dimensions VALUES (?, ?, ?)", dim, []byte(name), int64(rollcall.FirstValue)); err != nil {
			return err
		}
		const given = "INSERT INTO dimension_values VALUES (?, ?, ?), (?, ?, ?)"
		if _, err := t.exec(ctx, given, dim, int64(rollcall.NotSetValue), []byte(rollcall.NotSet),
			dim, int64(rollcall.OtherValue), []byte(rollcall.Other)); err != nil {
			return err
		}
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
		return fmt.Errorf("it holds the dimensions [%s], the configuration has [%s]: use another data directory, or configure those it holds",
			strings.Join(head.Dimensions, ", "), strings.Join(s.config.Dimensions, ", "))
	}
	if len(head.Shards) != s.config.Shards {
		return fmt.Errorf("it holds %d shards, the configuration has %d: use another data directory, or configure the number it holds",
			len(head.Shards), s.config.Shards)
	}
	return nil
}
