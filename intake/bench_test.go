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
	"rollcall/eventlog"
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

// BenchmarkTranslate measures messages of JSON on their way to records, by one goroutine: as a log of their own, and split
// by shard for another log.
func BenchmarkTranslate(b *testing.B) {
	const n = 10_000
	h, topic := heldTopic(1)
	for _, line := range bytes.Split(bytes.TrimSpace(generated(b, n)), []byte{'\n'}) {
		user, _, _ := bytes.Cut(line[bytes.Index(line, []byte(`"user_id":"`))+11:], []byte{'"'})
		h.put(Murmur2, string(user), string(line), noon)
	}
	all, bytes := h.partitions[0], 0
	for _, m := range all {
		bytes += len(m.Value)
	}
	b.Logf("%d bytes an event", bytes/n)
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "events/s")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/event")
	}
	b.Run("fetch", func(b *testing.B) {
		b.ReportAllocs()
		f := newForeign(b, topic, &letterbox{}, nil)
		var buf []eventlog.Record
		for b.Loop() {
			for from := rollcall.Offset(0); from < n; from = buf[len(buf)-1].Next {
				var err error
				if buf, err = f.Fetch(b.Context(), 0, from, 0, 256<<10, buf); err != nil {
					b.Fatal(err)
				}
			}
		}
		report(b)
	})
	b.Run("split", func(b *testing.B) {
		b.ReportAllocs()
		cfg := messageConfig()
		cfg.Shards = 8
		tr, err := NewTranslator(cfg, topic, TranslatorDeps{Now: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			for from := 0; from < n; from += 1000 {
				if _, err := tr.Split(b.Context(), all[from:from+1000]); err != nil {
					b.Fatal(err)
				}
			}
		}
		report(b)
	})
}
