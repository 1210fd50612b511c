package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// visits are events of a few users over three days; those of the leaver are in among them, or left out.
func visits(with bool) string {
	var b strings.Builder
	for i := range 400 {
		user := fmt.Sprintf("user-%d", i%9)
		if i%9 == 4 {
			if user = leaver; !with {
				continue
			}
		}
		fmt.Fprintf(&b, `{"user_id":%q,"time":"2026-10-%02dT%02d:%02d:00Z","event_id":"%s/%d","country":"%s of %s"}`+"\n", user, 1+i/9%3, i%24, i%60, user, i/18, []string{"A", "B"}[i%2], user)
	}
	if with {
		fmt.Fprintf(&b, `{"user_id":%q,"time":"no time"}`+"\n", leaver)
	}
	b.WriteString(`{"user_id":"user-1","time":"no time"}` + "\n")
	return b.String()
}

const leaver = "the-one-who-leaves"

// everyFigure is what a directory answers, but for when.
func everyFigure(t *testing.T, dir string) string {
	t.Helper()
	var all string
	for _, grain := range []string{"hour", "day", "total"} {
		all += must(t, "query", "--data", dir, "--from", "2026-10-01", "--to", "2026-12-01", "--grain", grain, "--group-by", "country",
			"--metrics", "active_users,new_users,sessions,events,bounces,total_session_duration", "--format", "csv")
	}
	return all
}

// holders are the files below a directory with these bytes in them or in their names.
func holders(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if bytes.Contains(body, []byte(text)) || strings.Contains(path, text) {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestErase: after it the directory answers as one into which the user's events never came, verifies, and has no byte of the id;
// the receipt tells what was done to who knows the id, and names nobody.
func TestErase(t *testing.T) {
	dir, plain, arch := t.TempDir()+"/data", t.TempDir()+"/data", t.TempDir()
	must(t, "import", "--data", dir, "--dimensions", "country", writeTemp(t, "with.ndjson", visits(true)))
	must(t, "import", "--data", plain, "--dimensions", "country", writeTemp(t, "without.ndjson", visits(false)))
	must(t, "archive", "--data", dir, "--archive-dir", arch)
	want := everyFigure(t, plain)
	if everyFigure(t, dir) == want || len(holders(t, dir, leaver)) == 0 {
		t.Fatal("the events of the leaver change nothing")
	}
	for _, args := range [][]string{{"--user", leaver}, {"--yes"}, {"--user", "", "--yes"}, {"--user", strings.Repeat("x", 257), "--yes"}, {"--dry-run"}} {
		if status, _, _ := invoke(t, nil, append([]string{"erase", "--data", dir}, args...)...); status != wrongUse {
			t.Errorf("%q: status %d", args, status)
		}
	}
	var dry found
	unmarshal(t, must(t, "erase", "--data", dir, "--archive-dir", arch, "--user", leaver, "--dry-run", "--format", "json"), &dry)
	if dry.Events != 44 || dry.Archived+dry.ArchiveDropped != 44 || dry.ArchiveDropped < 20 || dry.Letters != 1 || len(dry.Days) != 3 {
		t.Errorf("counted %+v", dry)
	}
	ids := writeTemp(t, "ids", leaver+"\r\n\nnobody, really\n")
	var r receipt
	unmarshal(t, must(t, "erase", "--data", dir, "--archive-dir", arch, "--user-file", ids, "--yes", "--format", "json"), &r)
	sum := sha256.Sum256([]byte(r.Salt + leaver))
	if fmt.Sprint(r.Removed) != fmt.Sprint(dry) || !r.Verified || r.Archive != "equal" || len(r.Users) != 2 || r.Users[1] != hex.EncodeToString(sum[:]) && r.Users[0] != hex.EncodeToString(sum[:]) {
		t.Errorf("receipt %+v", r)
	}
	if got := everyFigure(t, dir); got != want {
		t.Errorf("figures\n%s\nwant\n%s", got, want)
	}
	must(t, "verify", "--data", dir, "--all")
	must(t, "archive", "--data", dir, "--archive-dir", arch)
	for _, d := range []string{dir, arch} {
		if names := holders(t, d, leaver); len(names) > 0 {
			t.Errorf("the id is in %v", names)
		}
	}
	if out := must(t, "quarantine", "list", "--data", dir); !strings.Contains(out, "user-1") {
		t.Errorf("the letters of others: %s", out)
	}
	if status, _, errs := invoke(t, nil, "erase", "--data", dir, "--user", leaver, "--yes"); status != failed || !strings.Contains(errs, "nothing of these users") {
		t.Errorf("erased again: status %d, %s", status, errs)
	}
	must(t, "import", "--data", dir, writeTemp(t, "again.ndjson", visits(true)))
	if names := holders(t, dir, leaver); len(names) == 0 {
		t.Error("who was erased can't come back")
	}
}

func unmarshal(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// What comes in while an erasure is cut off, after the figures were made anew, is erased too, from these as from the log.
func TestEraseWithMoreInBetween(t *testing.T) {
	dir, plain := t.TempDir()+"/data", t.TempDir()+"/data"
	must(t, "import", "--data", dir, "--dimensions", "country", writeTemp(t, "with.ndjson", visits(true)))
	must(t, "import", "--data", plain, "--dimensions", "country", writeTemp(t, "without.ndjson", visits(false)))
	s := newSettings()
	cfg, err := s.config([]string{"ROLLCALL_DATA=" + dir})
	if err == nil {
		err = adoptActive(&cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := &erasure{world: &world{ctx: t.Context(), out: io.Discard, err: io.Discard, logger: quiet()}, cfg: cfg, intent: &intent{Users: []string{leaver}}, rebuild: rebuildWithout,
		step: func(name string) {
			if name == "erase.rebuilt" {
				panic(name)
			}
		}}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it was not cut off")
			}
		}()
		_, _ = w.run()
	}()
	more := strings.ReplaceAll(visits(true), "2026-10", "2026-11")
	must(t, "import", "--data", dir, writeTemp(t, "more.ndjson", more))
	must(t, "import", "--data", plain, writeTemp(t, "less.ndjson", strings.ReplaceAll(visits(false), "2026-10", "2026-11")))
	must(t, "erase", "--data", dir, "--yes")
	must(t, "verify", "--data", dir, "--all")
	if got, want := everyFigure(t, dir), everyFigure(t, plain); got != want {
		t.Errorf("figures\n%s\nwant\n%s", got, want)
	}
	if names := holders(t, dir, leaver); len(names) > 0 {
		t.Errorf("the id is in %v", names)
	}
}
