package api

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetricsCountRequests(t *testing.T) {
	s := full(nil)
	h := s.handler()
	for range 3 {
		do(h, "GET", "/api/v1/query", "")
	}
	do(h, "GET", "/api/v1/query?metrics=dau", "")
	do(h, "GET", "/api/v1/dimensions/age", "")
	do(h, "GET", "/some/where", "")
	do(h, "DELETE", "/healthz", "")
	text := do(h, "GET", "/metrics", "").Body.String()
	for _, line := range []string{
		`rollcall_http_requests_total{code="200",route="GET /api/v1/query"} 3`,
		`rollcall_http_requests_total{code="400",route="GET /api/v1/query"} 1`,
		`rollcall_http_requests_total{code="200",route="GET /api/v1/dimensions/{name}"} 1`,
		`rollcall_http_requests_total{code="404",route="other"} 1`,
		`rollcall_http_requests_total{code="405",route="other"} 1`,
		`rollcall_http_request_duration_seconds_count{route="GET /api/v1/query"} 4`,
		`rollcall_http_requests_in_flight{route="GET /metrics"} 1`,
		`rollcall_http_stream_listeners 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s in\n%s", line, text)
		}
	}
	if problems, err := testutil.GatherAndLint(s.Registry); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestBrokenRepliesAreCounted(t *testing.T) {
	s := full(nil)
	h := serving(s, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	func() {
		defer func() { _ = recover() }()
		do(h, "GET", "/", "")
	}()
	if n := s.routes[0].tally.statuses[0].Load(); n != 1 || s.routes[0].tally.underWay.Load() != 0 || len(s.gate.building) != 0 {
		t.Fatal(n)
	}
}

// discard is a writer whose deadlines are those of a connection, and that costs nothing else.
type discard struct {
	header http.Header
	net.Conn
}

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// BenchmarkServed tells what counting, the reply's writer and the headers cost a request, beside the bare headers.
func BenchmarkServed(b *testing.B) {
	s := full(nil)
	web := start(b, http.NotFoundHandler())
	w, r := discard{http.Header{}, dial(b, web, "GET / HTTP/1.1\nHost: x")}, httptest.NewRequest("GET", "/", nil)
	ok := []byte("ok\n")
	handle := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(ok) })
	b.Run("headers only", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			setHeaders(w.header)
			handle(w, r)
		}
	})
	b.Run("served", func(b *testing.B) {
		h := s.served(&route{weight: foreign, handle: handle, tally: &tally{}})
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
	})
}

func BenchmarkPacked(b *testing.B) {
	s := full(nil)
	body := []byte(strings.Repeat(`{"bucket":"2026-11-01","active_users":123456},`, 90))
	handle := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}
	for _, c := range []struct {
		name, accept string
		handle       http.HandlerFunc
	}{{"never", "", handle}, {"not asked", "", s.packed()(handle)}, {"gzip", "gzip", s.packed()(handle)}, {"zstd", "zstd", s.packed()(handle)}} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/", nil)
			if c.accept != "" {
				r.Header.Set("Accept-Encoding", c.accept)
			}
			b.ReportAllocs()
			for b.Loop() {
				c.handle(discard{header: http.Header{}}, r)
			}
		})
	}
}
