package intake

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall"
	"rollcall/generate"
)

func generated(b *testing.B, n int) []byte {
	s, err := generate.New(generate.Config{Seed: 1, Events: int64(n), Users: 100_000, Days: 30, Campaigns: 200,
		Until: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Dimensions: testShape().Dimensions})
	if err != nil {
		b.Fatal(err)
	}
	var ev rollcall.Event
	var out []byte
	j := generate.NewJSON(testShape().Dimensions)
	for s.Next(&ev) {
		out = j.Append(out, &ev)
	}
	return out
}

// benchHandler measures acknowledged, durable events through the handler, without the network.
func benchHandler(b *testing.B, events, clients int) {
	e := newEdge(b, nil)
	body := string(generated(b, events))
	b.ReportAllocs()
	b.SetParallelism((clients + 1) / 2)
	var bad atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
			w := httptest.NewRecorder()
			if e.ServeHTTP(w, r); w.Code != http.StatusAccepted {
				bad.Add(1)
			}
		}
	})
	if bad.Load() > 0 {
		b.Fatal(bad.Load(), "refused")
	}
	b.ReportMetric(float64(b.N)*float64(events)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkHandler(b *testing.B) {
	for _, c := range []struct{ events, clients int }{{1000, 2}, {1000, 16}, {1, 64}} {
		b.Run(fmt.Sprintf("events=%d/clients=%d", c.events, c.clients), func(b *testing.B) { benchHandler(b, c.events, c.clients) })
	}
}

// BenchmarkServer measures the same over TCP.
func BenchmarkServer(b *testing.B) {
	for _, c := range []struct{ events, clients int }{{1000, 16}, {1, 64}} {
		b.Run(fmt.Sprintf("events=%d/clients=%d", c.events, c.clients), func(b *testing.B) {
			e := newEdge(b, nil)
			server := httptest.NewServer(e)
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.clients}}
			body := generated(b, c.events)
			b.ReportAllocs()
			b.SetParallelism((c.clients + 1) / 2)
			var bad atomic.Int64
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := client.Post(server.URL, "application/x-ndjson", bytes.NewReader(body))
					if err != nil || resp.StatusCode != http.StatusAccepted {
						bad.Add(1)
						continue
					}
					_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is used again
					resp.Body.Close()
				}
			})
			if bad.Load() > 0 {
				b.Fatal(bad.Load(), "refused")
			}
			b.ReportMetric(float64(b.N)*float64(c.events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkFiles measures a file on its way to the durable log, without the aggregator.
func BenchmarkFiles(b *testing.B) {
	const events = 300_000
	content := generated(b, events)
	b.ReportAllocs()
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		log := openLog(b, b.TempDir())
		q := NewQuarantine(&letterbox{}, quiet())
		f := NewFiles(FilesConfig{Shape: testShape(), Workers: 2}, FilesDeps{Log: log, Quarantine: q, Now: time.Now})
		if _, err := f.Import(b.Context(), Source{Name: "x.ndjson", Mark: "m", Reader: bytes.NewReader(content)}); err != nil {
			b.Fatal(err)
		}
		q.Close()
		log.Close()
	}
	b.ReportMetric(float64(b.N)*events/b.Elapsed().Seconds(), "events/s")
}
