//go:build unix

package redisstream_test

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"rollcall"
	"rollcall/cache/redis/redistest"
	"rollcall/eventlog"
	"rollcall/eventlog/redisstream"
)

const batchEvents = 1000

func batchPayload() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 52*batchEvents/16) }

// BenchmarkAppend: an op is an Append of one record of 1,000 events. Without a file, and with appendfsync always.
func BenchmarkAppend(b *testing.B) {
	for _, always := range []bool{false, true} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("always=%t/writers=%d", always, writers), func(b *testing.B) {
				s := redistest.Start(b)
				if always {
					s = durable(b)
				}
				l := open(b, redisstream.Config{Addr: s.Addr, Shards: 8})
				put(b, l, rec(0, "the script is known"))
				before := calls(s)
				b.ReportAllocs()
				b.ResetTimer()
				fill(b, l, writers, b.N)
				b.StopTimer()
				b.ReportMetric(batchEvents*float64(b.N)/b.Elapsed().Seconds(), "events/s")
				b.ReportMetric(float64(calls(s)-before)/float64(b.N), "commands/append")
			})
		}
	}
}

func fill(b *testing.B, l *redisstream.Log, writers, n int) {
	var wg sync.WaitGroup
	payload := batchPayload()
	for w := range writers {
		wg.Go(func() {
			records := []eventlog.Record{{Count: batchEvents, Payload: payload}}
			for i := w; i < n; i += writers {
				records[0].Shard = i % l.Shards()
				if err := l.Append(context.Background(), records, nil); err != nil {
					b.Error(err)
					return
				}
				if i >= 5000 && i%500 == 0 { // keep the memory of the server bounded
					_, next, _ := l.Bounds(context.Background(), i%l.Shards())
					_ = l.Report(context.Background(), []eventlog.Progress{{Shard: i % l.Shards(), Committed: next, Snapshot: next}})
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkFetch: an op is a record of 1,000 events; four readers, 1 MiB at a time.
func BenchmarkFetch(b *testing.B) {
	const appends, shards = 4000, 8
	l := open(b, redisstream.Config{Addr: redistest.Start(b).Addr, Shards: shards})
	fill(b, l, 16, appends)
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for reader := range 4 {
		wg.Go(func() {
			var buf []eventlog.Record
			var err error
			at, left := make([]rollcall.Offset, shards), b.N/4
			for shard := reader; left > 0; shard = (shard + 1) % shards {
				_, next, _ := l.Bounds(context.Background(), shard)
				for at[shard] = 0; left > 0 && at[shard] < next; at[shard] = buf[len(buf)-1].Next {
					if buf, err = l.Fetch(context.Background(), shard, at[shard], 0, 1<<20, buf); err != nil {
						b.Error(err)
						return
					}
					left -= len(buf)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(batchEvents*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// calls counts the scripts that clients have run, those that write and those that read.
func calls(s *redistest.Server) int64 { return called(s, "evalsha") }

func readCalls(s *redistest.Server) int64 { return called(s, "evalsha_ro") }

func called(s *redistest.Server, command string) int64 {
	for line := range strings.Lines(s.Do("INFO", "commandstats")) {
		if rest, ok := strings.CutPrefix(line, "cmdstat_"+command+":calls="); ok {
			n, _ := strconv.ParseInt(rest[:strings.IndexByte(rest, ',')], 10, 64)
			return n
		}
	}
	return 0
}
