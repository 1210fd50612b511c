package apptest

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/verify"
)

// TestVerify lets the binary prove the figures of real data, and find what was spoiled in them.
func TestVerify(t *testing.T) {
	bin, dir := binary(t), filepath.Join(t.TempDir(), "data")
	importFile(t, bin, dir, "--dimensions", "campaign_id,age_group", journeyFile)
	check := func(exit int, want string, args ...string) Outcome {
		t.Helper()
		out := Run(t, bin, nil, append([]string{"verify", "--data", dir}, args...)...)
		if out.Exit != exit || !strings.Contains(out.Stdout+out.Stderr, want) {
			t.Errorf("verify %v: status %d, want %d and %q\n%s%s", args, out.Exit, exit, want, out.Stdout, out.Stderr)
		}
		return out
	}
	check(0, "The store is equal to the log", "--all")
	check(0, "--seed 7", "--sample", "2", "--seed", "7")
	check(0, "no day was recounted", "--ledger-only")
	check(2, "2017-02-30", "--days", "2017-02-01..2017-02-30")
	check(2, "can't be used together", "--all", "--ledger-only")
	check(1, "no data", "--data", t.TempDir())

	db, err := sql.Open("sqlite", filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	var hour int64
	const lost = "DELETE FROM ledger WHERE hour = (SELECT hour FROM ledger ORDER BY count DESC LIMIT 1) RETURNING hour"
	if err := db.QueryRow(lost).Scan(&hour); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	check(3, "ledger", "--ledger-only")
	out := check(3, "", "--days", "2017-01-01..2017-01-03,2017-02-04", "--format", "json")
	var r verify.Report
	if err := json.Unmarshal([]byte(out.Stdout), &r); err != nil {
		t.Fatal(err)
	}
	if r.Equal || r.Differences[verify.Ledger] == 0 || r.Differences[verify.Cell] != 0 || len(r.Days) != 4 || r.Events != 75_000 || !strings.Contains(r.Shown[0].Hint, "deleted") {
		t.Errorf("%s", out.Stdout)
	}

	s := Start(t, bin, nil, "--data", dir)
	check(1, "end the process that holds")
	s.Stop(t)
}
