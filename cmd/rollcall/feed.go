package main

import (
	"context"
	"time"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
)

// feed appends generated events straight to a node's log.
type feed struct {
	log      eventlog.Appender
	encoders []*record.Encoder
	records  []eventlog.Record
	count    int
}

// sinkBatch is how many events of a history arrive together.
const sinkBatch = 8192

// openSeconds is about how long live sessions stay open: as many go on at a time as begin events in it.
const openSeconds = 120

func newFeed(n *node) *feed {
	f := &feed{log: n.log}
	for range n.log.Shards() {
		f.encoders = append(f.encoders, record.NewEncoder(n.cfg.Dimensions))
	}
	return f
}

func (f *feed) add(ev *rollcall.Event) {
	f.encoders[record.ShardOf(ev.User, len(f.encoders))].Add(ev)
	f.count++
}

// flush makes what was added durable.
func (f *feed) flush(ctx context.Context) error {
	f.records = f.records[:0]
	for shard, e := range f.encoders {
		if e.Count() > 0 {
			f.records = append(f.records, eventlog.Record{Shard: shard, Count: e.Count(), Payload: e.Bytes()})
		}
	}
	if len(f.records) == 0 {
		return nil
	}
	err := f.log.Append(context.WithoutCancel(ctx), f.records, nil)
	f.count = 0
	for _, e := range f.encoders {
		e.Reset()
	}
	return err
}

// paced calls emit so that it makes rate events a second, until ctx ends or it has made events of them (0: no end).
func paced(ctx context.Context, rate float64, events int64, emit func(n int) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	start, made := time.Now(), int64(0)
	for events == 0 || made < events {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		due := int64(time.Since(start).Seconds() * rate)
		if events > 0 {
			due = min(due, events)
		}
		n := min(due-made, int64(rate)+1) // after a pause of the machine, no more than a second's worth at once
		if n <= 0 {
			continue
		}
		if err := emit(int(n)); err != nil {
			return err
		}
		made += n
	}
	return nil
}
