package apptest

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
	"rollcall/eventlog/kafka/kafkatest"
	"rollcall/store/mysql/mysqltest"
)

// BenchmarkVisible measures the time from the acknowledgement of an event to the first answer that counts it, while
// 2,000 other events a second arrive. One operation is one event.
func BenchmarkVisible(b *testing.B) {
	s := Start(b, binary(b), nil, "--dimensions", "campaign_id", "--data", filepath.Join(b.TempDir(), "data"))
	benchVisible(b, s.Client, s)
}

// BenchmarkVisibleOverServers does the same with intake, two aggregators and query as processes of their own over Kafka,
// MariaDB and Redis, by default settings, and tells how often an aggregator committed.
func BenchmarkVisibleOverServers(b *testing.B) {
	k, store, r := kafkatest.Start(b, kafkatest.Options{}), mysqltest.Start(b), redistest.Start(b)
	dsn := store.Database(b)
	role := func(name string) *Server {
		return Start(b, binary(b), nil, "--roles", name, "--dimensions", "campaign_id", "--log-kind", "kafka", "--log-brokers", k.Brokers()[0],
			"--store-kind", "mysql", "--store-dsn", dsn, "--cache-kind", "redis", "--cache-addr", r.Addr)
	}
	intake, answers, one, _ := role("intake"), role("query"), role("aggregate"), role("aggregate")
	began := time.Now()
	before, err := one.counts()
	if err != nil {
		b.Fatal(err)
	}
	benchVisible(b, intake.Client, answers)
	after, err := one.counts()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(after.Commits-before.Commits)/time.Since(began).Seconds(), "commits/s")
}

// benchVisible posts to one server and asks another.
func benchVisible(b *testing.B, c Client, s *Server) {
	done := make(chan struct{})
	defer close(done)
	go background(b, c, done)
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		campaign := fmt.Sprintf("c%d", n)
		if _, err := c.Post(fmt.Appendf(nil, `{"user_id":"u","event_id":"v%d","time":%d,"campaign_id":%q}`, n, time.Now().UnixMilli(), campaign), nil); err != nil {
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
