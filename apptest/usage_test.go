package apptest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Wrong use ends with the right status, and says what would have been right.
func TestUsageErrors(t *testing.T) {
	bin := binary(t)
	dir := filepath.Join(t.TempDir(), "data")
	good := `{"user_id":"u","time":"2025-01-01T00:00:00Z","campaign":"A"}` + "\n"
	MustRun(t, bin, []byte(good), "import", "--data", dir, "--dimensions", "campaign,age", "-")
	for _, c := range []struct {
		name string
		args []string
		exit int
		says []string
	}{
		{"command", []string{"quary"}, 2, []string{"quary"}},
		{"flag", []string{"query", "--data", dir, "--metric", "events"}, 2, []string{"--metric"}},
		{"metric", []string{"query", "--data", dir, "--metrics", "visits"}, 2, []string{"visits", "active_users", "events_per_session"}},
		{"grain", []string{"query", "--data", dir, "--grain", "year"}, 2, []string{"year", "month"}},
		{"dimension of filter", []string{"query", "--data", dir, "--filter", "colour=red"}, 2, []string{"colour", "campaign", "age"}},
		{"dimension of group", []string{"query", "--data", dir, "--group-by", "colour"}, 2, []string{"colour", "campaign", "age"}},
		{"column of order", []string{"query", "--data", dir, "--order", "colour"}, 2, []string{"colour"}},
		{"date", []string{"query", "--data", dir, "--from", "yesterday"}, 2, []string{"yesterday"}},
		{"limit", []string{"query", "--data", dir, "--limit", "-5"}, 2, []string{"limit"}},
		{"range backwards", []string{"query", "--data", dir, "--from", "2025-02-01", "--to", "2025-01-01"}, 2, []string{"from"}},
		{"minutes long gone", []string{"query", "--data", dir, "--grain", "minute", "--from", "2025-01-01", "--to", "2025-01-02"}, 2, []string{"minute"}},
		{"no such file", []string{"import", "--data", dir, "no-such-file.ndjson"}, 2, []string{"no-such-file.ndjson"}},
		{"other gap", []string{"import", "--data", dir, "--session-gap", "1h", os.DevNull}, 2, []string{"session_gap", "30m", "rollcall rebuild --session-gap 1h"}},
		{"time zone", []string{"query", "--data", dir, "--timezone", "Mars/Olympus"}, 2, []string{"Mars/Olympus"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := Run(t, bin, nil, c.args...)
			if out.Exit != c.exit {
				t.Errorf("exit status %d, want %d: %s", out.Exit, c.exit, out.Stderr)
			}
			for _, text := range c.says {
				if !strings.Contains(out.Stderr, text) {
					t.Errorf("%q does not say %q", out.Stderr, text)
				}
			}
			if out.Stdout != "" {
				t.Errorf("standard output: %q", out.Stdout)
			}
		})
	}
}

// A bad line is quarantined; the rest counts.
func TestImportBadLines(t *testing.T) {
	bin := binary(t)
	dir := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(t.TempDir(), "events.ndjson")
	text := `{"user_id":"u","time":"2025-01-01T00:00:00Z"}
{"user_id":"v","time":"2025-01-01T00:00:01Z"
{"time":"2025-01-01T00:00:00Z"}
{"user_id":"w","time":"soon"}

{"user_id":"x","time":1735689600}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := importFile(t, bin, dir, file); s != (summary{Read: 5, Accepted: 2, Quarantined: 3}) {
		t.Errorf("%+v", s)
	}
	out := MustRun(t, bin, nil, "query", "--data", dir, "--from", "2025-01-01", "--to", "2025-01-02", "--format", "json", "--metrics", "events,active_users")
	rows, err := Rows([]byte(out.Stdout))
	if err != nil || len(rows) != 1 || rows[0]["events"] != 2.0 || rows[0]["active_users"] != 2.0 {
		t.Errorf("%v, %v", rows, err)
	}
}
