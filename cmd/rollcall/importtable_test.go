package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/decode"
	"rollcall/store/mysql/mysqltest"
)

// childImport has this test program run as rollcall, so that a test can kill it.
const childImport = "ROLLCALL_TEST_CHILD"

// logs is a table of generated events, and the same events as a file.
type logs struct {
	db   *sql.DB
	dsn  string
	file string
	rows int
}

const logsTable = `CREATE TABLE user_activity_logs (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, uuid VARCHAR(64) NULL,
	user_id VARCHAR(64) NOT NULL, session_id VARCHAR(64) NULL, type VARCHAR(32) NOT NULL, campaign_id VARCHAR(64) NULL, age_group ENUM('13-17','18-24','25-34','35-44','45-54','55-64','65+') NULL,
	created_at DATETIME(3) NOT NULL, KEY (created_at)) ROW_FORMAT=DYNAMIC`

// newLogs generates n events in a file, and writes them, and some of them twice, into a table.
func newLogs(t *testing.T, s *mysqltest.Server, n int) *logs {
	t.Helper()
	name := s.NewDatabase(t)
	l := &logs{db: s.Open(t, name), dsn: s.DSN(name), file: filepath.Join(t.TempDir(), "events.ndjson")}
	must(t, "generate", "--events", fmt.Sprint(n), "--users", "2000", "--days", "4", "--until", "2026-11-01", "--duplicates", "0.01", "--dimensions", "campaign_id,age_group", "-o", l.file)
	l.exec(t, logsTable)
	body, err := os.ReadFile(l.file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := decode.New(decode.Config{Dimensions: []string{"campaign_id", "age_group"}})
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	flush := func() {
		l.exec(t, "INSERT INTO user_activity_logs (uuid, user_id, session_id, type, campaign_id, age_group, created_at) VALUES "+strings.Join(values, ","))
		values = values[:0]
	}
	err = d.Lines(body, func(_ int, _ []byte, ev *rollcall.Event, rej *decode.Reject) error {
		if rej != nil {
			return rej
		}
		l.rows++
		values = append(values, fmt.Sprintf("(%s,'%s',%s,'%s',%s,%s,'%s')", literal(ev.ID), ev.User, literal(ev.Session), ev.Type, literal(ev.Dims[0]), literal(ev.Dims[1]),
			time.UnixMilli(ev.Time).UTC().Format("2006-01-02 15:04:05.000")))
		if len(values) == 1000 {
			flush()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(values) > 0 {
		flush()
	}
	return l
}

func literal(b []byte) string {
	if len(b) == 0 {
		return "NULL"
	}
	return "'" + string(b) + "'"
}

func (l *logs) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := l.db.Exec(statement); err != nil {
		t.Fatalf("%.300s: %v", statement, err)
	}
}

// figures asks for everything that the events decide.
func figures(t *testing.T, dir string) string {
	t.Helper()
	return must(t, "query", "--data", dir, "--from", "2026-10-20", "--to", "2026-11-02", "--group-by", "campaign_id,age_group", "--format", "csv", "--limit", "100000",
		"--metrics", "active_users,new_users,sessions,events,bounces,total_session_duration")
}

const dims = "--dimensions=campaign_id,age_group"

func TestImportTable(t *testing.T) {
	server := mysqltest.Start(t)
	l := newLogs(t, server, 12_000)
	t.Setenv("ROLLCALL_SOURCE_DSN", l.dsn)
	ofFile, ofTable := filepath.Join(t.TempDir(), "file"), filepath.Join(t.TempDir(), "table")
	fromFile := summary(t, must(t, "import", l.file, "--data", ofFile, dims, "--format", "json"))
	want := figures(t, ofFile)
	args := []string{"import", "--from", "mysql", "--map", "event_id=uuid", "--data", ofTable, dims, "--format", "json", "--rate", "0", "--max-running", "0", "--max-rows-per-query", "700"}

	t.Run("equals the file", func(t *testing.T) {
		s := summary(t, must(t, args...))
		if s.Read != int64(l.rows) || s.Accepted != fromFile.Accepted || s.Duplicates != fromFile.Duplicates || s.Duplicates == 0 || s.Quarantined != 0 || s.UpTo == "" {
			t.Errorf("%+v, of the file %+v, %d rows", s, fromFile, l.rows)
		}
		if got := figures(t, ofTable); got != want {
			t.Errorf("figures of the table\n%.2000s\nof the file\n%.2000s", got, want)
		}
	})
	t.Run("goes on with what is new", func(t *testing.T) {
		l.exec(t, "INSERT INTO user_activity_logs (user_id, type, created_at) VALUES ('late', 'view', '2026-11-01 10:00:00')")
		if s := summary(t, must(t, args...)); s.Read != 1 || s.Accepted != 1 {
			t.Errorf("%+v", s)
		}
		if s := summary(t, must(t, append(args, "--restart")...)); s.Read != int64(l.rows)+1 || s.Accepted != 0 || s.Duplicates != s.Read {
			t.Errorf("%+v", s)
		}
		l.exec(t, "DELETE FROM user_activity_logs WHERE user_id = 'late'")
	})
	t.Run("killed", func(t *testing.T) { killedImport(t, l, want) })
	t.Run("to a server", func(t *testing.T) { importToServer(t, l, want) })
	t.Run("refusals", func(t *testing.T) { refusedTables(t, l) })
}

// An import that is killed again and again ends with the figures of one that was not.
func killedImport(t *testing.T, l *logs, want string) {
	dir := filepath.Join(t.TempDir(), "data")
	args := []string{"import", "--from", "mysql", "--map", "event_id=uuid", "--data", dir, dims, "--rate", "40000", "--max-running", "0", "--max-rows-per-query", "500"}
	kills := 0
	for kills < 3 {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), childImport+"=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		before := places(dir)
		eventually(t, func() bool { return places(dir) != before || len(ended) > 0 })
		if len(ended) > 0 {
			t.Fatalf("the import ended before it was killed %d times: %v", kills+1, <-ended)
		}
		_ = cmd.Process.Kill()
		<-ended
		kills++
	}
	must(t, args...)
	if got := figures(t, dir); got != want {
		t.Errorf("after %d kills\n%.2000s\nwant\n%.2000s", kills, got, want)
	}
}

// places is what the files of places in a data directory say.
func places(dir string) string {
	files, _ := filepath.Glob(filepath.Join(dir, "imports", "*.json"))
	all := ""
	for _, f := range files {
		body, _ := os.ReadFile(f)
		all += string(body)
	}
	return all
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in 30 s")
		}
	}
}

// The server reads other names than the table has, and the import is cut off once.
func importToServer(t *testing.T, l *logs, want string) {
	dir, state := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "state.json")
	address, stop := startServer(t, "serve", "--data", dir, dims, "--fields", "user_id=visitor,time=ts")
	args := []string{"import", "--from", "mysql", "--map", "event_id=uuid", "--fields", "user_id=visitor,time=ts", "--map", "user_id=user_id", "--server", address,
		"--state", state, dims, "--rate", "0", "--max-running", "0", "--max-rows-per-query", "1000", "--format", "json"}
	first := summary(t, must(t, append(args, "--until", "2026-10-30")...))
	second := summary(t, must(t, args...))
	if first.Read == 0 || second.Read == 0 || first.Read+second.Read != int64(l.rows) {
		t.Errorf("%+v, then %+v, of %d rows", first, second, l.rows)
	}
	if third := summary(t, must(t, append(args, "--restart")...)); third.Duplicates != third.Read || third.Read != int64(l.rows) {
		t.Errorf("%+v", third)
	}
	if status := stop(); status != done {
		t.Fatalf("status %d", status)
	}
	http.DefaultClient.CloseIdleConnections()
	if got := figures(t, dir); got != want {
		t.Errorf("over HTTP\n%.2000s\nwant\n%.2000s", got, want)
	}
}

func refusedTables(t *testing.T, l *logs) {
	l.exec(t, "CREATE TABLE no_index LIKE user_activity_logs")
	l.exec(t, "ALTER TABLE no_index DROP INDEX created_at")
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"--table", "no_index"}, failed, "ADD INDEX (`created_at`, `id`)"},
		{[]string{"--table", "nothing"}, failed, "no table"},
		{[]string{"--map", "user_id=nobody"}, failed, "no column nobody"},
		{[]string{"--map", "colour=c"}, wrongUse, "no field"},
		{[]string{"--since", "yesterday"}, wrongUse, "--since"},
		{[]string{"--column-timezone", "Mars"}, wrongUse, "--column-timezone"},
		{[]string{"--dsn", "mysql://root:secretword@"}, failed, "can't be understood"},
		{[]string{l.file}, wrongUse, "no files"},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		status, out, errs := invoke(t, nil, append([]string{"import", "--from", "mysql", "--data", dir, dims}, c.args...)...)
		if status != c.status || !strings.Contains(errs, c.says) || strings.Contains(out+errs, "secretword") || strings.Contains(out+errs, mysqltest.Password) {
			t.Errorf("%q: status %d, %q%q, want %d and %q", c.args, status, out, errs, c.status, c.says)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q made a data directory: %v", c.args, err)
		}
	}
}
