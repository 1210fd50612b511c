package mysql

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/store"
	"rollcall/store/mysql/mysqltest"
	"rollcall/store/storetest"
)

func openBuilds(t testing.TB, dsn string) *Builds {
	t.Helper()
	b, err := OpenBuilds(context.Background(), Config{DSN: dsn})
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func TestBuilds(t *testing.T) {
	storetest.RunBuilds(t, func(t *testing.T, dims []string, shards int) storetest.BuildsRig {
		dsn := server.Database(t)
		must(t, Migrate(context.Background(), Config{DSN: dsn, Dimensions: dims, Shards: shards}))
		return storetest.BuildsRig{Builds: openBuilds(t, dsn), Handle: func(t *testing.T, b store.Build, beside bool) (storetest.Store, func()) {
			s, err := Open(context.Background(), Config{DSN: dsn, Dimensions: b.Dimensions, Shards: b.Shards, Build: b.Number, Beside: beside, MaxOpenConns: 4})
			must(t, err)
			return s, sync.OnceFunc(func() { must(t, s.Close()) })
		}}
	})
}

// A build with a prefix is a store as any other, without the tables of build 1.
func TestConformanceOfAnotherBuild(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dims []string, shards int) storetest.Store {
		dsn := server.Database(t)
		must(t, Migrate(context.Background(), Config{DSN: dsn, Dimensions: dims, Shards: shards}))
		b := openBuilds(t, dsn)
		_, err := b.Begin(context.Background(), store.Build{Dimensions: dims, Shards: shards})
		must(t, err)
		for _, table := range tablesOfBuild() {
			_, err := b.store.own.Exec("DROP TABLE " + table)
			must(t, err)
		}
		return openWith(t, Config{DSN: dsn, Dimensions: dims, Shards: shards, Build: 2, Beside: true})
	})
}

// Every statement marks the tables that each build has one of.
func TestStatementsNameTheBuild(t *testing.T) {
	named := regexp.MustCompile(`(KEY |FOR )?\b(?:FROM|JOIN|INTO|UPDATE|EXISTS|TABLE)\s+([a-z~]\w*)`)
	shared := []string{"builds", "erasures", "erasure_key", "erasing", "information_schema"}
	files, err := filepath.Glob("*.go")
	must(t, err)
	found := 0
	check := func(where, text string) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if m[1] != "" || slices.Contains(shared, m[2]) {
				continue
			}
			if found++; !strings.HasPrefix(m[2], mark) {
				t.Errorf("%s: %q in %q", where, m[2], text)
			}
		}
	}
	for _, script := range []string{tables1, tables2, tables3, tables4, tables5, tables6} {
		check("a migration", withoutComments(script))
	}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, is := n.(*ast.BasicLit); is && literal.Kind == token.STRING {
				check(fset.Position(n.Pos()).String(), literal.Value)
			}
			return true
		})
	}
	if found < 40 {
		t.Fatalf("%d statements found", found)
	}
}

// Naming the tables of a statement of many rows copies none of the rows.
func TestNamesCostNoCopyOfRows(t *testing.T) {
	of := tablesOf(12, false)
	if n := testing.AllocsPerRun(10, func() { _ = insertChunks.text(&of, maxRows) }); n > 2 {
		t.Fatalf("%v allocations", n)
	}
	if got := insertChunks.text(&of, 2); !strings.HasPrefix(got, "INSERT INTO b12_chunks (") || strings.Count(got, "?") != 16 || strings.Contains(got, mark) {
		t.Fatal(got)
	}
}

// flipping gives a database of two builds, of which the second may become active, and what each holds.
func flipping(t *testing.T, srv *mysqltest.Server, addr string) (b *Builds, dsn string) {
	name := srv.NewDatabase(t)
	dsn = mysqltest.DSN(srv.Addr(), name)
	s := openTest(t, dsn, testDims, 2)
	acquire(t, s, 1)
	b, err := OpenBuilds(context.Background(), Config{DSN: mysqltest.DSN(addr, name), StatementTimeout: 5 * time.Second})
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	_, err = b.Begin(context.Background(), store.Build{Dimensions: testDims, Shards: 2})
	must(t, err)
	must(t, s.Quarantine(context.Background(), []store.DeadLetter{{At: 1, Reason: "syntax"}}))
	return b, dsn
}

// checkFlipped: all of an activation is there, or nothing of it.
func checkFlipped(t *testing.T, dsn string, flipped bool) {
	t.Helper()
	active, letters, epoch := uint32(1), 1, uint64(1)
	if flipped {
		active, epoch = 2, 1
	}
	for number := uint32(1); number <= 2; number++ {
		c := Config{DSN: dsn, Dimensions: testDims, Shards: 2, Build: number}
		if number != active {
			refused(t, c, store.ErrRetired.Error())
			c.Beside = true
		}
		s := openWith(t, c)
		v, err := s.View(context.Background())
		must(t, err)
		want := epoch
		if number == 1 && flipped {
			want++
		}
		if number == 2 && !flipped {
			want, letters = 0, 0
		}
		found, err := s.Letters(context.Background(), store.LetterQuery{Limit: 10})
		must(t, err)
		if got := v.Head().Shards[1].Epoch; got != want || v.Head().Build != number || len(found) != letters {
			t.Errorf("build %d: epoch %d, want %d; %d letters, want %d", number, got, want, len(found), letters)
		}
		must(t, v.Close())
		acquireAndCommit(t, s)
	}
	b := openBuilds(t, dsn)
	list, err := b.Builds(context.Background())
	must(t, err)
	if now, _ := store.ActiveBuild(list); now.Number != active {
		t.Errorf("%+v, want build %d active", list, active)
	}
}

func acquireAndCommit(t *testing.T, s *Store) {
	t.Helper()
	p := acquire(t, s, 0)
	must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{{From: p.Offset, To: p}}}))
}

// An activation whose connection breaks at its end is done or not; repeated, it is done, or tells that it is.
func TestActivationOfUnknownOutcome(t *testing.T) {
	for _, done := range []bool{false, true} {
		cut := newCutter(t, server.Addr())
		b, dsn := flipping(t, server, cut.listener.Addr().String())
		cut.after.Store(done)
		cut.before.Store(!done)
		if err := b.Activate(context.Background(), 1, 2); err == nil {
			t.Fatal("an activation that nobody confirmed succeeded")
		}
		err := b.Activate(context.Background(), 1, 2)
		if done != errors.Is(err, store.ErrRetired) || !done && err != nil {
			t.Fatalf("applied %t, then %v", done, err)
		}
		checkFlipped(t, dsn, true)
	}
}

// A server that is killed at any statement of an activation, or whose client is, has the old build or the new one, whole.
func TestActivationIsWholeOrNothing(t *testing.T) {
	srv := mysqltest.Start(t)
	for _, at := range []string{"FROM builds", "FROM b2_shards", "FROM b2_head", "INTO b2_letters", "UPDATE shards", "UPDATE b2_head", "SET state = 'kept'", "SET state = 'active'", "COMMIT"} {
		cut := newCutter(t, srv.Addr())
		b, dsn := flipping(t, srv, cut.listener.Addr().String())
		cut.kill(at, func() { srv.Kill() })
		if err := b.Activate(context.Background(), 1, 2); err == nil {
			t.Fatalf("killed at %q: it succeeded", at)
		}
		srv.Restart(t)
		checkFlipped(t, dsn, false)
	}
}

// The view for SQL is of the active build, also where it was not made anew with the activation.
func TestViewForSQLFollows(t *testing.T) {
	b, dsn := flipping(t, server, server.Addr())
	commit := func(c Config) {
		t.Helper()
		s := openWith(t, c)
		internTexts(t, s)
		part := randomPart(rand.New(rand.NewPCG(1, uint64(c.Build))), acquire(t, s, 0), 3)
		must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{part}}))
	}
	c := Config{DSN: dsn, Dimensions: testDims, Shards: 2, Build: 2, Beside: true}
	commit(c)
	must(t, b.Activate(context.Background(), 1, 2))
	c.Build, c.Beside = 0, false
	checkSQL(t, openWith(t, c))
	must(t, b.store.with(context.Background(), func(s *session) error {
		_, err := s.exec(context.Background(), baseView(testDims))
		return err
	}))
	_, err := b.store.own.Exec("UPDATE builds SET shown = 0")
	must(t, err)
	s := openWith(t, c)
	checkSQL(t, s)
	if rows := sqlRows(t, s); len(rows) == 0 {
		t.Fatal("nothing is shown")
	}
}

// The statements of a release that knows nothing of builds find no shard of a build that is not active, and can't read its
// head: neither takes it over, commits to it or shows it.
func TestOldReleaseIsStopped(t *testing.T) {
	b, _ := flipping(t, server, server.Addr())
	must(t, b.Activate(context.Background(), 1, 2))
	db := b.store.own
	done, err := db.Exec("UPDATE shards SET epoch = epoch + 1 WHERE shard = 1")
	must(t, err)
	if n, err := done.RowsAffected(); n != 0 || err != nil {
		t.Fatal("it acquired a shard", err)
	}
	var n int
	must(t, db.QueryRow("SELECT COUNT(*) FROM shards WHERE shard IN (0, 1)").Scan(&n))
	if n != 0 {
		t.Fatal("it finds shards to commit to")
	}
	var build uint32
	if err := db.QueryRow("SELECT build FROM head").Scan(&build); err == nil {
		t.Fatal("it reads the head of build", build)
	}
	must(t, b.Drop(context.Background(), 1))
	var version int // by which its Open refuses the database
	must(t, db.QueryRow("SELECT MAX(version) FROM schema_migrations").Scan(&version))
	if version < 2 {
		t.Fatal(version)
	}
}

// Begin and Drop that were cut off leave a build that is listed and can be dropped; the first is completed by Migrate.
func TestBeginAndDropGoOn(t *testing.T) {
	ctx := context.Background()
	for _, lost := range []string{"SELECT 1", "DROP TABLE b2_base_cells", "DROP TABLE b2_letters", "DELETE FROM b2_head"} {
		b, dsn := flipping(t, server, server.Addr())
		for _, cut := range []string{lost, "DELETE FROM b2_schema_migrations"} {
			_, err := b.store.own.Exec(cut)
			must(t, err)
		}
		if err := b.Activate(ctx, 1, 2); err == nil || !strings.Contains(err.Error(), "run rollcall migrate") {
			t.Fatal(err)
		}
		if list, err := b.Builds(ctx); err != nil || len(list) != 2 || list[1].State != store.Building {
			t.Fatalf("%+v, %v", list, err)
		}
		if lost == "DROP TABLE b2_letters" {
			must(t, Migrate(ctx, Config{DSN: dsn, Dimensions: testDims, Shards: 2}))
			acquireAndCommit(t, openWith(t, Config{DSN: dsn, Dimensions: testDims, Shards: 2, Build: 2, Beside: true}))
		}
		_, err := b.store.own.Exec("UPDATE builds SET state = 'dropping' WHERE number = 2")
		must(t, err)
		refused(t, Config{DSN: dsn, Dimensions: testDims, Shards: 2, Build: 2, Beside: true}, "being dropped")
		must(t, b.Drop(ctx, 2))
		var n int
		must(t, b.store.own.QueryRow("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^b2_'").Scan(&n))
		if n != 0 {
			t.Fatalf("%d tables are left", n)
		}
	}
}

// An empty database has no builds; one from before builds has one, which a migration registers as it is.
func TestDatabaseBeforeBuilds(t *testing.T) {
	ctx, dsn := context.Background(), server.Database(t)
	b := openBuilds(t, dsn)
	if list, err := b.Builds(ctx); err != nil || len(list) != 0 {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, err := b.Begin(ctx, store.Build{Shards: 1}); err == nil {
		t.Fatal("begun in an empty database")
	}
	first, err := OpenBuilds(ctx, Config{DSN: dsn, Migrate: true})
	must(t, err)
	made, err := first.Begin(ctx, store.Build{Dimensions: testDims, Shards: 2, Settings: map[string]string{"timezone": "UTC"}})
	if err != nil || made.Number != 1 || made.State != store.Active || made.Settings["timezone"] != "UTC" {
		t.Fatalf("%+v, %v", made, err)
	}
	must(t, first.Close())
	s := openTest(t, dsn, testDims, 2)
	acquireAndCommit(t, s)
	for _, older := range []string{"DROP TABLE builds", "DELETE FROM schema_migrations WHERE version > 1"} {
		_, err := s.own.Exec(older)
		must(t, err)
	}
	for range 2 {
		list, err := b.Builds(ctx)
		if err != nil || len(list) != 1 || list[0].Number != 1 || list[0].State != store.Active || !slices.Equal(list[0].Dimensions, testDims) || list[0].Shards != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		migrating, err := OpenBuilds(ctx, Config{DSN: dsn, Migrate: true})
		must(t, err)
		must(t, migrating.Close())
	}
	if p := acquire(t, openWith(t, Config{DSN: dsn, Dimensions: testDims, Shards: 2}), 0); p.Epoch != 2 {
		t.Fatalf("%+v", p)
	}
}

// A handle whose build was dropped, with its tables, before it learned that another is active is told so by each call.
func TestDroppedBuildIsRetired(t *testing.T) {
	ctx := context.Background()
	b, dsn := flipping(t, server, server.Addr())
	s := openTest(t, dsn, testDims, 2)
	p := acquire(t, s, 0)
	must(t, b.Activate(ctx, 1, 2))
	must(t, b.Drop(ctx, 1))
	for name, call := range map[string]func() error{
		"view":    func() error { _, err := s.View(ctx); return err },
		"acquire": func() error { _, err := s.Acquire(ctx, 0); return err },
		"commit": func() error {
			return s.Commit(ctx, &store.Commit{At: 1, Shards: []store.ShardCommit{{From: p.Offset, To: p}}})
		},
		"intern":     func() error { _, err := s.Intern(ctx, 0, []string{"new"}); return err },
		"quarantine": func() error { return s.Quarantine(ctx, []store.DeadLetter{{At: 1, Reason: "syntax"}}) },
		"letters":    func() error { _, err := s.DeleteLetters(ctx, []int64{1}); return err },
	} {
		if err := call(); !errors.Is(err, store.ErrRetired) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
