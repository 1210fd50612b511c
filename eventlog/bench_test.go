package eventlog_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"rollcall"
	"rollcall/eventlog"
)

const batchEvents = 1000

func batchPayload() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 52*batchEvents/16) }

func openBench(b *testing.B, cfg eventlog.Config) *eventlog.Log {
	b.Helper()
	cfg.Dir, cfg.Shards = b.TempDir(), 8
	l, err := eventlog.Open(cfg, eventlog.Deps{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l
}

// BenchmarkAppend: ns/op, B/op and allocs/op are those of one event.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ writers, events int }{{1, batchEvents}, {64, batchEvents}, {1, 1}, {64, 1}} {
		b.Run(fmt.Sprintf("writers=%d/events=%d", c.writers, c.events), func(b *testing.B) {
			payload := batchPayload()[:52*c.events]
			l := openBench(b, eventlog.Config{})
			b.ReportAllocs()
			b.SetBytes(52)
			b.ResetTimer()
			appendAll(b, l, c.writers, b.N/c.events+1, eventlog.Record{Count: c.events, Payload: payload})
			b.StopTimer()
			s := l.Stats()
			b.ReportMetric(float64(s.Syncs)/float64(s.Appends), "syncs/append")
			b.ReportMetric(float64(s.Events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(s.SyncP99.Microseconds()), "sync-p99-µs")
		})
	}
}

// appendAll shares n Appends of r out among writers, over all shards.
func appendAll(b *testing.B, l *eventlog.Log, writers, n int, r eventlog.Record) {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			records := []eventlog.Record{r}
			for i := w; i < n; i += writers {
				records[0].Shard = i % l.Shards()
				if err := l.Append(context.Background(), records, nil); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkFetch reads all shards one after the other, piece by piece in turn: from memory, or from the files.
func BenchmarkFetch(b *testing.B) {
	for _, c := range []struct {
		name string
		tail int64
	}{{"memory", 1 << 30}, {"file", 32 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			const appends = 4000
			l := openBench(b, eventlog.Config{TailBytes: c.tail})
			appendAll(b, l, 16, appends, eventlog.Record{Count: batchEvents, Payload: batchPayload()})
			b.ReportAllocs()
			b.SetBytes(52)
			b.ResetTimer()
			for n := 0; n < b.N; {
				n += readAll(b, l, b.N-n)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func readAll(b *testing.B, l *eventlog.Log, limit int) (events int) {
	var buf []eventlog.Record
	at, left := make([]rollcall.Offset, l.Shards()), l.Shards()
	for left > 0 && events < limit {
		for shard := range at {
			_, next, err := l.Bounds(context.Background(), shard)
			if err != nil {
				b.Fatal(err)
			}
			if at[shard] == next {
				continue
			}
			if buf, err = l.Fetch(context.Background(), shard, at[shard], 0, 1<<20, buf); err != nil {
				b.Fatal(err)
			}
			at[shard] = buf[len(buf)-1].Next
			if at[shard] == next {
				left--
			}
			for i := range buf {
				events += buf[i].Count
			}
		}
	}
	return events
}
