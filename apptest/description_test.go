package apptest

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// The real server's replies are what its own description says, and its metrics tell of them.
func TestServerIsAsItDescribesItself(t *testing.T) {
	s := Start(t, binary(t), nil, "--dimensions", "campaign_id,age_group", "--max-body", "64KiB", "--data", filepath.Join(t.TempDir(), "data"))
	v := described(t, s)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/events", `{"user_id":"u","time":"2026-11-01T09:00:00Z","campaign_id":"spring"}` + "\nnot JSON", 202},
		{"POST", "/v1/events", "", 400},
		{"POST", "/v1/events", strings.Repeat(" ", 65<<10), 413},
		{"GET", "/api/v1/status", "", 200},
		{"GET", "/api/v1/quarantine", "", 200},
		{"GET", "/api/v1/query?from=2026-11-01&to=2026-11-02&grain=hour&group_by=campaign_id", "", 200},
		{"GET", "/api/v1/query?filter.nothing=1", "", 400},
		{"GET", "/api/v1/metrics", "", 200},
		{"GET", "/api/v1/dimensions/campaign_id", "", 200},
		{"GET", "/metrics", "", 200},
		{"GET", "/readyz", "", 200},
	} {
		asDescribed(t, v, s, c.method, c.path, c.body, c.status)
	}
	if reply, err := s.Send("GET", "/healthz", nil, map[string]string{"X-Large": strings.Repeat("x", 80<<10)}, nil); err != nil || reply.Status != 431 {
		t.Errorf("a header of 80 KiB: %v %d", err, reply.Status)
	}
	if err := s.Committed(); err != nil {
		t.Fatal(err)
	}
	figures, err := s.Get("/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`rollcall_http_requests_total{code="202",route="POST /v1/events"} 1`, `rollcall_quarantine_letters_total `,
		`rollcall_shard_lag_events{shard="0"} 0`, `rollcall_store_bytes{kind="`, `go_goroutines `, `process_open_fds `} {
		if !strings.Contains(string(figures.Body), "\n"+line) {
			t.Errorf("no %s in\n%s", line, figures.Body)
		}
	}
	s.Stop(t)
}

// described gives a judge of replies by the server's own description.
func described(t *testing.T, s *Server) validator.Validator {
	t.Helper()
	document, err := s.Get("/openapi.json", nil)
	if err != nil || document.Status != 200 {
		t.Fatal(err, document)
	}
	d, err := libopenapi.NewDocument(document.Body)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(d)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		t.Fatal(errs)
	}
	return v
}

// asDescribed makes a request, whose reply has to have the status and to be as described.
func asDescribed(t *testing.T, v validator.Validator, s *Server, method, path, body string, status int) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	read, err := io.ReadAll(reply.Body)
	reply.Body.Close()
	if err != nil || reply.StatusCode != status {
		t.Fatalf("%s %s: %v %d %s", method, path, err, reply.StatusCode, read)
	}
	reply.Body = io.NopCloser(bytes.NewReader(read))
	if ok, errs := v.ValidateHttpResponse(r, reply); !ok {
		t.Errorf("%s %s: %v in %s", method, path, errs, read)
	}
}
