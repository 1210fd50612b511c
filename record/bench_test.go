package record_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"rollcall"
	"rollcall/record"
)

var sampleDims = []string{"campaign_id", "age_group", "country", "device"}

// sampleEvents are like those of a live stream: near in time, few combinations, ids of 36 bytes.
func sampleEvents(n int) []rollcall.Event {
	rng := rand.New(rand.NewPCG(1, 2))
	events := make([]rollcall.Event, n)
	for i := range events {
		events[i] = rollcall.Event{
			User: fmt.Appendf(nil, "user-%07d", rng.IntN(2_000_000)),
			ID:   fmt.Appendf(nil, "%08x-%04x-%04x-%04x-%012x", rng.Uint32(), rng.IntN(1<<16), rng.IntN(1<<16), rng.IntN(1<<16), rng.Uint64N(1<<48)),
			Dims: [][]byte{fmt.Appendf(nil, "campaign-%d", rng.IntN(20)), fmt.Appendf(nil, "%d0s", 1+rng.IntN(7)), []byte("KR"), []byte("mobile")},
			Time: 1_790_000_000_000 + int64(i)*3 + rng.Int64N(2000),
		}
		if i%3 == 0 {
			events[i].Type = []byte("click")
		}
	}
	return events
}

// The benchmarks' figures are those of one event.

func BenchmarkEncode(b *testing.B) {
	events := sampleEvents(1000)
	enc := record.NewEncoder(sampleDims)
	payload := encode(enc, events)
	b.ReportMetric(float64(len(payload))/float64(len(events)), "bytes/event")
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(events) {
		encode(enc, events)
	}
}

func BenchmarkDecode(b *testing.B) {
	payload := encode(record.NewEncoder(sampleDims), sampleEvents(1000))
	var batch record.Batch
	b.ReportAllocs()
	for n := 0; n < b.N; n += 1000 {
		if err := batch.Decode(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	batch := decode(b, encode(record.NewEncoder(sampleDims), sampleEvents(1000)))
	b.ReportAllocs()
	sum := uint64(0)
	for n := range b.N {
		hi, _ := batch.Hash(&batch.Rows[n%1000])
		sum += hi
	}
	if sum == 0 && b.N > 1 {
		b.Fatal("no hashes")
	}
}
