package kafka

import (
	"math/bits"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/eventlog"
)

// Stats are figures since Open.
type Stats struct {
	Appends         int64 // that returned nil
	AppendedRecords int64
	AppendedEvents  int64
	AppendedBytes   int64         // of payload
	AppendP50       time.Duration // until all was acknowledged; rounded up to a power of two of µs
	AppendP99       time.Duration
	Waiting         int64 // bytes that wait to be acknowledged now
	FetchedRecords  int64
	FetchedBytes    int64 // as they came, compressed
	Retries         int64 // requests that were made again
	Shards          []ShardStats
}

// ShardStats tells how far a shard was fetched, and its end when that was asked last: zero when it never was.
type ShardStats struct{ Fetched, End rollcall.Offset }

// Lag is the number of records, and gaps, that were not fetched yet when the end was asked last.
func (s ShardStats) Lag() int64 { return max(0, int64(s.End)-int64(s.Fetched)) }

// Stats costs a walk over the shards.
func (l *Log) Stats() Stats {
	m := &l.meter
	s := Stats{AppendedRecords: m.records.Load(), AppendedEvents: m.events.Load(), AppendedBytes: m.bytes.Load(),
		Waiting: m.waiting.Load(), FetchedRecords: m.fetchedRecords.Load(), FetchedBytes: m.fetchedBytes.Load(), Retries: m.retries.Load()}
	s.Appends, s.AppendP50, s.AppendP99 = m.latencies()
	for i := range l.readers.shards {
		p := &l.readers.shards[i]
		s.Shards = append(s.Shards, ShardStats{rollcall.Offset(p.fetched.Load()), rollcall.Offset(p.end.Load())})
	}
	return s
}

// meter counts. Bucket b of the latencies holds the appends of less than 2^b µs that are in no smaller bucket.
type meter struct {
	records, events, bytes                atomic.Int64
	fetchedRecords, fetchedBytes, retries atomic.Int64
	waiting                               atomic.Int64
	buckets                               [32]atomic.Int64
}

func (m *meter) appended(records []eventlog.Record, d time.Duration) {
	events, bytes := 0, 0
	for i := range records {
		events += records[i].Count
		bytes += len(records[i].Payload)
	}
	m.records.Add(int64(len(records)))
	m.events.Add(int64(events))
	m.bytes.Add(int64(bytes))
	m.buckets[min(bits.Len64(uint64(d.Microseconds())), len(m.buckets)-1)].Add(1)
}

func (m *meter) latencies() (appends int64, p50, p99 time.Duration) {
	var counts [len(m.buckets)]int64
	for b := range counts {
		counts[b] = m.buckets[b].Load()
		appends += counts[b]
	}
	return appends, quantile(counts[:], appends, 50), quantile(counts[:], appends, 99)
}

func quantile(counts []int64, total, percent int64) time.Duration {
	seen := int64(0)
	for b, n := range counts {
		if seen += n; n > 0 && seen*100 >= total*percent {
			return time.Microsecond << b
		}
	}
	return 0
}
