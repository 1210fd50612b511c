package mysql

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
	"rollcall/store/mysql/mysqltest"
)

func refused(t *testing.T, c Config, want string) {
	t.Helper()
	s, err := Open(context.Background(), c)
	if err == nil {
		must(t, s.Close())
		t.Fatalf("opened, want %q", want)
	}
	if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), mysqltest.Password) {
		t.Fatalf("%v, want %q", err, want)
	}
}

// Processes that make the same store at once make one.
func TestMigrateConcurrently(t *testing.T) {
	dsn := server.Database(t)
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			return Migrate(context.Background(), Config{DSN: dsn, Dimensions: testDims, Shards: 3})
		})
	}
	must(t, g.Wait())
	must(t, Migrate(context.Background(), Config{DSN: dsn, Dimensions: testDims, Shards: 3}))
	s := openWith(t, Config{DSN: dsn, Dimensions: testDims, Shards: 3})
	for table, want := range map[string]int{"head": 1, "shards": 3, "dimensions": 2, "schema_migrations": len(migrations())} {
		var n int
		must(t, s.own.QueryRow("SELECT COUNT(*) FROM "+table).Scan(&n))
		if n != want {
			t.Errorf("%s has %d rows, want %d", table, n, want)
		}
	}
}

// A migration that was cut off anywhere is finished by the next.
func TestMigrationGoesOn(t *testing.T) {
	dsn := server.Database(t)
	s := openTest(t, dsn, testDims, 2)
	acquire(t, s, 1)
	for _, lost := range []string{"DROP VIEW aggregated_daily_metrics", "DROP TABLE base_cells", "DROP TABLE letters", "DELETE FROM schema_migrations"} {
		_, err := s.own.Exec(lost)
		must(t, err)
	}
	refused(t, Config{DSN: dsn, Dimensions: testDims, Shards: 2}, "run rollcall migrate")
	again := openTest(t, dsn, testDims, 2)
	if p := acquire(t, again, 1); p.Epoch != 2 {
		t.Fatalf("%+v", p)
	}
	checkSQL(t, again)
}

// What a store was made for is kept, and a store that this release does not know is left alone.
func TestRefusals(t *testing.T) {
	dsn := server.Database(t)
	refused(t, Config{DSN: dsn, Dimensions: testDims, Shards: 2}, "run rollcall migrate")
	s := openTest(t, dsn, testDims, 2)
	refused(t, Config{DSN: dsn, Dimensions: []string{"campaign"}, Shards: 2, Migrate: true}, "holds the dimensions [campaign, age]")
	refused(t, Config{DSN: dsn, Dimensions: testDims, Shards: 3, Migrate: true}, "holds 2 shards")
	refused(t, Config{DSN: server.Database(t), Dimensions: []string{"a` INT); DROP"}, Shards: 1, Migrate: true}, "a name has letters")
	refused(t, Config{DSN: "rollcall:" + mysqltest.Password + "@tcp(" + server.Addr() + ")", Shards: 1}, "the address is none")
	refused(t, Config{DSN: strings.Replace(dsn, "rollcall:", "nobody:", 1), Shards: 1}, "Access denied")
	refused(t, Config{DSN: dsn, Shards: 1, MaxOpenConns: 1}, "too few")
	_, err := s.own.Exec("INSERT INTO schema_migrations VALUES (1000, UTC_TIMESTAMP())")
	must(t, err)
	refused(t, Config{DSN: dsn, Dimensions: testDims, Shards: 2, Migrate: true}, "upgrade rollcall")
	if err := Migrate(context.Background(), Config{DSN: dsn, Dimensions: testDims, Shards: 2}); err == nil || !strings.Contains(err.Error(), "upgrade rollcall") {
		t.Fatal(err)
	}
}

func TestTLS(t *testing.T) {
	srv := mysqltest.StartWith(t, mysqltest.Options{TLS: true})
	name := "secure"
	srv.Exec(t, "CREATE DATABASE "+name)
	c := Config{DSN: srv.DSN(name), Dimensions: testDims, Shards: 1, Migrate: true}
	refused(t, c, "Access denied")
	c.TLS = &tls.Config{}
	refused(t, c, "certificate")
	c.TLS = &tls.Config{RootCAs: srv.ClientTLS().RootCAs}
	s := openWith(t, c)
	acquire(t, s, 0)
	var variable, cipher string
	must(t, s.own.QueryRow("SHOW STATUS LIKE 'Ssl_cipher'").Scan(&variable, &cipher))
	if cipher == "" {
		t.Fatal("no cipher")
	}
}

func TestBothFormsOfAddress(t *testing.T) {
	for _, dsn := range []string{"u:p@tcp(h:3306)/d?tls=skip-verify", "mysql://u:p@h/d?tls=skip-verify", "mysql://u:p@h:3306/d?tls=skip-verify"} {
		c, err := parseDSN(dsn)
		must(t, err)
		if c.User != "u" || c.Passwd != "p" || c.Net != "tcp" || c.Addr != "h:3306" || c.DBName != "d" || c.TLSConfig != "skip-verify" {
			t.Errorf("%s: %+v", dsn, c)
		}
	}
}

// FuzzDSN: no error repeats anything of an address.
func FuzzDSN(f *testing.F) {
	for _, seed := range []string{"u:S3CRET@tcp(h:1)/d", "mysql://u:S3CRET@h/d", "mysql://u:S3CRET%zz@h/d", "u:S3CRET?x=/y@/d?S3CRET", "S3CRET", "/S3CRET?tls=S3CRET"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		c := Config{DSN: dsn}
		if _, err := c.driverConfig(); err != nil && strings.Contains(err.Error(), "S3CRET") {
			t.Fatal(err)
		}
	})
}

// Columns that the view has anyway are not taken by dimensions, and 16 dimensions have a key.
func TestNamesOfColumns(t *testing.T) {
	dims := []string{"dau", "Event_Date", "a", "A", "a_", "with-dash", "select", "d0", "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15"}
	s := openTest(t, server.Database(t), dims, 1)
	var b block.CellsBuilder
	b.Reset(block.CellKey{Grain: rollcall.Day, Period: 20_000, Cuboid: rollcall.Full(len(dims))})
	values := make([]rollcall.Value, len(dims))
	b.Add(0, values, &rollcall.Counters{rollcall.Active: 2, rollcall.Counted: 3, rollcall.Duration: 1234567})
	p := acquire(t, s, 0)
	c := store.ShardCommit{From: p.Offset, To: p, Cells: []*block.Cells{b.Build()}}
	must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}))
	checkSQL(t, s)
	rows, err := s.own.Query("SELECT * FROM aggregated_daily_metrics")
	must(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	must(t, err)
	must(t, rows.Err())
	if got := strings.Join(columns[:6], " "); got != "event_date dau_ Event_Date_ a A_ a__" {
		t.Fatal(got)
	}
}

// Cells whose figures come to nothing, and those of expired days, are not in the view for SQL.
func TestWhatComesToNothingIsNotShown(t *testing.T) {
	s := openTest(t, server.Database(t), nil, 1)
	p := acquire(t, s, 0)
	add := func(day block.Period, n int64) {
		var b block.CellsBuilder
		b.Reset(block.CellKey{Grain: rollcall.Day, Period: day})
		b.Add(0, nil, &rollcall.Counters{n, n, n, n, n, n})
		c := store.ShardCommit{From: p.Offset, To: p, Cells: []*block.Cells{b.Build()}}
		must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}))
	}
	shown := func(want int) {
		t.Helper()
		if rows := sqlRows(t, s); len(rows) != want {
			t.Fatalf("%v, want %d", rows, want)
		}
	}
	add(20_000, 5)
	add(20_001, 7)
	shown(2)
	checkSQL(t, s)
	add(20_000, -5)
	shown(1)
	checkSQL(t, s)
	add(19_000, 1)
	must(t, s.Expire(context.Background(), rollcall.Day, 20_001))
	checkSQL(t, s)
	shown(1)
	add(-1<<30, 1) // no date of SQL's
}
