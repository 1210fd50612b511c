package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// world is a database with a table in it.
type world struct {
	*testing.T
	db  *sql.DB
	cfg Config
}

func newWorld(t *testing.T, statements ...string) *world {
	t.Helper()
	name := server.NewDatabase(t)
	w := &world{T: t, db: server.Open(t, name)}
	for _, s := range statements {
		w.exec(s)
	}
	w.cfg = Config{DSN: server.DSN(name), Table: "logs", Location: time.UTC, Report: time.UTC, PageRows: 7, StatementTimeout: 10 * time.Second,
		Fields: fields("user_id", "time", "event_id", "type", "campaign_id")}
	return w
}

func fields(names ...string) (list []Field) {
	for _, name := range names {
		f := Field{Name: name, Input: name, Columns: []string{name}}
		if name == "time" {
			f.Columns = append(f.Columns, "created_at")
		}
		list = append(list, f)
	}
	return list
}

func (w *world) exec(statement string, args ...any) {
	w.Helper()
	if _, err := w.db.Exec(statement, args...); err != nil {
		w.Fatalf("%.200s: %v", statement, err)
	}
}

func (w *world) open() *Source {
	w.Helper()
	s, err := Open(context.Background(), w.cfg, Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = s.Close() })
	return s
}

// refused opens what can't be opened.
func (w *world) refused(parts ...string) {
	w.Helper()
	s, err := Open(context.Background(), w.cfg, Deps{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		_ = s.Close()
		w.Fatal("opened")
	}
	for _, part := range append(parts, "") {
		if !strings.Contains(err.Error(), part) {
			w.Errorf("%q is not in %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "p@ss") {
		w.Errorf("%v tells the password", err)
	}
}

// walk reads all lines behind a cursor, page by page.
func (w *world) walk(s *Source, after Cursor) (lines []string, cursors []Cursor) {
	w.Helper()
	for {
		p, err := s.Next(context.Background(), after, nil)
		if errors.Is(err, io.EOF) {
			return lines, cursors
		}
		if err != nil {
			w.Fatal(err)
		}
		page := strings.Split(strings.TrimSuffix(string(p.Lines), "\n"), "\n")
		if len(page) != p.Rows {
			w.Fatalf("%d lines of %d rows", len(page), p.Rows)
		}
		lines, cursors, after = append(lines, page...), append(cursors, p.Last), p.Last
	}
}

func (w *world) same(got, want []string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Fatalf("%d lines\n%s\nwant %d\n%s", len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
	}
}

// tables are all that a walk may meet: many rows of one time, keys that are not in the order of time, keys of several
// columns and of every type.
func tables() map[string]string {
	return map[string]string{
		"int":       "id INT NOT NULL, PRIMARY KEY (id), KEY (created_at)",
		"bigint":    "id BIGINT UNSIGNED NOT NULL, PRIMARY KEY (id), KEY (created_at)",
		"text":      "id VARCHAR(40) NOT NULL, PRIMARY KEY (id), KEY (created_at)",
		"bytes":     "id VARBINARY(40) NOT NULL, PRIMARY KEY (id), KEY (created_at)",
		"decimal":   "id DECIMAL(30,3) NOT NULL, PRIMARY KEY (id), KEY (created_at)",
		"clustered": "id INT NOT NULL, PRIMARY KEY (created_at, id)",
		"both":      "id INT NOT NULL, PRIMARY KEY (id, created_at), KEY (created_at)",
		"wide":      "id INT NOT NULL, PRIMARY KEY (part, id), KEY (created_at)",
		"wider":     "id INT NOT NULL, PRIMARY KEY (id), KEY (created_at, part)",
		"other key": "id INT NOT NULL, PRIMARY KEY (part, id), UNIQUE KEY (id), KEY (created_at, id)",
		"parted":    "id INT NOT NULL, PRIMARY KEY (id, created_at), KEY (created_at, id)) PARTITION BY HASH (TO_DAYS(created_at)) PARTITIONS 4 /*",
	}
}

func TestWalksEveryRowOnce(t *testing.T) {
	for name, key := range tables() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "CREATE TABLE logs (user_id INT, campaign_id VARCHAR(20), created_at DATETIME(3) NOT NULL, part INT NOT NULL, "+key+")/**/")
			if name == "other key" {
				w.cfg.KeyColumn = "id"
			}
			begin := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
			for i := range 100 {
				at := begin.Add(time.Duration(i/30) * time.Hour) // long runs of one time
				w.exec("INSERT INTO logs (user_id, campaign_id, created_at, part, id) VALUES (?, 'a', ?, ?, ?)", i, at.Format("2006-01-02 15:04:05.000"), i%3, (i*37)%101)
			}
			want := w.bruteForce()
			got, cursors := w.walk(w.open(), nil)
			slices.Sort(got)
			w.same(got, want)
			// A walk that begins at any page gives the rest.
			for i := range cursors {
				again := w.open()
				rest, _ := w.walk(again, cursors[i])
				if want := len(want) - min(7*(i+1), len(want)); len(rest) != want {
					t.Fatalf("%d rows behind %v, want %d", len(rest), cursors[i], want)
				}
			}
		})
	}
}

// bruteForce gives the lines of all rows, sorted.
func (w *world) bruteForce() (lines []string) {
	w.Helper()
	id := "id"
	switch strings.TrimPrefix(w.Name(), "TestWalksEveryRowOnce/") {
	case "bytes":
		id = "LOWER(HEX(id))"
	case "clustered":
		id = "CONCAT(created_at, ',', id)"
	case "both", "parted":
		id = "CONCAT(id, ',', created_at)"
	case "wide":
		id = "CONCAT(part, ',', id)"
	}
	rows, err := w.db.Query("SELECT user_id, created_at, " + id + " FROM logs")
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var user, at, id string
		if err := rows.Scan(&user, &at, &id); err != nil {
			w.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf(`{"user_id":%q,"time":%q,"campaign_id":"a","event_id":%q}`, user, at, "logs#"+id))
	}
	if rows.Err() != nil {
		w.Fatal(rows.Err())
	}
	slices.Sort(lines)
	return lines
}

// Each page reads as many rows from the index as it gives, wherever it begins.
func TestPagesReadWhatTheyGive(t *testing.T) {
	w := newWorld(t, "CREATE TABLE logs (id INT NOT NULL PRIMARY KEY, user_id INT, created_at DATETIME NOT NULL, KEY (created_at))",
		"INSERT INTO logs SELECT seq, seq, '2025-03-01 00:00:00' + INTERVAL seq DIV 5000 SECOND FROM seq_1_to_20000")
	w.cfg.PageRows = 1000
	s := w.open()
	before := w.reads()
	got, cursors := w.walk(s, nil)
	if len(got) != 20_000 || len(cursors) != 20 {
		t.Fatalf("%d rows in %d pages", len(got), len(cursors))
	}
	if n := w.reads() - before; n > 21_000 {
		t.Errorf("%d rows were read from indexes to give 20,000", n)
	}
}

// reads counts the rows that the server has read from indexes or tables.
func (w *world) reads() (sum int64) {
	w.Helper()
	rows, err := w.db.Query("SHOW GLOBAL STATUS WHERE Variable_name IN ('Handler_read_next', 'Handler_read_key', 'Handler_read_rnd', 'Handler_read_rnd_next', 'Handler_read_first')")
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			w.Fatal(err)
		}
		sum += n
	}
	if rows.Err() != nil {
		w.Fatal(rows.Err())
	}
	return sum
}

func TestBoundsAreHalfOpen(t *testing.T) {
	for typ, values := range map[string][]string{
		"DATETIME(3) NOT NULL": {"2025-03-01 00:00:00", "2025-03-01 23:59:59.999", "2025-03-02 00:00:00"},
		"DATETIME NULL":        {"2025-03-01 00:00:00", "2025-03-01 23:59:59", "2025-03-02 00:00:00"},
		"TIMESTAMP(3)":         {"2025-03-01 00:00:00", "2025-03-01 23:59:59.999", "2025-03-02 00:00:00"},
		"DATE":                 {"2025-03-01", "2025-03-01", "2025-03-02"},
		"BIGINT":               {"1740787200000", "1740873599999", "1740873600000"},
		"INT UNSIGNED":         {"1740787200", "1740873599", "1740873600"},
		"DECIMAL(16,3)":        {"1740787200.000", "1740873599.999", "1740873600.000"},
	} {
		t.Run(typ, func(t *testing.T) {
			w := newWorld(t, "SET time_zone = '+00:00'", "CREATE TABLE logs (id INT NOT NULL PRIMARY KEY, user_id INT, created_at "+typ+", KEY (created_at))")
			for i, v := range values {
				w.exec("SET time_zone = '+00:00'")
				w.exec("INSERT INTO logs VALUES (?, ?, ?)", i, i, v)
			}
			if strings.Contains(typ, "NULL") && !strings.Contains(typ, "NOT") {
				w.exec("INSERT INTO logs VALUES (9, 9, NULL)")
			}
			for _, c := range []struct {
				since, until string
				users        string
			}{{"", "", "012"}, {"2025-03-01", "2025-03-02", "01"}, {"2025-03-02", "2025-03-03", "2"}, {"", "2025-03-01", ""}, {"2025-03-02", "", "2"}} {
				w.cfg.Since, w.cfg.Until = day(c.since), day(c.until)
				got, _ := w.walk(w.open(), nil)
				users := ""
				for _, line := range got {
					users += line[len(`{"user_id":"`):][:1]
				}
				if users != c.users {
					t.Errorf("[%s, %s): users %q, want %q", c.since, c.until, users, c.users)
				}
			}
		})
	}
}

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
