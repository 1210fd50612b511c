package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What verify finds wrong of a day is put right by a repair of that day, and nothing else changes: what came too late stays out.
func TestRepair(t *testing.T) {
	dir := t.TempDir()
	event := func(user string, at time.Time) string {
		return `{"user_id":"` + user + `","time":"` + at.Format(time.RFC3339) + `","c":"x"}` + "\n"
	}
	day := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	lines := ""
	for i := range 5 {
		lines += event("u", day.AddDate(0, 0, i))
	}
	flags := []string{"--data", dir, "--dimensions", "c", "--late-horizon", "3d"}
	must(t, append([]string{"import", writeTemp(t, "a.ndjson", lines)}, flags...)...)
	must(t, append([]string{"import", writeTemp(t, "b.ndjson", event("u", day.AddDate(0, -1, 0)))}, flags...)...)
	spoil(t, dir, "DELETE FROM chunks WHERE kind = 1 AND a = 2 AND c = (SELECT max(c) FROM chunks WHERE kind = 1 AND a = 2)")
	if status, out, _ := invoke(t, nil, append([]string{"verify", "--all"}, flags...)...); status != differs || !strings.Contains(out, "2026-11-24") {
		t.Fatalf("%d %s", status, out)
	}
	if status, _, errs := invoke(t, nil, append([]string{"rebuild", "--days", "2026-11-24", "--session-gap", "1h"}, flags...)...); status != wrongUse || !strings.Contains(errs, "session_gap") {
		t.Fatalf("%d %s", status, errs)
	}
	must(t, append([]string{"rebuild", "--days", "2026-11-24"}, flags...)...)
	must(t, append([]string{"verify", "--all"}, flags...)...)
	question := []string{"query", "--data", dir, "--from", "2026-10-01", "--to", "2026-12-01", "--grain", "total", "--metrics", "events", "--format", "csv"}
	if out := must(t, question...); !strings.Contains(out, "total,5") {
		t.Fatal(out)
	}
	if out := must(t, "explain", "--data", dir, "--day", "2026-11-24"); !strings.Contains(out, "build 2, in use since") || !strings.Contains(out, "build 1, was in use from") {
		t.Fatal(out)
	}
	must(t, append([]string{"rebuild"}, flags...)...)
	if out := must(t, question...); !strings.Contains(out, "total,6") {
		t.Fatal(out)
	}
	must(t, append([]string{"verify", "--all"}, flags...)...)
}

// spoil changes the store behind the program's back.
func spoil(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	done, err := db.Exec(statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		t.Fatal(n, err)
	}
}
