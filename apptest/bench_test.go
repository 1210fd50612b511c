package apptest

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkVisible measures the time from the acknowledgement of an event to the first answer that counts it, while
// 2,000 other events a second arrive. One operation is one event.
func BenchmarkVisible(b *testing.B) {
	s := Start(b, binary(b), nil, "--dimensions", "campaign_id", "--data", filepath.Join(b.TempDir(), "data"))
	done := make(chan struct{})
	defer close(done)
	go background(b, s.Client, done)
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		campaign := fmt.Sprintf("c%d", n)
		if _, err := s.Post(fmt.Appendf(nil, `{"user_id":"u","event_id":"v%d","time":%d,"campaign_id":%q}`, n, time.Now().UnixMilli(), campaign), nil); err != nil {
			b.Fatal(err)
		}
		acknowledged := time.Now()
		if err := s.visible(campaign); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(acknowledged))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
}

// visible asks until a campaign has an event.
func (s *Server) visible(campaign string) error {
	return s.Until(func() (bool, error) {
		reply, err := s.Get("/api/v1/query", url.Values{"grain": {"total"}, "metrics": {"events"}, "filter.campaign_id": {campaign}})
		if err != nil {
			return false, err
		}
		rows, err := Rows(reply.Body)
		return len(rows) == 1, err
	})
}

func background(b *testing.B, c Client, done <-chan struct{}) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-done:
			return
		}
		var body []byte
		for i := range 100 {
			body = fmt.Appendf(body, "{\"user_id\":\"b%d\",\"event_id\":\"b%d-%d\",\"time\":%d,\"campaign_id\":\"x\"}\n", i*n%5000, n, i, time.Now().UnixMilli())
		}
		if _, err := c.Post(body, nil); err != nil {
			b.Log(err)
			return
		}
	}
}
