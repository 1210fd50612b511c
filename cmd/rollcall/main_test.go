package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(childImport) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

const journey = "../../testdata/completejourney/events.ndjson.gz"

// must runs a command that has to succeed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errs := invoke(t, nil, args...)
	if status != done {
		t.Fatalf("rollcall %s: status %d\n%s%s", strings.Join(args, " "), status, out, errs)
	}
	return out
}

func summary(t *testing.T, out string) (s imported) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return s
}

// sample is a file of 20,000 events of five days, made once for each test that wants it.
func sample(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sample.ndjson.zst")
	must(t, "generate", "--events", "20000", "--users", "3000", "--days", "5", "--until", "2026-11-01", "-o", file)
	return file
}

// realEvents writes the first n events of the real ones into a file, and counts their users.
func realEvents(t *testing.T, n int) (file string, users int) {
	t.Helper()
	f, err := os.Open(journey)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var body strings.Builder
	seen, lines := map[string]bool{}, bufio.NewScanner(unpacked)
	for range n {
		lines.Scan()
		var ev struct {
			UserID string `json:"user_id"`
		}
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			t.Fatal(err)
		}
		seen[ev.UserID] = true
		body.WriteString(lines.Text() + "\n")
	}
	return writeTemp(t, "real.ndjson", body.String()), len(seen)
}

// Real events: every one counts once, however often they are imported.
func TestImportAndQuery(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	file, users := realEvents(t, 15_000)
	s := summary(t, must(t, "import", file, "--data", dir, "--dimensions", "campaign_id,age_group", "--format", "json"))
	if s.Read != 15_000 || s.Accepted != 15_000 || s.Duplicates != 0 || s.Quarantined != 0 {
		t.Fatalf("%+v", s)
	}
	out := must(t, "import", file, "--data", dir)
	if !strings.Contains(out, "nothing new") || !strings.Contains(out, "duplicates   15,000") {
		t.Fatal(out)
	}
	out = must(t, "query", "--data", dir, "--from", "2017-01-01", "--to", "2018-02-01", "--grain", "total", "--metrics", "active_users,events", "--format", "csv")
	if !strings.Contains(out, fmt.Sprintf("total,%d,15000", users)) {
		t.Fatal(out)
	}
}

func TestQueryToFile(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "answer")
	must(t, "import", sample(t), "--data", dir, "--dimensions", "campaign_id,age_group")
	ask := []string{"query", "--data", dir, "--from", "2026-10-01", "--to", "2026-11-02", "--group-by", "age_group", "--limit", "2", "--everything-else=true",
		"--compare", "previous_period", "--metrics", "active_users"}
	for format, begins := range map[string]string{"table": "bucket ", "json": `{"rows":[`, "csv": "bucket,age_group,active_users,active_users_previous,active_users_change\r\n", "parquet": "PAR1"} {
		args := append(slices.Clone(ask), "--format", format)
		out := must(t, args...)
		if rest := must(t, append(args, "-o", file)...); rest != "" {
			t.Errorf("%s: %q besides the file", format, rest)
		}
		written, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(written), begins) || !strings.HasPrefix(out, begins) {
			t.Errorf("%s: %v, %.60q, %.60q", format, err, written, out)
		}
		if format == "csv" && (string(written) != out || !strings.Contains(out, ",(everything else),")) {
			t.Errorf("%s", out)
		}
	}
	if left, err := filepath.Glob(file + ".*"); err != nil || len(left) > 0 {
		t.Errorf("%v is left over, %v", left, err)
	}
	status, _, errs := invoke(t, nil, append(ask, "--format", "csv", "-o", filepath.Join(dir, "no", "such"))...)
	if status == 0 || !strings.Contains(errs, "such") {
		t.Errorf("%d %s", status, errs)
	}
}

func TestCompactionChangesNoFigure(t *testing.T) {
	dir := t.TempDir()
	must(t, "import", sample(t), "--data", dir, "--dimensions", "campaign_id,age_group")
	ask := []string{"query", "--data", dir, "--from", "2026-10-01", "--to", "2026-11-02", "--group-by", "age_group", "--format", "csv"}
	before := must(t, ask...)
	must(t, "compact", "--data", dir)
	if after := must(t, ask...); after != before || strings.Count(after, "2026-10-") < 30 {
		t.Fatalf("before\n%s\nafter\n%s", before, after)
	}
	if out := must(t, "status", "--data", dir); !strings.Contains(out, "20,000") {
		t.Fatal(out)
	}
}

func TestLastingSettingsAreKept(t *testing.T) {
	dir := t.TempDir()
	file := writeTemp(t, "a.ndjson", `{"user_id":"u","time":"2026-11-01T00:10:00Z","c":"x"}`+"\n")
	must(t, "import", file, "--data", dir, "--dimensions", "c", "--timezone", "Asia/Seoul")
	if out := must(t, "query", "--data", dir, "--from", "2026-11-01", "--to", "2026-11-02", "--group-by", "c", "--metrics", "events", "--format", "csv"); !strings.Contains(out, "2026-11-01,x,1") {
		t.Fatal(out)
	}
	for _, change := range [][]string{{"--timezone", "UTC"}, {"--session-gap", "1h"}, {"--log-shards", "8"}, {"--passive-types", "x"}} {
		status, _, errs := invoke(t, nil, append([]string{"import", file, "--data", dir}, change...)...)
		if status != wrongUse || !strings.Contains(errs, "were made with") {
			t.Errorf("%v: %d %s", change, status, errs)
		}
	}
}

// Other dimensions are recorded from the moment they are configured, and in the figures after a rebuild; what was recorded
// before has none.
func TestDimensionsChange(t *testing.T) {
	dir := t.TempDir()
	event := func(user, more string) string {
		return writeTemp(t, user+".ndjson", `{"user_id":"`+user+`","time":"2026-11-01T00:10:00Z","c":"x"`+more+"}\n")
	}
	must(t, "import", event("u", `,"d":"lost"`), "--data", dir, "--dimensions", "c")
	status, _, errs := invoke(t, nil, "import", event("v", `,"d":"y"`), "--data", dir, "--dimensions", "c,d")
	if status != done || !strings.Contains(errs, "after rollcall rebuild") {
		t.Fatalf("%d %s", status, errs)
	}
	question := []string{"query", "--data", dir, "--from", "2026-11-01", "--to", "2026-11-02", "--metrics", "events", "--format", "csv", "--group-by"}
	if out := must(t, append(question, "c")...); !strings.Contains(out, "2026-11-01,x,2") {
		t.Fatal(out)
	}
	must(t, "rebuild", "--data", dir, "--dimensions", "c,d")
	if out := must(t, append(question, "d")...); !strings.Contains(out, "2026-11-01,(not set),1") || !strings.Contains(out, "2026-11-01,y,1") {
		t.Fatal(out)
	}
	must(t, "rollback", "--data", dir)
	if status, _, errs := invoke(t, nil, append(question, "d")...); status != wrongUse || !strings.Contains(errs, "d") {
		t.Fatalf("%d %s", status, errs)
	}
	must(t, "rebuild", "--data", dir, "--dimensions", "d")
	if out := must(t, append(question, "d")...); !strings.Contains(out, "2026-11-01,y,1") {
		t.Fatal(out)
	}
	must(t, "verify", "--all", "--data", dir)
}

// A renamed dimension keeps what was recorded under its old name, in the figures in use until the rebuild, and in the new ones.
func TestDimensionIsRenamed(t *testing.T) {
	dir := t.TempDir()
	event := func(user, field string) string {
		return writeTemp(t, user+".ndjson", `{"user_id":"`+user+`","time":"2026-11-01T00:10:00Z","`+field+`":"x"}`+"\n")
	}
	must(t, "import", event("u", "country"), "--data", dir, "--dimensions", "country")
	must(t, "import", event("v", "nation"), "--data", dir, "--dimensions", "nation", "--renamed", "nation=country")
	question := []string{"query", "--data", dir, "--from", "2026-11-01", "--to", "2026-11-02", "--metrics", "active_users", "--format", "csv", "--group-by"}
	if out := must(t, append(question, "country")...); !strings.Contains(out, "2026-11-01,x,2") {
		t.Fatal(out)
	}
	must(t, "rebuild", "--data", dir, "--dimensions", "nation", "--renamed", "nation=country")
	must(t, "import", event("w", "nation"), "--data", dir)
	if out := must(t, append(question, "nation")...); !strings.Contains(out, "2026-11-01,x,3") {
		t.Fatal(out)
	}
	must(t, "verify", "--all", "--data", dir)
	must(t, "rollback", "--data", dir)
	if out := must(t, append(question, "country")...); !strings.Contains(out, "2026-11-01,x,2") || !strings.Contains(out, "(not set),1") {
		t.Fatal(out) // what was recorded since under the new name is not known to the old build
	}
}

func TestBadLinesOfAFile(t *testing.T) {
	file := writeTemp(t, "bad.csv", "visitorid,time\nu1,2026-11-01T00:00:00Z\n,2026-11-01T00:00:00Z\nu2,never\n")
	dir := t.TempDir()
	args := []string{"import", file, "--data", dir, "--map", "user_id=visitorid"}
	status, out, errs := invoke(t, nil, args...)
	if status != done || !strings.Contains(out, "quarantined  2") || !strings.Contains(errs, "note: 2 lines") {
		t.Fatalf("%d %s %s", status, out, errs)
	}
	if out := must(t, "quarantine", "list", "--data", dir); !strings.Contains(out, "bad.csv:") || !strings.Contains(out, "never") {
		t.Fatal(out)
	}
	if out := must(t, "quarantine", "list", "--reason", "invalid_time", "--data", dir); strings.Contains(out, "missing_user_id") || !strings.Contains(out, "u2,never") {
		t.Fatal(out)
	}
	if out := must(t, "quarantine", "list", "--counts", "--data", dir); !strings.Contains(out, "invalid_time     1") || !strings.Contains(out, "missing_user_id  1") {
		t.Fatal(out)
	}
	if out := must(t, "status", "--data", dir); !strings.Contains(out, `2: "invalid_time" 1, "missing_user_id" 1`) {
		t.Error(out)
	}
	if status, _, errs := invoke(t, nil, append(args, "--strict")...); status != failed || !strings.Contains(errs, "--strict") {
		t.Fatalf("%d %s", status, errs)
	}
}

func TestWrongUse(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		want int
		text string
	}{
		{[]string{"frobnicate"}, wrongUse, "frobnicate"},
		{[]string{"import"}, wrongUse, "name the files"},
		{[]string{"import", filepath.Join(empty, "none")}, wrongUse, "none"},
		{[]string{"import", empty}, wrongUse, "directory"},
		{[]string{"query", "--data", filepath.Join(empty, "none")}, failed, "no data"},
		{[]string{"serve", "--session-gap", "soon"}, wrongUse, "--session-gap"},
		{[]string{"generate", "--users", "0"}, wrongUse, "users"},
		{[]string{"generate", "--until", "someday"}, wrongUse, "--until"},
		{[]string{"generate", "--rate", "fast"}, wrongUse, "--rate"},
		{[]string{"status", "--server", "http://127.0.0.1:1"}, failed, "127.0.0.1:1"},
	} {
		status, out, errs := invoke(t, nil, c.args...)
		if status != c.want || !strings.Contains(out+errs, c.text) {
			t.Errorf("%v: %d, want %d: %s%s", c.args, status, c.want, out, errs)
		}
	}
	for _, args := range [][]string{{"--help"}, {"import", "--help"}, {"version"}} {
		if status, out, errs := invoke(t, nil, args...); status != done || out == "" {
			t.Errorf("%v: %d %s", args, status, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(empty, "none")); err == nil {
		t.Error("a query made a data directory")
	}
}

func TestEveryCommandHasExamples(t *testing.T) {
	for _, command := range []string{"serve", "import", "query", "status", "generate", "demo", "compact", "bench", "quarantine list", "config check", "config print"} {
		if _, out, _ := invoke(t, nil, append(strings.Fields(command), "--help")...); strings.Count(out, "rollcall "+command) < 2 {
			t.Errorf("%s: no examples in its help", command)
		}
	}
}

func TestGenerateToFilesAndBack(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.ndjson", "a.ndjson.gz", "a.ndjson.zst"} {
		file, data := filepath.Join(dir, name), filepath.Join(dir, name+"-data")
		must(t, "generate", "--events", "20000", "--users", "5000", "--days", "3", "--until", "2026-11-01", "--duplicates", "0.05", "-o", file)
		s := summary(t, must(t, "import", file, "--data", data, "--dimensions", "campaign_id,age_group", "--format", "json"))
		if s.Accepted != 20_000 || s.Duplicates < 800 || s.Duplicates > 1200 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	must(t, "generate", "--events", "5000", "--users", "500", "--days", "3", "--until", "2026-11-01", "--log", "--data", filepath.Join(dir, "log-data"))
	out := must(t, "query", "--data", filepath.Join(dir, "log-data"), "--from", "2026-10-01", "--to", "2026-11-02", "--grain", "total", "--metrics", "events", "--format", "csv")
	if !strings.Contains(out, "total,5000") {
		t.Error(out)
	}
}

// buffer is a bytes.Buffer that two goroutines may use, and tells when a text has come.
type buffer struct {
	mu   sync.Mutex
	b    bytes.Buffer
	more chan struct{}
}

func newBuffer() *buffer { return &buffer{more: make(chan struct{}, 1)} }

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// await gives the first group of a pattern as soon as it is written.
func (b *buffer) await(t *testing.T, pattern string, ended <-chan int) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for {
		if m := re.FindStringSubmatch(b.String()); m != nil {
			return m[1]
		}
		select {
		case <-b.more:
		case status := <-ended:
			t.Fatalf("ended with %d: %s", status, b)
		case <-time.After(time.Minute):
			t.Fatalf("no %s in %s", pattern, b)
		}
	}
}

// startServer runs a serving command; stop ends it and gives its status.
func startServer(t *testing.T, args ...string) (address string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	errs, ended := newBuffer(), make(chan int, 1)
	go func() {
		ended <- run(&world{ctx: ctx, in: strings.NewReader(""), out: io.Discard, err: errs, logger: quiet()}, append(args, "--listen", "127.0.0.1:0"))
	}()
	address = errs.await(t, `listening on (http://\S+)`, ended)
	return address, func() int {
		cancel()
		return <-ended
	}
}

func TestServe(t *testing.T) {
	dir := t.TempDir()
	file := sample(t)
	address, stop := startServer(t, "serve", "--data", dir, "--dimensions", "campaign_id,age_group")
	for _, want := range []string{"accepted     20,000", "nothing new"} {
		if out := must(t, "import", file, "--server", address); !strings.Contains(out, want) {
			t.Fatal(out)
		}
	}
	ask := []string{"query", "--from", "2026-10-01", "--to", "2026-11-02", "--grain", "week", "--group-by", "age_group", "--format", "csv"}
	live := must(t, append(ask, "--server", address)...)
	if out := must(t, "status", "--server", address, "--format", "json"); !strings.Contains(out, `"accepted": 20000`) {
		t.Fatal(out)
	}
	if out := must(t, "query", "--server", address, "--from", "2026-10-01", "--to", "2026-11-02", "--grain", "total", "--metrics", "events"); !strings.Contains(out, "20000") {
		t.Fatal(out)
	}
	if status, _, errs := invoke(t, nil, "query", "--data", dir); status != failed || !strings.Contains(errs, "--server "+address) {
		t.Fatalf("%d %s", status, errs)
	}
	if status, _, errs := invoke(t, nil, "query", "--server", address, "--metrics", "nonsense"); status != wrongUse || !strings.Contains(errs, "active_users") {
		t.Fatalf("%d %s", status, errs)
	}
	if status := stop(); status != done {
		t.Fatalf("status %d", status)
	}
	if direct := must(t, append(ask, "--data", dir)...); direct != live {
		t.Fatalf("the server answered\n%s\nthe directory\n%s", live, direct)
	}
	if _, err := os.Stat(filepath.Join(dir, servedAt)); err == nil {
		t.Error("the address outlived the server")
	}
	http.DefaultClient.CloseIdleConnections()
}

// An interrupted import leaves what it took committed, and goes on.
func TestInterruptedImport(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.ndjson")
	must(t, "generate", "--events", "300000", "--users", "50000", "--days", "4", "--until", "2026-11-01", "-o", file)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // interrupt as soon as something is in the log
		for ctx.Err() == nil {
			if info, err := os.Stat(filepath.Join(dir, "data", "log", "00000000000000000001.seg")); err == nil && info.Size() > 1<<20 {
				cancel()
			}
		}
	}()
	var out, errs bytes.Buffer
	args := []string{"import", file, "--data", filepath.Join(dir, "data"), "--dimensions", "campaign_id,age_group", "--format", "json"}
	if status := run(&world{ctx: ctx, out: &out, err: &errs, logger: quiet()}, args); status != failed || !strings.Contains(errs.String(), "run the same command again") {
		t.Fatalf("%d %s %s", status, &out, &errs)
	}
	first := summary(t, out.String())
	second := summary(t, must(t, args...))
	if first.Accepted == 0 || first.Accepted+second.Accepted != 300_000 || second.Duplicates != 0 {
		t.Fatalf("%+v %+v", first, second)
	}
}

func TestMeterLine(t *testing.T) {
	m := &meter{total: 1000, events: func() int64 { return 100 }, start: time.Now().Add(-10 * time.Second)}
	if got := m.line(); got != "100 of 1,000, 10 events/s, 1m30s left" && got != "100 of 1,000, 9 events/s, 1m30s left" {
		t.Error(got)
	}
	m.total, m.bytes = 0, true
	m.read.Store(100)
	if got := m.line(); !strings.HasPrefix(got, "100 B, ") {
		t.Error(got)
	}
}

func TestRateReachesTheClock(t *testing.T) {
	var made int
	err := paced(t.Context(), 1e6, 100_000, func(n int) error { made += n; return nil })
	if err != nil || made != 100_000 {
		t.Fatal(made, err)
	}
	if err := paced(t.Context(), 1e6, 0, func(int) error { return fmt.Errorf("stop") }); err == nil {
		t.Fatal("an error of emit was swallowed")
	}
}
