package intake

import (
	"fmt"
	"time"

	"rollcall"
	"rollcall/decode"
	"rollcall/eventlog"
	"rollcall/record"
)

// Shape is what both edges know of the events.
type Shape struct {
	Dimensions []string
	Fields     map[string]string // name → field of the input
	Location   *time.Location    // for times without an offset
	MaxLine    int               // bytes of one event
	Shards     int
}

func (s *Shape) decoder() (*decode.Decoder, error) {
	d, err := decode.New(decode.Config{Dimensions: s.Dimensions, Fields: s.Fields, Location: s.Location, MaxLine: s.MaxLine})
	if err != nil {
		return nil, fmt.Errorf("prepare the decoder: %w", err)
	}
	return d, nil
}

// batch groups events by shard for one Append. It keeps its memory.
type batch struct {
	encoders []*record.Encoder
	records  []eventlog.Record
	count    int
}

func newBatch(s *Shape) *batch {
	b := &batch{encoders: make([]*record.Encoder, s.Shards)}
	for i := range b.encoders {
		b.encoders[i] = record.NewEncoder(s.Dimensions)
	}
	return b
}

func (b *batch) reset() {
	b.count = 0
	for _, e := range b.encoders {
		e.Reset()
	}
}

// add gives the shard of the event.
func (b *batch) add(ev *rollcall.Event) (shard int) {
	shard = record.ShardOf(ev.User, len(b.encoders))
	b.encoders[shard].Add(ev)
	b.count++
	return shard
}

// size is about the number of bytes of the payloads.
func (b *batch) size() int {
	n := 0
	for _, e := range b.encoders {
		n += e.Size()
	}
	return n
}

// seal gives the records, valid until the next reset.
func (b *batch) seal() []eventlog.Record {
	b.records = b.records[:0]
	for shard, e := range b.encoders {
		if e.Count() > 0 {
			b.records = append(b.records, eventlog.Record{Shard: shard, Count: e.Count(), Payload: e.Bytes()})
		}
	}
	return b.records
}
