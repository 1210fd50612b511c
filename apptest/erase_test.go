package apptest

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/archive"
	"rollcall/rebuild"
)

const leaver = "the-one-who-leaves"

// An erasure that is killed at any step leaves a directory that answers with the user or without, and is ended by the same command:
// then figures are those of a directory that never saw the user, it verifies, and no file has the id.
func TestEraseKilledAtEachStep(t *testing.T) {
	t.Parallel()
	bin, failing := binary(t), binary(t, "failpoint")
	var with, without bytes.Buffer
	for i := range 3000 {
		to, user := []*bytes.Buffer{&with, &without}, fmt.Sprintf("user-%d", i%40)
		if i%40 == 7 {
			to, user = to[:1], leaver
		}
		for _, b := range to {
			fmt.Fprintf(b, `{"user_id":%q,"time":"2026-10-%02dT%02d:%02d:00Z","event_id":"%s/%d","country":"C%d of %s"}`+"\n", user, 1+i/40%3, i%24, i%60, user, i/80, i%3, user)
		}
	}
	fmt.Fprintf(&with, `{"user_id":%q,"time":"no time"}`+"\n", leaver)
	base, plain := t.TempDir(), t.TempDir()
	place := func(dir string) []string {
		return []string{"--data", filepath.Join(dir, "data"), "--archive-dir", filepath.Join(dir, "archive")}
	}
	figures := func(dir string) string {
		return MustRun(t, bin, nil, append([]string{"query", "--from", "2026-10-01", "--to", "2026-10-05", "--group-by", "country",
			"--metrics", "active_users,new_users,sessions,events,bounces", "--format", "csv"}, place(dir)...)...).Stdout
	}
	MustRun(t, bin, with.Bytes(), append([]string{"import", "-", "--dimensions", "country"}, place(base)...)...)
	MustRun(t, bin, without.Bytes(), append([]string{"import", "-", "--dimensions", "country"}, place(plain)...)...)
	MustRun(t, bin, nil, append([]string{"archive"}, place(base)...)...)
	before, after := figures(base), figures(plain)
	s := Start(t, bin, nil, place(base)...)
	for _, do := range []string{"--yes", "--dry-run"} {
		if out := Run(t, bin, nil, append([]string{"erase", "--user", leaver, do}, place(base)...)...); out.Exit != 1 || !strings.Contains(out.Stderr, "end the process that holds") {
			t.Errorf("beside a server: %+v", out)
		}
	}
	s.Stop(t)
	steps := slices.Concat([]string{"erase.begun", "erase.settled", "erase.rebuilt", "erase.log", "erase.archive", "erase.searched", "erase.receipt"}, rebuild.Steps[:], archive.Steps[3:])
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), failing, append([]string{"erase", "--user", leaver, "--yes"}, place(dir)...)...)
			cmd.Env = environment("ROLLCALL_FAILPOINT=" + step + ":1")
			if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != -1 {
				t.Fatalf("%v, %v\n%s", err, cmd.ProcessState, out)
			}
			if got := figures(dir); got != before && got != after {
				t.Errorf("killed: figures\n%s", got)
			}
			MustRun(t, bin, nil, append([]string{"erase", "--yes"}, place(dir)...)...)
			if got := figures(dir); got != after {
				t.Errorf("figures\n%s\nwant\n%s", got, after)
			}
			MustRun(t, bin, nil, append([]string{"verify", "--all"}, place(dir)...)...)
			MustRun(t, bin, nil, append([]string{"archive"}, place(dir)...)...)
			nobodyHolds(t, dir, leaver)
		})
	}
}

// nobodyHolds fails for each file below a directory that has some bytes in it.
func nobodyHolds(t *testing.T, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if bytes.Contains(body, []byte(text)) {
			t.Errorf("%s holds %q", path, text)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
