package intake

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
)

// ForeignConfig shapes the direct consumption of a topic.
type ForeignConfig struct {
	MessageConfig
	Partitioners Partitioners    // that may have been used, by Keyed; 0 is all
	Retentions   []time.Duration // of the grains that have one: the ages at which an event counts in fewer grains
}

// Foreign is a topic keyed by user, seen as a log whose shards are its partitions: an eventlog.Fetcher, safe for
// concurrent use.
//
// Its records are cut anew in each Fetch. What they hold is a function of the messages: which events, their order, and in
// which grains each counts, as Received, the latest time of a record's messages, lies on the same side of each
// retention as that of the event's own message. Received does not fall from Fetch to Fetch unless that would change it.
type Foreign struct {
	cfg      ForeignConfig
	topic    Topic
	deps     TranslatorDeps
	left     atomic.Uint32 // partitioners that explain every key so far
	received []atomic.Int64
	workers  sync.Pool // of *span
	total    totals
}

// NewForeign checks cfg by making the first translator.
func NewForeign(cfg ForeignConfig, topic Topic, deps TranslatorDeps) (*Foreign, error) {
	cfg.Shards = 1
	if cfg.Partitioners == 0 {
		cfg.Partitioners = AllPartitioners
	}
	f := &Foreign{cfg: cfg, topic: topic, deps: deps, received: make([]atomic.Int64, topic.Partitions)}
	f.left.Store(uint32(cfg.Partitioners))
	first, err := f.newSpan()
	if err != nil {
		return nil, err
	}
	f.workers.Put(first)
	return f, nil
}

// Shards is the number of partitions.
func (f *Foreign) Shards() int { return f.topic.Partitions }

// Bounds are those of the topic.
func (f *Foreign) Bounds(ctx context.Context, shard int) (first, next rollcall.Offset, err error) {
	return f.topic.Bounds(ctx, shard)
}

// Partitioners gives those that explain every key so far.
func (f *Foreign) Partitioners() Partitioners { return Partitioners(f.left.Load()) }

// Totals counts what was translated; what is fetched again counts again.
func (f *Foreign) Totals() Totals { return f.total.get() }

// Fetch translates messages of up to maxBytes. What it refuses is durable in the quarantine when it returns, unless until
// tells that this is a replay; after a crash it may stand there twice. A message that is not keyed by its user ends it
// with a *NotKeyedError, once the messages before it were given.
func (f *Foreign) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	s, ok := f.workers.Get().(*span)
	if !ok {
		var err error
		if s, err = f.newSpan(); err != nil {
			return buf[:0], err
		}
	}
	defer f.workers.Put(s)
	var err error
	if s.messages, err = f.topic.Messages.Messages(ctx, shard, from, until, maxBytes, s.messages[:0]); err != nil {
		return buf[:0], fmt.Errorf("fetch %s from %d: %w", f.topic.Name(shard), from, err)
	}
	if len(s.messages) == 0 {
		return buf[:0], fmt.Errorf("fetch %s from %d: no message came, and no error", f.topic.Name(shard), from)
	}
	defer clear(s.messages)
	return s.records(ctx, shard, until == 0, buf[:0])
}

// span cuts messages into records.
type span struct {
	f        *Foreign
	t        *Translator
	encoder  *record.Encoder
	messages []eventlog.Message
	out      []eventlog.Record

	shard       int
	first, next rollcall.Offset   // of the messages since the last record
	received    int64             // of the record being gathered
	limit       int64             // where received would change in which grains an event counts
	last        *eventlog.Message // whose events were taken last
	several     bool              // it may hold more than one
}

func (f *Foreign) newSpan() (*span, error) {
	t, err := NewTranslator(f.cfg.MessageConfig, f.topic, f.deps)
	if err != nil {
		return nil, err
	}
	return &span{f: f, t: t, encoder: record.NewEncoder(f.cfg.Dimensions)}, nil
}

// records translates the messages.
func (s *span) records(ctx context.Context, shard int, keep bool, out []eventlog.Record) ([]eventlog.Record, error) {
	s.out, s.shard, s.limit = out, shard, math.MaxInt64
	s.encoder.Reset()
	s.t.begin(s.take)
	s.first, s.next = s.messages[0].Offset, s.messages[0].Offset
	s.last, s.several = nil, false
	err := s.translate(ctx)
	s.finish()
	out, s.out = s.out, nil
	if err != nil && (len(out) == 0 || ctx.Err() != nil) {
		return out[:0], err
	}
	if err := s.t.end(ctx, keep); err != nil {
		return out[:0], err
	}
	s.f.total.add(s.t.counts)
	return out, nil // the next Fetch meets the error
}

func (s *span) translate(ctx context.Context) error {
	for i := range s.messages {
		m := &s.messages[i]
		if err := s.t.translate(ctx, m); err != nil {
			if s.last == m {
				s.encoder.Reset() // half a message is none
			}
			return err
		}
		s.next = m.Next
		if s.several {
			s.cut()
			s.several = false
		}
	}
	return nil
}

// take adds an event of the message at hand. A message of several events has a record of its own.
func (s *span) take(ev *rollcall.Event, alone bool) error {
	m := s.t.m
	if err := s.check(m, ev); err != nil {
		return err
	}
	limit := s.levelLimit(ev.Time, m.Time)
	if s.last != m && (!alone || max(s.received, m.Time) >= min(s.limit, limit)) {
		s.cut()
	}
	if s.encoder.Count() == 0 {
		if s.received = max(m.Time, s.f.received[s.shard].Load()); s.received >= limit || !alone {
			s.received = m.Time
		}
	}
	s.received, s.limit = max(s.received, m.Time), min(s.limit, limit)
	s.last, s.several = m, !alone
	s.encoder.Add(ev)
	return nil
}

// check holds the topic to its keys. The set of partitioners shrinks to one soon, and costs one hash an event then.
func (s *span) check(m *eventlog.Message, ev *rollcall.Event) error {
	before := Partitioners(s.f.left.Load())
	left, err := s.f.topic.keyed(m, ev, before)
	if err != nil || left == before {
		return err
	}
	if was := Partitioners(s.f.left.And(uint32(left))); was&left == 0 {
		return s.f.topic.notKeyed(m, fmt.Sprintf("partitioned by %s, other keys by %s", left, was))
	}
	return nil
}

// levelLimit is the time from which on, had its message come then, an event would count in other grains than by the time
// its message came.
func (s *span) levelLimit(time, received int64) int64 {
	limit := int64(math.MaxInt64)
	for _, r := range s.f.cfg.Retentions {
		if at := time + r.Milliseconds(); at > received {
			limit = min(limit, at)
		}
	}
	return limit
}

// cut ends the record with the messages before next.
func (s *span) cut() {
	if s.encoder.Count() == 0 {
		return
	}
	s.out = append(s.out, eventlog.Record{Shard: s.shard, Offset: s.first, Next: s.next, Received: s.received,
		Count: s.encoder.Count(), Payload: slices.Clone(s.encoder.Bytes())})
	if seen := &s.f.received[s.shard]; s.received > seen.Load() {
		seen.Store(s.received)
	}
	s.encoder.Reset()
	s.first, s.limit = s.next, math.MaxInt64
}

// finish ends the last record. Messages without events behind it belong to it; with none before, they make a record of
// no events.
func (s *span) finish() {
	s.cut()
	switch n := len(s.out); {
	case s.next == s.first:
	case n > 0:
		s.out[n-1].Next = s.next
	default:
		s.out = append(s.out, eventlog.Record{Shard: s.shard, Offset: s.first, Next: s.next, Received: s.f.received[s.shard].Load()})
	}
}
