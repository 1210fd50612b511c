package sqlite

import (
	"context"
	"net/url"
	"slices"
	"testing"

	"rollcall/store"
)

// A store of the first format gets versions of its dictionaries, as old as its newest commit.
func TestFirstFormatIsBroughtUp(t *testing.T) {
	path := newPath(t)
	db, err := connect(path, 100, url.Values{})
	must(t, err)
	for _, step := range []string{schema1, "PRAGMA user_version = 1", "INSERT INTO shards (shard) VALUES (0), (1)", "UPDATE head SET version = 5",
		`INSERT INTO chunks (kind, a, b, c, level, data) VALUES (3, 0, 1, 0, 0, x'00'), (3, 1, 1, 2, 0, x'01'), (3, 1, 1, 2, 0, x'02'),
			(3, 1, 2, 3, 0, x'03'), (2, 1, 1, 4, 0, x'04')`} {
		_, err := db.Exec(step)
		must(t, err)
	}
	must(t, db.Close())
	s := openTest(t, path, nil, 2)
	v, err := s.View(context.Background())
	must(t, err)
	defer func() { must(t, v.Close()) }()
	want := []store.Stamp{{Period: store.UsersPeriod(0, 0), Version: 5}, {Period: store.UsersPeriod(1, 2), Version: 5}}
	if got := v.Head().Stamps[store.UsersClock]; !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}
