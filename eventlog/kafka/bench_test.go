//go:build unix

package kafka_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/eventlog/kafka/kafkatest"
)

const batchEvents = 1000

// payload looks like 1,000 events of 52 bytes that compress to a half.
func payload() []byte {
	var b []byte
	for i := range batchEvents {
		b = fmt.Appendf(b, "%026x%026d", uint64(i)*0x9e3779b97f4a7c15, i%10)
	}
	return b
}

// BenchmarkAppend: ns/op is that of one event.
func BenchmarkAppend(b *testing.B) {
	s := kafkatest.Start(b, kafkatest.Options{})
	for _, c := range []struct{ writers, events int }{{1, batchEvents}, {16, batchEvents}, {1, 1}, {64, 1}} {
		b.Run(fmt.Sprintf("writers=%d/events=%d", c.writers, c.events), func(b *testing.B) {
			l := open(b, config(s, fmt.Sprintf("t%d-%d-%d", c.writers, c.events, b.N), 8))
			defer l.Close() //nolint:errcheck // it gives none
			data := payload()[:52*c.events]
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range c.writers {
				wg.Go(func() {
					for i := w; i < b.N/c.events+1; i += c.writers {
						if err := l.Append(b.Context(), []eventlog.Record{{Shard: i % 8, Count: c.events, Payload: data}}, nil); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(l.Stats().AppendP99.Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkFetch: ns/op is that of one event; eight shards are read side by side, as their workers do.
func BenchmarkFetch(b *testing.B) {
	const appends = 4000
	s := kafkatest.Start(b, kafkatest.Options{})
	l := open(b, config(s, "t", 8))
	data := payload()
	for i := 0; i < appends; i += 8 {
		var batch []eventlog.Record
		for shard := range 8 {
			batch = append(batch, eventlog.Record{Shard: shard, Count: batchEvents, Payload: data})
		}
		must(b, l.Append(b.Context(), batch, nil))
	}
	b.ReportAllocs()
	for b.Loop() {
		var wg sync.WaitGroup
		for shard := range 8 {
			wg.Go(func() {
				var buf []eventlog.Record
				var err error
				for at := rollcall.Offset(0); at < appends/8; at = buf[len(buf)-1].Next {
					if buf, err = l.Fetch(b.Context(), shard, at, 0, 256<<10, buf); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric(float64(b.N)*appends*batchEvents/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkMessages reads a topic of others: messages of 150 bytes.
func BenchmarkMessages(b *testing.B) {
	const parts, each = 4, 250_000
	s := kafkatest.Start(b, kafkatest.Options{})
	l := open(b, config(s, "t", parts))
	c := s.Dial(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	value := bytes.Repeat([]byte(`{"user_id":"u-1"},`), 9)[:150]
	for i := range parts * each {
		c.Produce(b.Context(), &kgo.Record{Topic: "t", Partition: int32(i % parts), Value: value}, nil)
	}
	must(b, c.Flush(b.Context()))
	b.ReportAllocs()
	for b.Loop() {
		var wg sync.WaitGroup
		for shard := range parts {
			wg.Go(func() {
				var buf []eventlog.Message
				var err error
				for at := rollcall.Offset(0); at < each; at = buf[len(buf)-1].Next {
					if buf, err = l.Messages(b.Context(), shard, at, 0, 256<<10, buf); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	b.ReportMetric(float64(b.N)*parts*each/b.Elapsed().Seconds(), "messages/s")
}
