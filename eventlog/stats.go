package eventlog

import (
	"math/bits"
	"sync/atomic"
	"time"

	"rollcall"
)

// Stats are figures since Open, and sizes now.
type Stats struct {
	Bytes    int64
	Segments int
	Appends  int64 // that returned nil
	Frames   int64 // made durable
	Events   int64
	Syncs    int64
	SyncP50  time.Duration // rounded up to a power of two of µs
	SyncP99  time.Duration
	Failed   error // why the log refuses Appends; nil when it does not
	Shards   []ShardStats
}

// ShardStats are the bounds of a shard.
type ShardStats struct{ First, Next rollcall.Offset }

// Stats costs a lock and a walk over the list of segments.
func (l *Log) Stats() Stats {
	s := Stats{Appends: l.meter.appends.Load(), Frames: l.meter.frames.Load(), Events: l.meter.events.Load()}
	s.Syncs, s.SyncP50, s.SyncP99 = l.meter.latencies()
	l.gather.mu.Lock()
	s.Failed = l.gather.refusal
	l.gather.mu.Unlock()
	l.mu.RLock()
	defer l.mu.RUnlock()
	s.Bytes, s.Segments = l.total, len(l.segments)
	for shard, first := range l.segments[0].base {
		s.Shards = append(s.Shards, ShardStats{first, l.next[shard]})
	}
	return s
}

// meter counts. Bucket b of the latencies holds the syncs of less than 2^b µs that are in no smaller bucket.
type meter struct {
	appends, frames, events atomic.Int64
	buckets                 [32]atomic.Int64
}

func (m *meter) frame(events int) {
	m.frames.Add(1)
	m.events.Add(int64(events))
}

func (m *meter) sync(d time.Duration) {
	m.buckets[min(bits.Len64(uint64(d.Microseconds())), len(m.buckets)-1)].Add(1)
}

func (m *meter) latencies() (syncs int64, p50, p99 time.Duration) {
	var counts [len(m.buckets)]int64
	for b := range counts {
		counts[b] = m.buckets[b].Load()
		syncs += counts[b]
	}
	return syncs, quantile(counts[:], syncs, 50), quantile(counts[:], syncs, 99)
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
