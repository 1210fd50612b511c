package apptest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/simtest"
)

// demo starts rollcall demo and waits until it answers.
func demo(t *testing.T, dir string, args ...string) *Server {
	t.Helper()
	s := launch(t, binary(t), nil, "demo", append([]string{"--data", dir}, args...)...)
	if err := s.Ready(); err != nil {
		t.Fatalf("demo: %v\n%s", err, s.Stderr())
	}
	return s
}

// ask gives the rows of a query of the server.
func (s *Server) ask(t *testing.T, query string) []simtest.Row {
	t.Helper()
	params, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := s.Get("/api/v1/query", params)
	if err != nil || reply.Status != 200 {
		t.Fatalf("%s: %v: %s", query, err, reply.Body)
	}
	rows, err := Rows(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func (s *Server) accepted(t *testing.T) int64 {
	t.Helper()
	c, err := s.counts()
	if err != nil {
		t.Fatal(err)
	}
	return c.Accepted
}

// The demo shows its history and the last minutes at once, live traffic on top, and goes on when it is started again.
func TestDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	s := demo(t, dir, "--events", "60000", "--days", "30", "--rate", "200/s")
	if days := s.ask(t, "metrics=active_users,events"); len(days) < 29 || len(days) > 31 {
		t.Errorf("%d days", len(days))
	}
	if campaigns := s.ask(t, "metrics=sessions&grain=total&group_by=campaign_id"); len(campaigns) < 12 {
		t.Errorf("campaigns: %v", campaigns)
	}
	now := time.Now().UTC().Truncate(time.Minute)
	minutes := s.ask(t, fmt.Sprintf("metrics=active_users&grain=minute&from=%s&to=%s", now.Add(-30*time.Minute).Format(time.RFC3339), now.Format(time.RFC3339)))
	if len(minutes) < 5 {
		t.Errorf("minutes before the demo began: %v", minutes)
	}
	before := s.accepted(t)
	if err := s.Until(func() (bool, error) { return s.accepted(t) > before+400, nil }); err != nil {
		t.Errorf("no live traffic on top of %d events: %v", before, err)
	}
	if text := s.Stderr(); before < 58_000 || !strings.Contains(text, "    "+s.URL+"/\n") || !strings.Contains(text, "--server "+s.URL) {
		t.Errorf("%d events; it said\n%s", before, text)
	}
	s.Stop(t)
	letters := MustRun(t, binary(t), nil, "quarantine", "list", "--data", dir).Stdout
	for _, reason := range []string{"missing_user_id", "invalid_time", "invalid_json", "user_id_too_long", "missing_time", "not_an_object"} {
		if !strings.Contains(letters, reason) {
			t.Errorf("no %s in quarantine:\n%s", reason, letters)
		}
	}
	s = demo(t, dir, "--rate", "0")
	if n := s.accepted(t); n < before+400 || !strings.Contains(s.Stderr(), "going on with") {
		t.Errorf("%d events after the second start, %d before; it said\n%s", n, before, s.Stderr())
	}
	s.Stop(t)
}

// --fresh deletes what a demo has made and nothing else, and not while a demo is at work.
func TestDemoFresh(t *testing.T) {
	bin, dir := binary(t), filepath.Join(t.TempDir(), "demo")
	small := []string{"--events", "20000", "--days", "10", "--rate", "0", "--fresh"}
	s := demo(t, dir, small...)
	if out := Run(t, bin, nil, "demo", "--fresh", "--data", dir); out.Exit != 1 || !strings.Contains(out.Stderr, s.URL) {
		t.Errorf("--fresh beside a demo: %+v", out)
	}
	s.Stop(t)
	note := filepath.Join(dir, "note.txt")
	if err := os.WriteFile(note, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := Run(t, bin, nil, "demo", "--fresh", "--data", dir); out.Exit != 2 {
		t.Errorf("--fresh of a demo with something else in it: %+v", out)
	}
	if err := os.Remove(note); err != nil {
		t.Errorf("it deleted what is not of a demo: %v", err)
	}
	s = demo(t, dir, append(small, "--seed", "9", "--dimensions", "device")...)
	if rows := s.ask(t, "metrics=active_users&grain=total&group_by=device"); len(rows) != 3 {
		t.Errorf("devices: %v", rows)
	}
	s.Stop(t)
	other := filepath.Join(t.TempDir(), "data")
	MustRun(t, bin, []byte(`{"user_id":"u","time":"2025-01-01T00:00:00Z"}`), "import", "--data", other, "-")
	for _, args := range [][]string{{"demo", "--data", other}, {"demo", "--data", other, "--fresh"}} {
		if out := Run(t, bin, nil, args...); out.Exit != 2 || !strings.Contains(out.Stderr, "not of a demo") {
			t.Errorf("%v: %+v", args, out)
		}
	}
	if out := MustRun(t, bin, nil, "status", "--data", other); !strings.Contains(out.Stdout, "1") {
		t.Errorf("the data are gone: %s", out.Stdout)
	}
}

// A demo that is killed while it makes its history goes on where it was, to the same figures.
func TestDemoGoesOnWithItsHistory(t *testing.T) {
	args := []string{"--events", "200000", "--days", "40", "--until", "2026-11-01T12:00:00Z", "--rate", "0"}
	question := "metrics=active_users,sessions,events,bounces&from=2026-09-01&to=2026-11-02&group_by=campaign_id"
	whole := demo(t, filepath.Join(t.TempDir(), "whole"), args...)
	want := whole.ask(t, question)
	whole.Stop(t)
	dir := filepath.Join(t.TempDir(), "broken")
	s := launch(t, binary(t), nil, "demo", append([]string{"--data", dir}, args...)...)
	segment := filepath.Join(dir, "log", "00000000000000000001.seg")
	if err := s.Until(func() (bool, error) {
		info, err := os.Stat(segment)
		return err == nil && info.Size() > 1<<20, nil
	}); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	s = demo(t, dir)
	if got := s.ask(t, question); len(got) != len(want) || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%d rows, want %d, or other figures", len(got), len(want))
	}
	s.Stop(t)
}
