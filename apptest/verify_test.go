package apptest

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/verify"
)

// TestVerify lets the binary prove the figures of real data, and find what was spoiled in them.
func TestVerify(t *testing.T) {
	t.Parallel()
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

	s := Start(t, bin, nil, "--data", dir, "--api-keys", "sesame-1234", "--verify-background", "false")
	check(1, "send a valid key")
	asked := check(3, "is held by the server at", "--days", "2017-01-01..2017-01-03,2017-02-04", "--key", "sesame-1234", "--format", "json")
	var of verify.Report
	if err := json.Unmarshal([]byte(asked.Stdout), &of); err != nil {
		t.Fatal(err)
	}
	if of.Events != r.Events || of.Cells != r.Cells || of.Sets != r.Sets || !reflect.DeepEqual(of.Shown, r.Shown) {
		t.Errorf("the server says\n%s\nthe directory\n%s", asked.Stdout, out.Stdout)
	}
	check(3, "The store differs", "--server", s.URL, "--key", "sesame-1234", "--ledger-only")
	check(2, "2017-02-30", "--server", s.URL, "--key", "sesame-1234", "--days", "2017-02-30")
	s.Stop(t)
}

// TestVerifyInTheBackground lets a server verify closed days by itself; what was spoiled is told with its day, in the status, the
// metrics and the log, and stays told after a restart.
func TestVerifyInTheBackground(t *testing.T) {
	t.Parallel()
	bin, dir := binary(t), filepath.Join(t.TempDir(), "data")
	importFile(t, bin, dir, "--dimensions", "campaign_id,age_group", journeyFile)
	args := []string{"--data", dir, "--verify-interval", "1s", "--verify-share", "100"}
	s := Start(t, bin, nil, args...)
	v := verifiedAs(t, s, func(v *standing) bool { return v.Days > 0 && v.Good == v.Days })
	if v.Through == nil || len(v.Bad) > 0 {
		t.Fatalf("%+v", v)
	}
	reply, err := s.Get("/metrics", nil)
	if err != nil || !strings.Contains(string(reply.Body), "rollcall_verify_differing_days 0") || strings.Contains(string(reply.Body), "rollcall_verified_through_seconds 0") {
		t.Errorf("%v\n%s", err, reply.Body)
	}
	s.Stop(t)

	const day = "2017-03-05"
	date, err := rollcall.ParseDate(day)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{
		"DELETE FROM chunks WHERE kind = 1 AND a = 2 AND b = 0 AND c = ?", // the total of the day
		"DELETE FROM verified WHERE day = ?",                              // as if the day had been committed to
	} {
		result, err := db.Exec(change, int64(date))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 { // chunks are as many as commits brought
			t.Fatalf("%s: %d rows, %v", change, n, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = Start(t, bin, nil, args...)
	v = verifiedAs(t, s, func(v *standing) bool { return len(v.Bad) > 0 })
	if v.Bad[0].Day != day || v.Through == nil || *v.Through >= day {
		t.Errorf("%+v", v)
	}
	s.Stop(t)
	if log := s.Stderr(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, day) {
		t.Errorf("not in the log:\n%s", log)
	}
	s = Start(t, bin, nil, "--data", dir, "--verify-background", "false")
	if out := Run(t, bin, nil, "status", "--server", s.URL); !strings.Contains(out.Stdout, "DIFFERS: "+day) {
		t.Errorf("%s%s", out.Stdout, out.Stderr)
	}
	s.Stop(t)
}

// standing is what the status tells of verification.
type standing struct {
	Through *string `json:"verified_through"`
	Days    int     `json:"closed_days"`
	Good    int     `json:"verified_days"`
	Bad     []struct {
		Day string `json:"day"`
	} `json:"differing_days"`
}

func verifiedAs(t *testing.T, s *Server, is func(*standing) bool) *standing {
	t.Helper()
	var status struct {
		Verify standing `json:"verify"`
	}
	deadline := time.Now().Add(2 * time.Minute)
	for ; !is(&status.Verify); time.Sleep(poll) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %+v", status.Verify)
		}
		reply, err := s.Get("/api/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		status.Verify = standing{}
		if err := json.Unmarshal(reply.Body, &status); err != nil {
			t.Fatal(err)
		}
	}
	return &status.Verify
}
