package mysql

import (
	"context"
	"flag"
	"os"
	"testing"

	"rollcall/store"
	"rollcall/store/mysql/mysqltest"
	"rollcall/store/storetest"
)

var server *mysqltest.Server // of all tests that do not need their own

func TestMain(m *testing.M) {
	// A database for each random history costs more than the history. -rapid.checks overrules it.
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
	os.Exit(mysqltest.Main(m, func(s *mysqltest.Server) { server = s }))
}

func openTest(t testing.TB, dsn string, dims []string, shards int) *Store {
	t.Helper()
	return openWith(t, Config{DSN: dsn, Dimensions: dims, Shards: shards, Migrate: true})
}

func openWith(t testing.TB, c Config) *Store {
	t.Helper()
	s, err := Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dims []string, shards int) storetest.Store {
		return openTest(t, server.Database(t), dims, shards)
	})
}

func acquire(t testing.TB, s *Store, shard int) store.Position {
	t.Helper()
	p, err := s.Acquire(context.Background(), shard)
	must(t, err)
	return p
}
