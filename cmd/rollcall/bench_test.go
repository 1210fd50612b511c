package main

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A percentile is the smallest sample that at least that part of all samples does not exceed.
func TestPercentile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 250; n++ {
		samples := make([]time.Duration, n)
		for i := range samples {
			samples[i] = time.Duration(rng.IntN(50))
		}
		sorted := slices.Sorted(slices.Values(samples))
		for _, percent := range []int{50, 90, 99, 100} {
			want := time.Duration(-1)
			for _, s := range sorted {
				within := 0
				for _, other := range samples {
					if other <= s {
						within++
					}
				}
				if 100*within >= percent*n {
					want = s
					break
				}
			}
			if got := percentile(sorted, float64(percent)/100); got != want {
				t.Fatalf("p%d of %v is %d, want %d", percent, sorted, got, want)
			}
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Error(got)
	}
}

func benched(t *testing.T, args ...string) (r benchReport) {
	t.Helper()
	args = append([]string{"bench", "--connections", "4", "--format", "json"}, args...)
	if !slices.Contains(args, "--duration") {
		args = append(args, "--duration", "20ms")
	}
	out := must(t, args...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return r
}

// sampleData is a directory with the events of sample, by these dimensions.
func sampleData(t *testing.T, dims string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	must(t, "import", sample(t), "--data", dir, "--dimensions", dims)
	return dir
}

func (s *spread) rises() bool { return 0 < s.Max && s.P50 <= s.P90 && s.P90 <= s.P99 && s.P99 <= s.Max }

func TestBench(t *testing.T) {
	dir := sampleData(t, "age_group,campaign_id")
	r := benched(t, "--data", dir)
	if len(r.Figures) != 3*len(questionNames()) || r.From != "2026-10-27" || r.To != "2026-11-01" {
		t.Fatalf("%d figures, %s to %s", len(r.Figures), r.From, r.To)
	}
	rows := map[string]int{"days": 5, "cell": 5, "distinct": 1, "mau": 5, "trailing_by": 35, "report": 5}
	for _, f := range r.Figures {
		inProcess := f.Mode != modeRepeated
		if f.Plain.N < leastRuns || f.Bytes == 0 || !f.Plain.Reply.rises() || f.Ingest != nil || (f.Plain.Answer != nil) != inProcess {
			t.Errorf("%+v", f)
		}
		if want, ok := rows[f.Question]; ok && f.Rows != want {
			t.Errorf("%s has %d rows, want %d", f.Question, f.Rows, want)
		}
		if (f.Plain.PerSecond > 0) == inProcess {
			t.Errorf("%s, %s: %g a second", f.Question, f.Mode, f.Plain.PerSecond)
		}
	}
	if !strings.Contains(r.Figures[2].Text, "per day and campaign_id") {
		t.Errorf("the dimension with the most values is not broken down by: %s", r.Figures[2].Text)
	}
}

func TestBenchTable(t *testing.T) {
	dir := sampleData(t, "campaign_id")
	out := must(t, "bench", "--data", dir, "--duration", "10ms", "--runs", "5", "--mode", "warm,cold", "--questions", "cell,days,search")
	for _, want := range []string{"2026-10-27 to 2026-11-01", "warm  rows", "cold  rows", "days", "reply p50", "note: cell is left out: it needs 2 dimensions", "search in campaign_id"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "requests/s") || strings.Contains(out, "mau") {
		t.Error(out)
	}
}

// Hour cells of long ago are gone, and that is told instead of measured.
func TestBenchLeavesOutWhatHasNoAnswer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	file, _ := realEvents(t, 2000)
	must(t, "import", file, "--data", dir, "--dimensions", "campaign_id,age_group")
	r := benched(t, "--data", dir, "--mode", "warm", "--questions", "hours,days")
	if len(r.Figures) != 1 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "hours is left out: grain") {
		t.Fatalf("%+v", r)
	}
}

func TestBenchWithIngest(t *testing.T) {
	dir := sampleData(t, "campaign_id,age_group")
	args := []string{"--data", dir, "--ingest", "2000", "--users", "3000", "--rounds", "1", "--duration", "100ms", "--questions", "days,distinct"}
	status, _, errs := invoke(t, nil, append([]string{"bench"}, args...)...)
	if status != wrongUse || !strings.Contains(errs, "--scratch") {
		t.Fatalf("%d %s", status, errs)
	}
	before := events(t, dir)
	r := benched(t, append(args, "--scratch")...)
	if len(r.Figures) != 6 || r.Ingested < 500 || r.Ingested > 4000 {
		t.Fatalf("%+v", r)
	}
	for _, f := range r.Figures {
		if f.Ingest == nil || f.Ingest.N < leastRuns || !f.Ingest.Reply.rises() || f.RatioP50 <= 0 {
			t.Errorf("%+v", f)
		}
	}
	if after := events(t, dir); after <= before {
		t.Errorf("%d events before, %d after: none came in", before, after)
	}
}

func events(t *testing.T, dir string) int64 {
	t.Helper()
	var s nodeStatus
	if err := json.Unmarshal([]byte(must(t, "status", "--data", dir, "--format", "json")), &s); err != nil {
		t.Fatal(err)
	}
	return s.Accepted
}

func TestBenchOfAServer(t *testing.T) {
	dir := sampleData(t, "campaign_id,age_group")
	address, stop := startServer(t, "serve", "--data", dir)
	r := benched(t, "--server", address)
	if len(r.Figures) != 2*len(questionNames()) {
		t.Errorf("%d figures", len(r.Figures))
	}
	for _, f := range r.Figures {
		if f.Plain.N < leastRuns || f.Rows == 0 || !f.Plain.Reply.rises() || f.Plain.Answer != nil {
			t.Errorf("%+v", f)
		}
	}
	r = benched(t, "--server", address, "--duration", "500ms", "--ingest", "1000", "--scratch", "--rounds", "1", "--questions", "days", "--mode", "warm")
	if len(r.Figures) != 1 || r.Figures[0].Ingest == nil || r.Ingested < 200 {
		t.Errorf("%+v", r)
	}
	if status := stop(); status != done {
		t.Errorf("status %d", status)
	}
}

func TestBenchWrongUse(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	must(t, "import", writeTemp(t, "none.ndjson", "\n"), "--data", empty)
	for _, c := range []struct {
		args   []string
		status int
		text   string
	}{
		{[]string{"--questions", "nonsense"}, wrongUse, "days_by"},
		{[]string{"--runs", "0"}, wrongUse, "--runs"},
		{[]string{"--connections", "0"}, wrongUse, "--connections"},
		{[]string{"--duration", "-1s"}, wrongUse, "--duration"},
		{[]string{"--mode", "lukewarm"}, wrongUse, "warm"},
		{[]string{"--mode", "cold", "--server", "http://127.0.0.1:1"}, wrongUse, "cold"},
		{[]string{"--server", "http://127.0.0.1:1"}, failed, "127.0.0.1:1"},
		{[]string{"--data", empty}, failed, "no events"},
		{[]string{"--data", filepath.Join(empty, "none")}, failed, "no data"},
	} {
		status, out, errs := invoke(t, nil, append([]string{"bench"}, c.args...)...)
		if status != c.status || !strings.Contains(out+errs, c.text) {
			t.Errorf("%v: %d, want %d: %s%s", c.args, status, c.status, out, errs)
		}
	}
}

// Profiles are given to nobody beyond this machine.
func TestPprof(t *testing.T) {
	for _, address := range []string{":6060", "0.0.0.0:6060", "10.0.0.1:6060", "localhost:6060", "6060", "[::]:1"} {
		if _, err := servePprof(address); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s: %v", address, err)
		}
	}
	stop, err := servePprof("127.0.0.1:0")
	if err == nil {
		err = stop()
	}
	if err != nil {
		t.Error(err)
	}
}

// BenchmarkRepeated is a finished answer through the whole handler, without the network.
func BenchmarkRepeated(b *testing.B) {
	dir := b.TempDir()
	file := filepath.Join(dir, "a.ndjson")
	world := &world{ctx: b.Context(), in: strings.NewReader(""), out: io.Discard, err: io.Discard, logger: quiet()}
	for _, args := range [][]string{{"generate", "--events", "200000", "--days", "90", "-o", file}, {"import", file, "--data", filepath.Join(dir, "data"), "--dimensions", "campaign_id,age_group"}} {
		if status := run(world, args); status != done {
			b.Fatal(args, status)
		}
	}
	cfg := defaults()
	cfg.Data, cfg.Dimensions = filepath.Join(dir, "data"), []string{"campaign_id", "age_group"}
	n, err := open(world, cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer n.close()
	handler, err := n.handler(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodGet, "/api/v1/query?metrics=active_users,sessions,avg_session_duration,bounce_rate", nil)
	w := &discardWriter{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		handler.ServeHTTP(w, request)
	}
	b.SetBytes(w.bytes / int64(b.N))
}

type discardWriter struct {
	header http.Header
	bytes  int64
}

func (w *discardWriter) Header() http.Header { return w.header }
func (w *discardWriter) WriteHeader(int)     {}
func (w *discardWriter) Write(p []byte) (int, error) {
	w.bytes += int64(len(p))
	return len(p), nil
}
