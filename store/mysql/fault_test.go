package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"rollcall"
	"rollcall/store"
	"rollcall/store/mysql/mysqltest"
)

const patience = 20 * time.Second

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in %s: %s", patience, what)
		}
	}
}

// waiting tells how many transactions of the server wait for a lock.
func waiting(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	var name string // INNODB_TRX would be a copy, renewed only when nobody has read it for a while
	must(t, db.QueryRow("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'").Scan(&name, &n))
	return n
}

// A commit that the server picks as the victim of a deadlock is repeated and applied once.
func TestDeadlockIsRetried(t *testing.T) {
	name := server.NewDatabase(t)
	s := openTest(t, server.DSN(name), testDims, 1)
	internTexts(t, s)
	p := acquire(t, s, 0)
	other, err := server.Open(t, name).Begin()
	must(t, err)
	for _, heavy := range []string{ // the lighter transaction is the victim
		"UPDATE head SET committed = committed + 1",
		"INSERT INTO periods SELECT 9, seq, 1 FROM (SELECT 1000 + a.n + 10 * b.n + 100 * c.n AS seq FROM " + ten("a") + ", " + ten("b") + ", " + ten("c") + ") AS s",
	} {
		_, err := other.Exec(heavy)
		must(t, err)
	}
	part := randomPart(rand.New(rand.NewPCG(1, 1)), p, 5)
	done := make(chan error, 1)
	go func() {
		done <- s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{part}})
	}()
	db := server.Open(t, "")
	eventually(t, "the commit waits for the row of the head", func() bool {
		select {
		case err := <-done:
			t.Fatal("it did not wait: ", err)
		default:
		}
		return waiting(t, db) == 1
	})
	_, err = other.Exec("UPDATE shards SET users = users + 1 WHERE shard = 0")
	must(t, err)
	must(t, other.Rollback())
	must(t, <-done)
	if stats := s.Stats(); stats.Deadlocks != 1 || stats.Retries != 1 || stats.Commits != 1 {
		t.Fatalf("%+v", stats)
	}
	checkSums(t, s, []store.ShardCommit{part})
	checkSQL(t, s)
}

func ten(name string) string {
	return "(SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) AS " + name
}

// A row that somebody holds for ever costs a bounded time, and nothing has changed.
func TestLockThatIsHeld(t *testing.T) {
	name := server.NewDatabase(t)
	s := openWith(t, Config{DSN: server.DSN(name), Dimensions: testDims, Shards: 1, Migrate: true, StatementTimeout: time.Second})
	p := acquire(t, s, 0)
	other, err := server.Open(t, name).Begin()
	must(t, err)
	_, err = other.Exec("UPDATE head SET committed = 77")
	must(t, err)
	c := &store.Commit{At: 1, Shards: []store.ShardCommit{randomPart(rand.New(rand.NewPCG(1, 1)), p, 5)}}
	begun := time.Now()
	if err := s.Commit(context.Background(), c); err == nil || time.Since(begun) > 10*time.Second {
		t.Fatalf("%v after %v", err, time.Since(begun))
	}
	must(t, other.Rollback())
	must(t, s.Commit(context.Background(), c))
	checkSums(t, s, c.Shards)
}

// A process that says nothing more in the middle of a commit, frozen or gone with its machine, holds up the others for a
// bounded time: its shard has another owner, the row that all commits share is free, and nothing of its commit stays.
func TestWriterThatFallsSilent(t *testing.T) {
	name := server.NewDatabase(t)
	config := Config{DSN: server.DSN(name), Dimensions: testDims, Shards: 2, Migrate: true, StatementTimeout: 3 * time.Second}
	held, goOn := make(chan struct{}), make(chan struct{})
	silent := config
	silent.Step = func(step string) {
		if step == StepVersions {
			close(held)
			<-goOn
		}
	}
	s := openWith(t, silent)
	p := acquire(t, s, 0)
	failed := make(chan error, 1)
	go func() {
		failed <- s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{randomPart(rand.New(rand.NewPCG(1, 1)), p, 5)}})
	}()
	<-held
	other, begun := openWith(t, config), time.Now()
	c := &store.Commit{At: 1, Shards: []store.ShardCommit{randomPart(rand.New(rand.NewPCG(1, 2)), acquire(t, other, 1), 5),
		randomPart(rand.New(rand.NewPCG(1, 3)), acquire(t, other, 0), 5)}}
	must(t, other.Commit(context.Background(), c))
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the others waited for %v", took)
	}
	close(goOn)
	if err := <-failed; err == nil {
		t.Error("a commit that the server had rolled back is acknowledged")
	}
	checkSums(t, other, c.Shards)
}

// Whenever the server is killed, it has every acknowledged commit, and each whole or not at all.
func TestKilledServerHasWholeCommits(t *testing.T) {
	srv := mysqltest.Start(t)
	s := openWith(t, Config{DSN: srv.Database(t), Dimensions: testDims, Shards: 2, Migrate: true, StatementTimeout: 5 * time.Second})
	internTexts(t, s)
	rnd := rand.New(rand.NewPCG(3, 4))
	var parts []store.ShardCommit
	for range 4 {
		at := []store.Position{acquire(t, s, 0), acquire(t, s, 1)}
		if want := lastOffset(parts, 0); at[0].Offset != want {
			t.Fatalf("offset %d, want %d", at[0].Offset, want)
		}
		stop := time.AfterFunc(time.Duration(50+rnd.IntN(200))*time.Millisecond, srv.Kill)
		for {
			c := &store.Commit{At: 1, Shards: []store.ShardCommit{randomPart(rnd, at[0], 1), randomPart(rnd, at[1], 1)}}
			err := s.Commit(context.Background(), c)
			if err == nil {
				parts = append(parts, c.Shards...)
				at[0], at[1] = c.Shards[0].To, c.Shards[1].To
				continue
			}
			stop.Stop()
			srv.Kill()
			srv.Restart(t)
			if applied(t, s, c, err) {
				parts = append(parts, c.Shards...)
			}
			break
		}
		checkSums(t, s, parts)
		checkSQL(t, s)
	}
	if len(parts) == 0 {
		t.Fatal("nothing was committed")
	}
}

// applied repeats a commit of unknown outcome; it is applied afterwards, whatever became of the first.
func applied(t *testing.T, s *Store, c *store.Commit, first error) bool {
	t.Helper()
	err := s.Commit(context.Background(), c)
	if fenced := (*store.FencedError)(nil); errors.As(err, &fenced) {
		to := c.Shards[0].To
		if fenced.Stored.Epoch != to.Epoch || fenced.Stored.Offset != to.Offset {
			t.Fatalf("%v, then %v", first, err)
		}
		return true
	}
	must(t, err)
	return true
}

func lastOffset(parts []store.ShardCommit, shard int) (at rollcall.Offset) {
	for _, p := range parts {
		if p.To.Shard == shard {
			at = max(at, p.To.Offset)
		}
	}
	return at
}

// A server that does not answer fails each call within the time, and serves again when it goes on.
func TestFrozenServer(t *testing.T) {
	srv := mysqltest.Start(t)
	s := openWith(t, Config{DSN: srv.Database(t), Dimensions: testDims, Shards: 1, Migrate: true, StatementTimeout: time.Second})
	p := acquire(t, s, 0)
	srv.Freeze(t)
	calls := map[string]func(context.Context) error{
		"commit": func(ctx context.Context) error {
			return s.Commit(ctx, &store.Commit{At: 1, Shards: []store.ShardCommit{randomPart(rand.New(rand.NewPCG(1, 1)), p, 5)}})
		},
		"view":    func(ctx context.Context) error { _, err := s.View(ctx); return err },
		"acquire": func(ctx context.Context) error { _, err := s.Acquire(ctx, 0); return err },
		"compact": func(ctx context.Context) error { _, err := s.Compact(ctx, true, join); return err },
	}
	var wg sync.WaitGroup
	for name, call := range calls {
		wg.Go(func() {
			begun := time.Now()
			if err := call(context.Background()); err == nil || time.Since(begun) > 9*time.Second {
				t.Errorf("%s: %v after %v", name, err, time.Since(begun))
			}
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			begun = time.Now()
			if err := call(ctx); err == nil || time.Since(begun) > 900*time.Millisecond {
				t.Errorf("%s with 100 ms: %v after %v", name, err, time.Since(begun))
			}
		})
	}
	wg.Wait()
	srv.Thaw(t)
	eventually(t, "commits go on", func() bool {
		p = acquire(t, s, 0)
		return s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{randomPart(rand.New(rand.NewPCG(1, 1)), p, 5)}}) == nil
	})
}

// However many views are asked for, the process keeps to its connections, and commits do not wait for views.
func TestConnectionLimit(t *testing.T) {
	name := server.NewDatabase(t)
	const limit = 6
	s := openWith(t, Config{DSN: server.DSN(name), Dimensions: testDims, Shards: 1, Migrate: true, MaxOpenConns: limit})
	p := acquire(t, s, 0)
	var held []store.View
	for range limit / 2 {
		v, err := s.View(context.Background())
		must(t, err)
		held = append(held, v)
	}
	ctx, cancel := context.WithCancel(context.Background())
	waiters := make(chan error, 20)
	for range cap(waiters) {
		go func() {
			v, err := s.View(ctx)
			if err == nil {
				err = v.Close()
			}
			waiters <- err
		}()
	}
	db := server.Open(t, "")
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		c := randomPart(rnd, p, 1)
		must(t, s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}))
		p = c.To
		var n int
		must(t, db.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = ?", name).Scan(&n))
		if n > limit || s.Stats().Conns > limit {
			t.Fatalf("%d connections, %d by its own count", n, s.Stats().Conns)
		}
	}
	for _, v := range held {
		must(t, v.Close())
	}
	for range cap(waiters) {
		must(t, <-waiters)
	}
	cancel()
}

// The number of statements of a commit does not depend on the number of shards.
func TestStatementsOfACommit(t *testing.T) {
	const shards = 8
	s := openTest(t, server.Database(t), testDims, shards)
	c := &store.Commit{At: 1}
	rnd := rand.New(rand.NewPCG(1, 1))
	for shard := range shards {
		part := randomPart(rnd, acquire(t, s, shard), 5)
		part.Letters = []store.DeadLetter{{At: 1, Raw: []byte(fmt.Sprint(shard))}}
		c.Shards = append(c.Shards, part)
	}
	before := s.Stats().Statements
	must(t, s.Commit(context.Background(), c))
	if n := s.Stats().Statements - before; n > 12 {
		t.Fatalf("%d statements", n)
	} else {
		t.Logf("%d statements for %d shards", n, shards)
	}
}
