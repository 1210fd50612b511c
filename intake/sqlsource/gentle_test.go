package sqlsource

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const plain = "CREATE TABLE logs (id INT NOT NULL PRIMARY KEY, user_id INT NOT NULL, created_at DATETIME NOT NULL, KEY (created_at))"

func newPlainWorld(t *testing.T, rows int) *world {
	return newWorld(t, plain, fmt.Sprintf("INSERT INTO logs SELECT seq, seq, '2025-03-01' + INTERVAL seq SECOND FROM seq_1_to_%d", rows))
}

// The session can't write, holds no transaction open, and has a timeout.
func TestSession(t *testing.T) {
	w := newPlainWorld(t, 1)
	s := w.open()
	var readOnly, isolation, zone, limit, open string
	err := s.db.QueryRow("SELECT @@tx_read_only, @@tx_isolation, @@time_zone, @@max_statement_time * 1, @@in_transaction").Scan(&readOnly, &isolation, &zone, &limit, &open)
	if got := fmt.Sprint(readOnly, isolation, zone, limit, open); err != nil || got != "1READ-COMMITTED+00:00100" {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := s.db.Exec("DELETE FROM logs"); err == nil || !strings.Contains(err.Error(), "READ ONLY") {
		t.Errorf("a deletion: %v", err)
	}
}

// No more than Rate rows a second.
func TestRateHolds(t *testing.T) {
	w := newPlainWorld(t, 200)
	w.cfg.Rate, w.cfg.PageRows = 200, 1000
	start := time.Now()
	if got, pages := w.walk(w.open(), nil); len(got) != 200 || len(pages) != 4 {
		t.Fatalf("%d rows in %d pages", len(got), len(pages))
	}
	if took := time.Since(start); took < 750*time.Millisecond { // after the last page nothing is waited for
		t.Errorf("200 rows at 200 a second took %s", took)
	}
}

func TestPaceFollowsTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(1000)
		page := func(busy time.Duration) time.Duration {
			time.Sleep(busy)
			p.spent(250, busy)
			return p.rest()
		}
		if got := page(25 * time.Millisecond); got != 225*time.Millisecond {
			t.Errorf("rests %s after a page of the usual time", got)
		}
		before := page(25 * time.Millisecond)
		for range 8 {
			page(100 * time.Millisecond)
		}
		slow := page(100 * time.Millisecond)
		if slow < 10*before {
			t.Errorf("rests %s once pages take four times as long, %s before", slow, before)
		}
		for range 30 {
			before = page(25 * time.Millisecond)
		}
		if before > 230*time.Millisecond {
			t.Errorf("still rests %s after the server has recovered", before)
		}
		unlimited := newPace(0)
		unlimited.spent(1000, 30*time.Millisecond)
		if got := unlimited.rest(); got > 0 {
			t.Errorf("rests %s without a limit", got)
		}
	})
}

// A server that runs much is left alone until it does not.
func TestWaitsWhileTheServerIsBusy(t *testing.T) {
	w := newPlainWorld(t, 10)
	w.cfg.MaxRunning = 1 // the question itself
	s := w.open()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan time.Time, 1)
	go func() {
		_, _ = w.db.ExecContext(ctx, "SELECT SLEEP(1.2)")
		ended <- time.Now()
	}()
	defer cancel()
	w.until("the server is busy", func() bool {
		n, err := s.running(ctx)
		return err == nil && n > 1
	})
	if got, _ := w.walk(s, nil); len(got) != 10 {
		t.Fatalf("%d rows", len(got))
	}
	select {
	case <-ended:
	default:
		t.Error("read while the server was busy")
	}
}

func (w *world) until(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("not in 20 s: %s", what)
		}
	}
}

// A statement that takes too long is asked for less, and a connection that is cut is made again.
func TestTroublePasses(t *testing.T) {
	w := newPlainWorld(t, 1000)
	w.cfg.StatementTimeout, w.cfg.PageRows = 200*time.Millisecond, 400
	s := w.open()
	conn, err := w.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	do := func(statement string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do("LOCK TABLES logs WRITE")
	first := make(chan Page, 1)
	go func() {
		p, _ := s.Next(context.Background(), nil, nil)
		first <- p
	}()
	w.until("a statement timed out", func() bool {
		var n int
		err := conn.QueryRowContext(t.Context(), "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Max_statement_time_exceeded'").Scan(&n)
		return err == nil && n > 0
	})
	do("UNLOCK TABLES")
	p := <-first
	if p.Rows == 0 || p.Rows > 200 {
		t.Fatalf("%d rows in the page after a timeout, of 400 before", p.Rows)
	}
	var id int
	if err := s.db.QueryRow("SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	do(fmt.Sprintf("KILL %d", id))
	if rest, _ := w.walk(s, p.Last); len(rest)+p.Rows != 1000 {
		t.Errorf("%d and %d rows", p.Rows, len(rest))
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, "CREATE TABLE logs (id INT NOT NULL PRIMARY KEY, user_id INT, campaign_id INT, created_at DATETIME NOT NULL, num DOUBLE, KEY (campaign_id, created_at), KEY (num))")
	w.refused("ADD INDEX (`created_at`, `id`)", "replica")
	w.exec("ALTER TABLE logs ADD INDEX (created_at, campaign_id)") // which may be NULL
	w.refused("ADD INDEX (`created_at`, `id`)")
	w.cfg.Fields[1].Columns = []string{"num"}
	w.refused("num", "no time")
	w.cfg.Fields[1].Columns = []string{"nothing"}
	w.refused("no column holds the time")
	w.cfg.Fields[1].Columns = []string{"created_at"}
	w.exec("ALTER TABLE logs ADD INDEX (created_at)")
	w.open()
	w.cfg.KeyColumn = "campaign_id"
	w.refused("campaign_id", "not unique")
	w.cfg.KeyColumn = ""
	w.cfg.Fields[0].Columns = []string{"visitor"}
	w.refused("--map user_id=COLUMN", "campaign_id")
	w.cfg.Table = "elsewhere.logs"
	w.refused("elsewhere")
	w.cfg.Table = "lo`gs; DROP TABLE logs"
	w.refused("no table")
	w.cfg.DSN = strings.Replace(w.cfg.DSN, "p@ss", "p@ssword", 1)
	w.refused("Access denied")
}

// Odd names are quoted.
func TestOddNames(t *testing.T) {
	w := newWorld(t, "CREATE TABLE `my ``logs` (`the id` INT NOT NULL PRIMARY KEY, `user id` INT, `when``?` DATETIME NOT NULL, KEY `x ``y` (`when``?`))",
		"INSERT INTO `my ``logs` VALUES (1, 2, '2025-03-01')")
	w.cfg.Table = "my `logs"
	w.cfg.Fields = fields("user_id", "time")
	w.cfg.Fields[0].Columns, w.cfg.Fields[1].Columns = []string{"user id"}, []string{"when`?"}
	got, cursors := w.walk(w.open(), nil)
	w.same(got, []string{"{\"user_id\":\"2\",\"time\":\"2025-03-01 00:00:00\",\"event_id\":\"my `logs#1\"}"})
	if rest, _ := w.walk(w.open(), cursors[0]); len(rest) > 0 {
		t.Errorf("%q behind the end", rest)
	}
}

// No error repeats any part of an address.
func FuzzParseDSN(f *testing.F) {
	for _, s := range []string{"mysql://u:secret@h:1/d", "u:secret@tcp(h:1)/d?tls=x", "mysql://u:sec%ret@h/d", "://", "u@/", "mysql://u:secret@h/d?timeout=secret"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		c, err := ParseDSN(dsn)
		if (err == nil) != (c != nil) {
			t.Fatalf("%v, %v", c, err)
		}
		if err != nil && err.Error() != errDSN.Error() {
			t.Fatalf("%q: %v", dsn, err)
		}
	})
}
