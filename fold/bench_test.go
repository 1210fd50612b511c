package fold_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall"
	"rollcall/fold"
	"rollcall/generate"
	"rollcall/record"
)

const benchShards = 4

// BenchmarkFold folds the realistic stream in one goroutine, with a Cut every million events and a Snapshot every four
// million, all of it timed, the decoding of the batches included. One operation is one event.
func BenchmarkFold(b *testing.B) {
	const warm = 4_000_000
	f := newFeed(b)
	f.draw(b, warm)
	f.run(b)
	f.draw(b, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	f.foldTime, f.cutTime = 0, 0
	f.run(b)
	b.ReportMetric(float64(f.foldTime.Nanoseconds())/float64(b.N), "fold-ns/op")
	b.ReportMetric(float64(f.cutTime.Nanoseconds())/float64(b.N), "cut-ns/op")
}

// feed folds generated events, batch by batch, into shards.
type feed struct {
	stream   *generate.Stream
	received int64
	shards   []*fold.Shard
	encoders []*record.Encoder
	batch    fold.Batch
	values   []map[string]rollcall.Value
	event    rollcall.Event
	payloads []payload
	since    int
	total    int
	bytes    map[string]int

	foldTime, cutTime time.Duration // of Prepare and Fold; of Cut and Snapshot
}

type payload struct {
	shard int
	data  []byte
}

func newFeed(b *testing.B) *feed {
	dims := []string{"campaign_id", "age_group"}
	until := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	// The rate is that of 100 M events over 90 days, however few of them are drawn.
	s, err := generate.New(generate.Config{Seed: 1, Events: 100_000_000, Users: 2_000_000, Days: 90, Campaigns: 200, Until: until, Dimensions: dims})
	if err != nil {
		b.Fatal(err)
	}
	f := &feed{stream: s, received: until.UnixMilli(), bytes: map[string]int{}, values: []map[string]rollcall.Value{{}, {}}}
	for range benchShards {
		cfg := fold.Config{Dims: 2, Cuboids: rollcall.Cuboids(2), Calendar: rollcall.NewCalendar(time.UTC), Gap: 30 * 60_000,
			HourRetention: 1 << 50, Text: func(int, rollcall.Value) string { return "" }, Admit: func(int, rollcall.Date, rollcall.Value) bool { return true }}
		f.shards = append(f.shards, fold.New(cfg, fold.Key{1, 2}))
		f.encoders = append(f.encoders, record.NewEncoder(dims))
	}
	return f
}

// draw encodes the next events of the stream as batches of shards.
func (f *feed) draw(b *testing.B, events int) {
	f.payloads = f.payloads[:0]
	for n := 0; n < events; n++ {
		if !f.stream.Next(&f.event) {
			b.Fatal("the stream ended")
		}
		shard := record.ShardOf(f.event.User, benchShards)
		e := f.encoders[shard]
		if e.Add(&f.event); e.Count() == 1300 {
			f.take(shard)
		}
	}
	for shard := range f.encoders {
		f.take(shard)
	}
}

func (f *feed) take(shard int) {
	e := f.encoders[shard]
	f.payloads = append(f.payloads, payload{shard, slices.Clone(e.Bytes())})
	e.Reset()
}

func (f *feed) run(b *testing.B) {
	for _, p := range f.payloads {
		if err := f.batch.Decode(p.data); err != nil {
			b.Fatal(err)
		}
		f.batch.Received = f.received
		f.resolve()
		began := time.Now()
		f.foldBatch(b, f.shards[p.shard])
		f.foldTime += time.Since(began)
		f.total += len(f.batch.Rows)
		if f.since += len(f.batch.Rows); f.since > 1_000_000 {
			f.since = 0
			began = time.Now()
			f.cut()
			f.cutTime += time.Since(began)
		}
	}
}

func (f *feed) foldBatch(b *testing.B, s *fold.Shard) {
	s.Prepare(&f.batch)
	for done := 0; done < len(f.batch.Rows); {
		var need fold.Need
		done, need = s.Fold(&f.batch, done)
		switch need.Missing {
		case fold.MissingDay:
			s.LoadDay(need.Day, nil)
		case fold.MissingHour:
			s.LoadHour(need.Hour, nil)
		case fold.MissingPart:
			if err := s.LoadSessions(need.Part, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func (f *feed) cut() {
	for _, s := range f.shards {
		d := s.Cut()
		for _, u := range d.Users {
			f.bytes["users"] += len(u)
		}
		for _, x := range d.Sets {
			f.bytes["pairs"] += len(x.Users)
		}
		for _, x := range d.Cells {
			f.bytes[fmt.Sprint("cells-", x.Key.Grain)] += x.Len()
		}
		snapshot := uint64(0)
		if f.total/4_000_000 != (f.total-1_000_000)/4_000_000 {
			st := s.Snapshot()
			snapshot = st.Clock
			for _, c := range st.IDs {
				f.bytes["ids"] += len(c.Data)
			}
			for _, c := range st.Sessions {
				f.bytes["sessions"] += len(c.Data)
			}
			s.Evict(64<<20, d.Clock, snapshot)
		}
	}
}

func (f *feed) resolve() {
	b := &f.batch
	b.Values = b.Values[:0]
	for i, s := range b.Tuples {
		dim := f.values[i%2]
		v, ok := dim[string(b.Strings[s])]
		if !ok {
			v = rollcall.FirstValue + rollcall.Value(len(dim))
			dim[string(b.Strings[s])] = v
		}
		b.Values = append(b.Values, v)
	}
}

// BenchmarkStateSize reports what the state and the deltas of the stream take, in bytes an event as written.
func BenchmarkStateSize(b *testing.B) {
	const events = 8_000_000
	for b.Loop() {
		f := newFeed(b)
		f.draw(b, events)
		f.run(b)
		for _, s := range f.shards {
			evictable, fixed := s.Bytes()
			f.bytes["memory-evictable"] += int(evictable)
			f.bytes["memory-fixed"] += int(fixed)
		}
		for k, n := range f.bytes {
			b.ReportMetric(float64(n)/float64(f.total), k+"/event")
		}
	}
}
