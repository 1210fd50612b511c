package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"rollcall/store"
	"rollcall/store/sqlite"
)

// hostile is a text that would clear a terminal, rename its window, run backwards, and begin a line of its own.
const hostile = "\x1b[2J\x1b]0;owned\a\u202egnp.exe\u2066\u009b31m\x00\x7f\r\n7  2026-01-01  fake\xff\xfe\u200b\U000e0041\"<script>"

// Nothing that others sent reaches a terminal but printable characters.
func TestHostileLetters(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	status, _, errs := invokeWith(t, "{}\n"+hostile, "import", "-", "--data", dir)
	if status != done {
		t.Fatalf("import: %d %s", status, errs)
	}
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "store.db"), Shards: 4, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	letter := store.DeadLetter{At: 1, Source: hostile, Reason: hostile, Detail: hostile, Raw: []byte(hostile)}
	if err := s.Quarantine(context.Background(), []store.DeadLetter{letter}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"list"}, {"list", "--counts"}, {"list", "--format", "json"}, {"list", "--counts", "--format", "json"}, {"replay"}, {"replay", "--format", "json"}} {
		status, out, errs := invoke(t, nil, append(append([]string{"quarantine"}, args...), "--data", dir)...)
		if status != done {
			t.Errorf("%v: %d %s", args, status, errs)
		}
		for _, r := range out + errs {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%v: %U in %q", args, r, out)
				break
			}
		}
		if !utf8.ValidString(out) || strings.Contains(out, "\n7  2026") {
			t.Errorf("%v: a line of the letter's own in %q", args, out)
		}
		if strings.Contains(strings.Join(args, " "), "json") {
			for line := range strings.Lines(out) {
				var v map[string]any
				if err := json.Unmarshal([]byte(line), &v); err != nil {
					t.Errorf("%v: %v", args, err)
				} else if source, is := v["source"].(string); is && !strings.HasPrefix(source, "stdin:") && source != strings.ToValidUTF8(hostile, "\ufffd\ufffd") {
					t.Errorf("%v: source %q", args, source)
				}
			}
		}
	}
}

func invokeWith(t *testing.T, in string, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = run(&world{ctx: t.Context(), in: strings.NewReader(in), out: &o, err: &e, logger: quiet()}, args)
	return status, o.String(), e.String()
}

// The commands of a fix: look, try, put in again, and be told what is left and why.
func TestQuarantineReplay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	lines := `{"uid":"a","time":"2026-11-01T00:00:00Z"}` + "\n" + `{"uid":"b","time":"never"}` + "\n" + "no json\n"
	if status, _, errs := invokeWith(t, lines, "import", "-", "--data", dir); status != done {
		t.Fatal(errs)
	}
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"--map nonsense", wrongUse, "--map"},
		{"--limit -1", wrongUse, "--limit"},
		{"--dry-run --map user_id=uid", done, "acceptable      1"},
		{"--map user_id=uid", done, "read            3\nreplayed        1\n  duplicates    0\nrejected again  1\n  invalid_time  1\nleft alone      1\n  no_json_object  1: lines of CSV"},
		{"--map user_id=uid", done, "read            2\nreplayed        0\n"},
		{"--map user_id=uid --format json", done, `"rejected_again":{"invalid_time":1},"left_alone":{"no_json_object":1},"interrupted":false}`},
		{"--help", done, "rollcall quarantine replay --dry-run"},
		{"--data " + t.TempDir(), failed, "there are no data"},
	} {
		status, out, errs := invoke(t, nil, append([]string{"quarantine", "replay", "--data", dir}, strings.Fields(c.args)...)...)
		if status != c.status || !strings.Contains(out+errs, c.want) {
			t.Errorf("%s: status %d, want %d and %q\n%s%s", c.args, status, c.status, c.want, out, errs)
		}
	}
	if out := must(t, "query", "--data", dir, "--metrics", "events,active_users", "--grain", "total", "--from", "2026-10-01", "--to", "2026-12-01", "--format", "csv"); !strings.Contains(out, "1,1") {
		t.Error(out)
	}
}

// A good event that would only be late stays, until there is a horizon that has it.
func TestReplayOfLateEvents(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	lines := `{"user_id":"a","time":"2026-11-20T00:00:00Z"}` + "\n" + `{"uid":"b","time":"2026-11-02T00:00:00Z"}` + "\n" + `{"uid":"b","time":"2026-11-13T00:00:00Z"}` + "\n"
	if status, _, errs := invokeWith(t, lines, "import", "-", "--data", dir, "--log-shards", "1"); status != done {
		t.Fatal(errs)
	}
	replay := func(horizon string) string {
		return must(t, "quarantine", "replay", "--data", dir, "--map", "user_id=uid", "--late-horizon", horizon, "--format", "json")
	}
	if out := replay("7d"); !strings.Contains(out, `"read":2,"replayed":1,"duplicates":0,"late":0,"rejected_again":{},"left_alone":{"would_be_too_late":1}`) {
		t.Error(out)
	}
	if out := replay("30d"); !strings.Contains(out, `"read":1,"replayed":1,"duplicates":0,"late":0,"rejected_again":{},"left_alone":{}`) {
		t.Error(out)
	}
}
