package main

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/intake/sqlsource"
	"rollcall/store/mysql/mysqltest"
)

// TestVerifyTable imports a table of events and one of session records, and lets SQL count them: all is equal. Then a row is changed,
// deleted and doubled in the tables, and what differs is named.
func TestVerifyTable(t *testing.T) {
	server := mysqltest.Start(t)
	l := newLogs(t, server, 6000)
	t.Setenv("ROLLCALL_SOURCE_DSN", l.dsn)
	t.Run("events", func(t *testing.T) { verifyEventsTable(t, l) })
	t.Run("session records", func(t *testing.T) { verifyRecordsTable(t, l) })
}

// outcome is how a command ended.
type outcome struct {
	status         int
	stdout, stderr string
}

func outcomeOf(t *testing.T, args ...string) (o outcome) {
	t.Helper()
	o.status, o.stdout, o.stderr = invoke(t, nil, args...)
	return o
}

func verifyEventsTable(t *testing.T, l *logs) {
	dir := filepath.Join(t.TempDir(), "data")
	must(t, "import", "--from", "mysql", "--map", "event_id=uuid", "--data", dir, dims, "--rate", "0", "--max-running", "0")
	args := slices.Clip([]string{"verify", "--map", "event_id=uuid", "--data", dir, dims, "--rate", "0", "--max-running", "0"})
	byName := append(args, "--table", "user_activity_logs")
	c, err := sqlsource.ParseDSN(l.dsn)
	if err != nil {
		t.Fatal(err)
	}
	address := url.URL{Scheme: "mysql", User: url.UserPassword(c.User, c.Passwd), Host: c.Addr, Path: "/" + c.DBName + "/user_activity_logs"}
	byURL, byDSN := append(args, "--table", address.String()), append(args, "--table", l.dsn+"/user_activity_logs")
	for _, bad := range []string{"mysql://u:" + url.QueryEscape(mysqltest.Password) + "@host/nothing", "u:" + mysqltest.Password + "@host/table", l.dsn + "/no_such_table"} {
		if out := outcomeOf(t, append(args, "--table", bad)...); out.status == 0 || strings.Contains(out.stdout+out.stderr, mysqltest.Password) || strings.Contains(out.stderr, url.QueryEscape(mysqltest.Password)) {
			t.Errorf("%+v", out)
		}
	}
	for _, a := range [][]string{byName, byURL, byDSN} {
		out := outcomeOf(t, a...)
		if out.status != 0 || !strings.Contains(out.stdout, "The store is equal to what SQL counts") || strings.Contains(out.stdout+out.stderr, mysqltest.Password) {
			t.Fatalf("%+v", out)
		}
	}
	differ := func(change, undo string, want ...string) {
		t.Helper()
		l.exec(t, change)
		out := outcomeOf(t, byName...)
		if out.status != 3 {
			t.Errorf("%s: %+v", change, out)
		}
		for _, w := range want {
			if !strings.Contains(out.stdout, w) {
				t.Errorf("%s: no %q in\n%s", change, w, out.stdout)
			}
		}
		l.exec(t, undo)
		if out := outcomeOf(t, byName...); out.status != 0 {
			t.Fatalf("%s: %+v", undo, out)
		}
	}
	l.exec(t, "CREATE TABLE saved LIKE user_activity_logs")
	l.exec(t, "INSERT INTO saved SELECT * FROM user_activity_logs WHERE id = 5")
	const restore = "REPLACE INTO user_activity_logs SELECT * FROM saved"
	differ("UPDATE user_activity_logs SET campaign_id = 'Changed' WHERE id = 5", restore, "campaign_id=Changed", "events")
	differ("DELETE FROM user_activity_logs WHERE id = 5", restore, "total", "events")
	differ("INSERT INTO user_activity_logs (uuid, user_id, type, campaign_id, age_group, created_at) SELECT NULL, user_id, type, campaign_id, age_group, created_at FROM user_activity_logs WHERE id = 5",
		"DELETE FROM user_activity_logs WHERE uuid IS NULL AND id > 6000 AND session_id IS NULL ORDER BY id DESC LIMIT 1", "total", "events")
	if out := outcomeOf(t, append(byName, "--server", "http://127.0.0.1:1")...); out.status != 2 {
		t.Errorf("%+v", out)
	}
}

const recordsTable = `CREATE TABLE sessions_log (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, user_id VARCHAR(64) NOT NULL, campaign_id VARCHAR(64) NULL,
	age_group VARCHAR(16) NULL, session_duration DECIMAL(10,3) NOT NULL, is_bounce TINYINT(1) NOT NULL, created_at DATETIME NOT NULL, KEY (created_at))`

func verifyRecordsTable(t *testing.T, l *logs) {
	l.exec(t, recordsTable)
	l.exec(t, `INSERT INTO sessions_log (user_id, campaign_id, age_group, session_duration, is_bounce, created_at)
		SELECT user_id, campaign_id, age_group, (id % 977) / 3, id % 3 = 0, created_at FROM user_activity_logs ORDER BY id LIMIT 3000`)
	l.exec(t, "UPDATE sessions_log SET campaign_id = UPPER(campaign_id), user_id = UPPER(user_id) WHERE id % 5 = 0") // which a collation takes for the same
	dir := filepath.Join(t.TempDir(), "data")
	const zone = "--timezone=Asia/Seoul"
	must(t, "import", "--from", "mysql", "--table", "sessions_log", "--data", dir, dims, zone, "--rate", "0", "--max-running", "0", "--column-timezone", "UTC")
	args := []string{"verify", "--table", "sessions_log", "--data", dir, dims, zone, "--rate", "0", "--max-running", "0", "--column-timezone", "UTC"}
	if out := outcomeOf(t, args...); out.status != 0 {
		t.Fatalf("%+v", out)
	}
	l.exec(t, "UPDATE sessions_log SET session_duration = session_duration + 1, is_bounce = 1 - is_bounce WHERE id = 7")
	out := outcomeOf(t, args...)
	if out.status != 3 || !strings.Contains(out.stdout, "total_session_duration_ms") || !strings.Contains(out.stdout, "bounces") || strings.Contains(out.stdout, "active_users") {
		t.Errorf("%+v", out)
	}
}
