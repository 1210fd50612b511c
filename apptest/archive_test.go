package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/archive"
	"rollcall/archive/s3/s3test"
	"rollcall/simtest"
	"rollcall/store/mysql/mysqltest"
)

// duck asks DuckDB a question in SQL, in which ARCHIVE is the directory, and gives the rows as CSV.
func duck(t *testing.T, dir, sql string) string {
	t.Helper()
	const program = "import sys, duckdb; duckdb.sql(\"SET TimeZone='UTC'\"); duckdb.sql(sys.argv[1]).write_csv('/dev/stdout')"
	cmd := exec.CommandContext(t.Context(), "../.tools/duckdb/bin/python", "-c", program, strings.ReplaceAll(sql, "ARCHIVE", dir))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatal("the tests need DuckDB: scripts/services install")
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", sql, err, stderr.String())
	}
	return string(out)
}

// Plain SQL over the archive gives the figures that the program gives: real events, some of them twice, some with another
// content under their id, some too late.
func TestArchiveHasTheFigures(t *testing.T) {
	t.Parallel()
	bin, dir := binary(t), t.TempDir()
	data, kept := filepath.Join(dir, "data"), filepath.Join(dir, "archive")
	flags := []string{"--data", data, "--archive-dir", kept, "--late-horizon", "400d"}
	first := importFile(t, bin, data, append(flags[2:], "--dimensions", "campaign_id,age_group", "--timezone", "Asia/Seoul", journeyFile)...)
	again := MustRun(t, bin, []byte(`{"user_id":"1873","event_id":"cj-000002","time":"2017-05-05T00:00:00Z","campaign_id":"8"}
{"user_id":"906","time":"2015-01-01T00:00:00Z","campaign_id":"8"}
{"user_id":"new","event_id":"new","time":"2017-05-05T15:00:00Z","age_group":"65+"}
{"user_id":"new","event_id":"new","time":"2017-05-05T15:00:00Z","age_group":"65+"}
{"time":"2017-05-06","session_duration":2.5,"is_bounce":true,"is_new_user":1}
`), append([]string{"import", "-"}, flags...)...)
	if first.Accepted != 75_000 || !strings.Contains(again.Stdout, "duplicates   2") || !strings.Contains(again.Stdout, "too late     1") {
		t.Fatalf("%+v\n%s", first, again.Stdout)
	}
	out := MustRun(t, bin, nil, append([]string{"archive"}, flags...)...)
	if !strings.Contains(out.Stdout, "events   75,002, 2017-01-01 to 2018-01-01\ndropped  3\n") {
		t.Fatal(out.Stdout)
	}
	for _, group := range []string{"", "age_group", "campaign_id"} {
		args := []string{"query", "--from", "2017-01-01", "--to", "2018-01-03", "--metrics", "active_users,events", "--limit", "100000", "--format", "csv"}
		column := ""
		if group != "" {
			args, column = append(args, "--group-by", group), "coalesce("+group+", '(not set)') AS "+group+","
		}
		want := MustRun(t, bin, nil, append(args, flags[:2]...)...).Stdout
		// The program counts a session record without a user as its producer did: by is_new_user.
		got := duck(t, kept, `SELECT event_date AS bucket, `+column+` count(DISTINCT user_id) + count(*) FILTER (user_id IS NULL AND is_new_user) AS active_users,
			count(*) AS events FROM 'ARCHIVE/events/*/*.parquet' GROUP BY ALL ORDER BY ALL`)
		if sorted(got) != sorted(want) {
			t.Errorf("by %q: DuckDB and rollcall differ first in\n%s", group, difference(sorted(got), sorted(want)))
		}
	}
	got := duck(t, kept, `SELECT user_id, event_id, time, campaign_id, reason FROM 'ARCHIVE/dropped/*/*.parquet' ORDER BY time`)
	if want := "user_id,event_id,time,campaign_id,reason\n906,,2015-01-01 00:00:00+00,8,late\n1873,cj-000002,2017-05-05 00:00:00+00,8,duplicate\nnew,new,2017-05-05 15:00:00+00,,duplicate\n"; got != want {
		t.Errorf("dropped:\n%s", got)
	}
	got = duck(t, kept, `SELECT session_duration_ms, is_bounce, is_new_user, type FROM 'ARCHIVE/events/*/*.parquet' WHERE user_id IS NULL`)
	if want := "session_duration_ms,is_bounce,is_new_user,type\n2500,true,true,event\n"; got != want {
		t.Errorf("session record:\n%s", got)
	}
}

// sorted is CSV with its lines in order, without quotes and carriage returns.
func sorted(text string) string {
	all := strings.Split(strings.TrimSpace(strings.NewReplacer(`"`, "", "\r", "").Replace(text)), "\n")
	slices.Sort(all[1:])
	return strings.Join(all, "\n")
}

// difference is the first line in which two texts differ, of each of them.
func difference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return as[i] + "\n" + bs[i]
		}
	}
	return fmt.Sprintf("%d and %d lines", len(as), len(bs))
}

// noRowTwice fails when the directories show a row in two files.
func noRowTwice(t *testing.T, dir string) {
	t.Helper()
	if files, _ := filepath.Glob(dir + "/*/*/*.parquet"); len(files) == 0 {
		return
	}
	got := duck(t, dir, `SELECT count(*) - count(DISTINCT (log_shard, log_offset, log_row)) AS twice FROM read_parquet('ARCHIVE/*/*/*.parquet', union_by_name = true)`)
	if got != "twice\n0\n" {
		t.Errorf("rows in two files: %s", got)
	}
}

// A crash at each step of a pass and of a merge loses no row and doubles none, and no row is seen twice meanwhile.
func TestArchiveCrashAtEachStep(t *testing.T) {
	t.Parallel()
	bin, failing := binary(t), binary(t, "failpoint")
	config, flags := crashConfig()
	kept := filepath.Join(t.TempDir(), "archive")
	place := []string{"--data", filepath.Join(t.TempDir(), "data"), "--archive-dir", kept}
	flags = append(append(flags, place...), "--archive-interval", "100ms")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l := produce(ctx, t, config)
	for _, step := range archive.Steps {
		for _, n := range []string{"1", "2"} {
			s := Launch(t, failing, []string{"ROLLCALL_FAILPOINT=" + step + ":" + n}, flags...)
			if err := s.Ready(); err == nil {
				l.server.Store(&s.Client)
			}
			killedAt(t, s, step+":"+n, 4*patience) // eight passes of a shard come before its first merge
			noRowTwice(t, kept)
		}
	}
	s := Start(t, bin, nil, flags...)
	l.server.Store(&s.Client)
	stop()
	l.wait.Wait()
	exact(t, s, l, rand.New(rand.NewSource(*seed)))
	s.Stop(t)
	MustRun(t, bin, nil, append([]string{"archive"}, place...)...) // which compares it with the ledger
	noRowTwice(t, kept)
	w := l.world(time.Now())
	o := simtest.NewOracle(w.Config, w.Events)
	if got, want := duck(t, kept, `SELECT count(*) AS events FROM 'ARCHIVE/events/*/*.parquet'`), fmt.Sprintf("events\n%d\n", o.Accepted()); got != want {
		t.Errorf("DuckDB has %q, and accepted were %q", got, want)
	}
}

// TestVerifyFromArchive lets the log be trimmed over an archive, and the binary prove the figures from both, from the archive,
// and name what the archive has lost.
func TestVerifyFromArchive(t *testing.T) {
	t.Parallel()
	bin, dir := binary(t), t.TempDir()
	data, kept := filepath.Join(dir, "data"), filepath.Join(dir, "archive")
	flags := []string{"--archive-dir", kept, "--log-segment-bytes", "1MiB"}
	for range 2 { // the second time, all are duplicates
		importFile(t, bin, data, append(flags, "--dimensions", "campaign_id,age_group", journeyFile)...)
	}
	MustRun(t, bin, nil, append([]string{"archive", "--data", data}, flags...)...)
	if segments, _ := filepath.Glob(filepath.Join(data, "log", "*.seg")); len(segments) < 3 {
		t.Fatal(segments)
	} else if err := os.Remove(segments[0]); err != nil { // as retention does
		t.Fatal(err)
	}
	check := func(exit int, want string, args ...string) {
		t.Helper()
		out := Run(t, bin, nil, append([]string{"verify", "--data", data}, args...)...)
		if out.Exit != exit || !strings.Contains(out.Stdout+out.Stderr, want) {
			t.Errorf("verify %v: status %d, want %d and %q\n%s%s", args, out.Exit, exit, want, out.Stdout, out.Stderr)
		}
	}
	check(1, "trimmed", "--ledger-only")
	check(0, "The store is equal to the log", "--all", "--archive-dir", kept)
	check(0, "The store is equal to the log", "--all", "--from", "archive", "--archive-dir", kept)
	check(0, "The ledger is equal to the log", "--ledger-only", "--from", "both", "--archive-dir", kept)
	check(2, "--archive-dir", "--from", "archive")
	files, _ := filepath.Glob(kept + "/events/*/0-*.parquet")
	if err := os.Remove(files[len(files)/2]); err != nil {
		t.Fatal(err)
	}
	check(1, filepath.Base(files[len(files)/2]), "--ledger-only", "--from", "both", "--archive-dir", kept)
}

// TestArchiveOverS3 keeps the archive in a bucket: written, proved, read back, and without a secret in what is said.
func TestArchiveOverS3(t *testing.T) {
	t.Parallel()
	bin, data, server := binary(t), filepath.Join(t.TempDir(), "data"), s3test.Start(t)
	flags := []string{"--archive-dir", "s3://" + s3test.Bucket + "/rollcall", "--archive-endpoint", server.URL, "--archive-region", "us-east-1", "--archive-access-key", s3test.AccessKey}
	right, wrong := []string{"ROLLCALL_ARCHIVE_SECRET_KEY=" + s3test.SecretKey}, []string{"ROLLCALL_ARCHIVE_SECRET_KEY=not-the-secret"}
	importFile(t, bin, data, "--dimensions", "campaign_id,age_group", journeyFile)
	check := func(env []string, exit int, want string, args ...string) {
		t.Helper()
		out := RunWith(t, bin, env, append(append(args, "--data", data), flags...)...)
		said := out.Stdout + out.Stderr
		if out.Exit != exit || !strings.Contains(said, want) || strings.Contains(said, s3test.SecretKey) || strings.Contains(said, "not-the-secret") {
			t.Errorf("%v: status %d, want %d and %q\n%s", args, out.Exit, exit, want, said)
		}
	}
	check(wrong, 1, "it refuses the credentials", "archive")
	check(right, 0, "events   75,000, 2017-01-01 to 2018-01-01", "archive")
	check(right, 0, "The ledger is equal to the log", "verify", "--ledger-only", "--from", "both")
	check(right, 0, "secret_key: (hidden)", "config", "print")
	noRowTwice(t, filepath.Join(server.Dir, "rollcall"))
	if got := duck(t, filepath.Join(server.Dir, "rollcall"), "SELECT count(*) AS events FROM 'ARCHIVE/events/*/*.parquet'"); got != "events\n75000\n" {
		t.Error(got)
	}
}

// TestArchiveOfServers lets owners of shards come, go and be killed, and finds each event once in their archive.
func TestArchiveOfServers(t *testing.T) {
	t.Parallel()
	store := mysqltest.Start(t)
	for name, log := range logsOnServers() {
		t.Run(name, func(t *testing.T) {
			archiveOfServers(t, append(log(t), "--store-kind", "mysql", "--store-dsn", store.Database(t)))
		})
	}
}

func archiveOfServers(t *testing.T, servers []string) {
	bucket, d := s3test.Start(t), rand.New(rand.NewSource(*seed))
	w, flags := recent(t, d, "America/New_York")
	flags = append(append(flags, "--log-shards", "3", "--log-session-timeout", "2s", "--late-horizon", "0"), servers...)
	stored := []string{"--archive-dir", "s3://" + s3test.Bucket, "--archive-endpoint", bucket.URL, "--archive-region", "us-east-1", "--archive-access-key", s3test.AccessKey,
		"--archive-secret-key", s3test.SecretKey, "--archive-interval", "100ms"}
	if out := Run(t, binary(t), nil, append(append([]string{"serve"}, flags...), "--archive-dir", t.TempDir())...); out.Exit != 2 || !strings.Contains(out.Stderr, "s3://bucket/prefix") {
		t.Fatalf("a folder was taken: %d %s", out.Exit, out.Stderr)
	}
	p := startProcesses(t, append(flags, stored...))
	p.live(t, d, &w)
	last := Start(t, binary(t), nil, append([]string{"--roles", "aggregate"}, p.flags...)...)
	accepted := simtest.NewOracle(w.Config, w.Events).Accepted()
	sum := func(kind string) (n int) {
		for shard := range 3 {
			var m struct {
				Files []struct {
					Kind string `json:"kind"`
					Rows int    `json:"rows"`
				} `json:"files"`
			}
			body, err := os.ReadFile(filepath.Join(bucket.Dir, "manifest", fmt.Sprintf("shard-%d.json", shard)))
			if err == nil {
				err = json.Unmarshal(body, &m)
			}
			if err != nil {
				return 0
			}
			for _, f := range m.Files {
				if f.Kind == kind {
					n += f.Rows
				}
			}
		}
		return n
	}
	for end := time.Now().Add(patience); sum("events") < accepted; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the archive has %d events, not %d\n%s", sum("events"), accepted, last.Stderr())
		}
	}
	last.Stop(t)
	noRowTwice(t, bucket.Dir)
	if got, want := duck(t, bucket.Dir, "SELECT count(*) AS events FROM 'ARCHIVE/events/*/*.parquet'"), fmt.Sprintf("events\n%d\n", accepted); got != want {
		t.Errorf("DuckDB has %q, not %q", got, want)
	}
	for _, from := range []string{"log", "archive"} {
		if out := MustRun(t, binary(t), nil, append([]string{"verify", "--all", "--from", from}, p.flags...)...); !strings.Contains(out.Stdout, "The store is equal to the log") {
			t.Error(out.Stdout)
		}
	}
}

// An archive that can't be written is told in the status and the metrics, and is made good when it can.
func TestArchiveStatus(t *testing.T) {
	t.Parallel()
	bucket := s3test.Start(t)
	flags := []string{"--data", t.TempDir(), "--archive-dir", "s3://" + s3test.Bucket, "--archive-endpoint", bucket.URL, "--archive-region", "us-east-1",
		"--archive-access-key", s3test.AccessKey, "--archive-secret-key", s3test.SecretKey, "--archive-interval", "100ms"}
	s := Start(t, binary(t), nil, flags...)
	until := func(what string, good func(*archiveReport) bool) {
		t.Helper()
		for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			var r struct{ Archive *archiveReport }
			if err := json.Unmarshal([]byte(page(t, s, "/api/v1/status")), &r); err != nil {
				t.Fatal(err)
			}
			if r.Archive != nil && good(r.Archive) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %+v", what, r.Archive)
			}
		}
	}
	postLine(t, s, `{"user_id":"a","time":"2026-01-01T00:00:00Z"}`)
	until("archived", func(a *archiveReport) bool {
		return a.Events == 1 && a.Lag == 0 && a.Files == 1 && a.Bytes > 0 && a.Failed == ""
	})
	bucket.Kill()
	postLine(t, s, `{"user_id":"b","time":"2026-01-01T00:00:00Z"}`)
	until("failing", func(a *archiveReport) bool { return strings.Contains(a.Failed, "archive.endpoint") && a.Lag == 1 })
	metrics := page(t, s, "/metrics")
	for _, want := range []string{"rollcall_archive_failing 1", "rollcall_archive_events 1", "rollcall_archive_offset{shard="} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	s.Stop(t)
	s = Start(t, binary(t), nil, flags...)
	bucket.Run()
	until("made good", func(a *archiveReport) bool { return a.Events == 2 && a.Lag == 0 && a.Failed == "" })
	s.Stop(t)
}

// archiveReport is the archive's part of the status.
type archiveReport struct {
	Events, Lag, Bytes int64
	Files              int
	Failed             string
}

// page gets a page of a server.
func page(t *testing.T, s *Server, path string) string {
	t.Helper()
	r, err := s.Get(path, nil)
	if err != nil || r.Status != 200 {
		t.Fatalf("%s: %d %v", path, r.Status, err)
	}
	return string(r.Body)
}

func postLine(t *testing.T, s *Server, line string) {
	t.Helper()
	if a, err := s.Post([]byte(line), nil); err != nil || a.Accepted != 1 {
		t.Fatalf("%+v %v", a, err)
	}
}
