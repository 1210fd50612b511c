package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall"
	"rollcall/eventlog"
)

// Fetch gives the records of a shard, as the contract says. While no broker answers it waits and tries on. A gap (aborted
// records, markers of transactions) at from is a record of no events that ends behind it. Received is the time that Kafka
// keeps with the record, whatever it is, or that of the log it was brought from: the same at every reading. A record that another
// producer wrote is Foreign.
//
// ErrTrimmed and ErrLost: from is no longer in the log, or never was, and nothing is waited for.
func (l *Log) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	buf = buf[:0]
	err := l.read(ctx, shard, from, func(r *reader) {
		gap := r.hand(from, until, maxBytes, func(k *kgo.Record) {
			at := rollcall.Offset(k.Offset)
			n, ours := count(k.Headers)
			buf = append(buf, eventlog.Record{Shard: shard, Offset: at, Next: at + 1, Received: received(k), Count: n, Payload: k.Value, Foreign: !ours})
		})
		if gap.to > gap.from {
			buf = append(buf, eventlog.Record{Shard: shard, Offset: gap.from, Next: gap.to})
		}
	})
	return buf, err
}

// Messages is Fetch for a topic that others write: it gives keys and values as they are. A gap is a control message.
func (l *Log) Messages(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Message) ([]eventlog.Message, error) {
	buf = buf[:0]
	err := l.read(ctx, shard, from, func(r *reader) {
		gap := r.hand(from, until, maxBytes, func(k *kgo.Record) { buf = append(buf, message(k)) })
		if gap.to > gap.from {
			buf = append(buf, eventlog.Message{Shard: shard, Offset: gap.from, Next: gap.to, Control: true})
		}
	})
	return buf, err
}

func message(k *kgo.Record) eventlog.Message {
	at := rollcall.Offset(k.Offset)
	return eventlog.Message{Shard: int(k.Partition), Offset: at, Next: at + 1, Time: received(k), Key: k.Key, Value: k.Value}
}

// read waits until a reader holds what lies at from, and lets take have of it.
func (l *Log) read(ctx context.Context, shard int, from rollcall.Offset, take func(*reader)) error {
	if err := l.checkShard(shard); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	if err := context.Cause(l.ended); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	ctx, cancel := l.until(ctx)
	defer cancel()
	r, err := l.readers.take(ctx, shard, from)
	if err != nil {
		return fmt.Errorf("fetch shard %d at %d: %w", shard, from, err)
	}
	defer l.readers.give(r)
	for !r.holds(shard, from) {
		err := l.patiently(ctx, "fetch", func(ctx context.Context) error { return l.load(ctx, r, shard, from) })
		if err != nil {
			return fmt.Errorf("fetch shard %d at %d: %w", shard, from, err)
		}
	}
	take(r)
	l.readers.saw(shard, r.next, r.stable)
	return nil
}

// load is that of the reader, with what the answers of the brokers mean.
func (l *Log) load(ctx context.Context, r *reader, shard int, from rollcall.Offset) error {
	bytes, err := r.load(ctx, shard, from)
	switch {
	case err == nil:
		l.meter.fetchedRecords.Add(int64(len(r.rest)))
		l.meter.fetchedBytes.Add(int64(bytes))
		return nil
	case ctx.Err() != nil:
		return err
	case errors.Is(err, kerr.OffsetOutOfRange):
		return l.outOfRange(ctx, shard, from)
	case errors.Is(err, errOtherTopic):
		if t, looked := l.look(ctx); looked == nil {
			l.compare(t)
		}
		if cause := context.Cause(l.ended); cause != nil {
			return cause
		}
	}
	l.meter.retries.Add(1)
	return err
}

// outOfRange tells on which side of the log an offset lies. On neither: the log has moved meanwhile.
func (l *Log) outOfRange(ctx context.Context, shard int, from rollcall.Offset) error {
	first, next, err := l.bounds(ctx, l.cfg.Topic, shard)
	switch {
	case err != nil:
		return err
	case from < first:
		return fmt.Errorf("%w: the shard begins at %d", eventlog.ErrTrimmed, first)
	case from > next:
		return fmt.Errorf("%w: the shard ends at %d", eventlog.ErrLost, next)
	}
	return kerr.OffsetOutOfRange
}

type gap struct{ from, to rollcall.Offset }

// hand hands out records from from on, which the reader holds, that fit into maxBytes, and at least one; none at or behind
// until when that is not 0. The gap is what is known to be empty behind the last of them.
func (r *reader) hand(from, until rollcall.Offset, maxBytes int, to func(*kgo.Record)) gap {
	for len(r.rest) > 0 && rollcall.Offset(r.rest[0].Offset) < from {
		r.rest = r.rest[1:]
	}
	if until == 0 {
		until = r.end
	}
	at, n, size := from, 0, 0
	for ; n < len(r.rest); n++ {
		k := r.rest[n]
		size += len(k.Key) + len(k.Value)
		if rollcall.Offset(k.Offset) >= until || n > 0 && size > maxBytes {
			break
		}
		to(k)
		at = rollcall.Offset(k.Offset) + 1
	}
	end := r.end
	if n < len(r.rest) {
		end = rollcall.Offset(r.rest[n].Offset)
	}
	r.rest = r.rest[n:]
	g := gap{at, max(at, min(end, until))}
	r.next = g.to
	return g
}
