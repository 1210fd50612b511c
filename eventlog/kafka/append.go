package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall/eventlog"
)

const (
	// countHeader tells how many events the payload of a record holds, as an unsigned varint.
	countHeader = "rollcall-count"
	// receivedHeader tells when another log had received the events that a record brings from there, Unix ms, as an unsigned varint.
	receivedHeader = "rollcall-received"
	// overhead is more than what Kafka's batch and our header add to a payload, bytes.
	overhead = 256
)

func (l *Log) produceOpts() []kgo.Opt {
	return []kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0),
		kgo.RecordDeliveryTimeout(l.cfg.AppendTimeout), kgo.MaxBufferedRecords(math.MaxInt32), kgo.UnknownTopicRetries(8),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return or(l.topic.maxBatch, 1<<20) }),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression())}
}

// Append writes each record to the partition of its shard, and returns when all in-sync replicas have them. Another
// producer's records may lie between those of one Append, and after an error some may be in the log. mark is not kept: Kafka
// can't make it durable together with records, so an interrupted import begins again, and event ids remove the doubles.
//
// ErrFull: nothing was written, AppendBytes wait already. ErrUnavailable: not acknowledged within AppendTimeout or before ctx
// ended; the records may still come to be in the log.
func (l *Log) Append(ctx context.Context, records []eventlog.Record, _ *eventlog.Mark) error {
	if err := l.append(ctx, records); err != nil {
		return fmt.Errorf("append to topic %s: %w", l.cfg.Topic, err)
	}
	return nil
}

func (l *Log) append(ctx context.Context, records []eventlog.Record) error {
	if err := context.Cause(l.ended); err != nil {
		return err
	}
	size, err := l.checkRecords(records)
	if err != nil || len(records) == 0 {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !l.waiting.TryAcquire(size) {
		return fmt.Errorf("%w: %d bytes wait to be acknowledged, at most %d may", eventlog.ErrFull, size, l.cfg.AppendBytes)
	}
	l.meter.waiting.Add(size)
	begun := time.Now()
	answer := l.produce(records, size)
	ctx, cancel := l.within(ctx, l.cfg.AppendTimeout)
	defer cancel()
	select {
	case err := <-answer:
		if err != nil {
			return l.appendError(err)
		}
		l.meter.appended(records, time.Since(begun))
		return nil
	case <-ctx.Done():
		if err := context.Cause(l.ended); err != nil {
			return err
		}
		return fmt.Errorf("%w: not acknowledged: %w", eventlog.ErrUnavailable, context.Cause(ctx))
	}
}

// checkRecords gives what records take, if they fit into one Append.
func (l *Log) checkRecords(records []eventlog.Record) (size int64, err error) {
	if size, err = l.sizeOf(records); err == nil && size > l.cfg.AppendBytes {
		err = fmt.Errorf("%d bytes in %d records: want at most %d: split the batch", size, len(records), l.cfg.AppendBytes)
	}
	return size, err
}

// sizeOf gives what records take, if the topic takes each of them.
func (l *Log) sizeOf(records []eventlog.Record) (size int64, err error) {
	for i := range records {
		r := &records[i]
		if err := l.checkShard(r.Shard); err != nil {
			return 0, fmt.Errorf("record %d: %w", i, err)
		}
		if r.Count < 1 || r.Count > math.MaxInt32 {
			return 0, fmt.Errorf("record %d: %d events: want 1 to %d", i, r.Count, math.MaxInt32)
		}
		if most := int(l.topic.maxBatch) - overhead; len(r.Payload) > most {
			return 0, fmt.Errorf("record %d: %d bytes: the topic takes %d: raise its max.message.bytes and start again, or make smaller batches", i, len(r.Payload), most)
		}
		size += int64(len(r.Payload)) + overhead
	}
	return size, nil
}

// pending is the state of one Append at the producer.
type pending struct {
	mu     sync.Mutex
	left   int
	err    error
	values []byte // the payloads: the producer may hold them for longer than Append
	answer chan error
}

// produce hands records to the producer. The answer comes, and the room they take is given back, when
// the producer has let go of all.
func (l *Log) produce(records []eventlog.Record, size int64) <-chan error {
	values, _ := l.values.Get().(*[]byte)
	if values == nil {
		values = new([]byte)
	}
	p := &pending{left: len(records), values: slices.Grow((*values)[:0], int(size)), answer: make(chan error, 1)}
	out := make([]kgo.Record, len(records))
	for i := range records {
		from := len(p.values)
		p.values = append(p.values, records[i].Payload...)
		out[i].Value = p.values[from:len(p.values):len(p.values)]
	}
	l.fill(out, records)
	done := func(_ *kgo.Record, err error) {
		if p.done(err) {
			l.waiting.Release(size)
			l.meter.waiting.Add(-size)
			p.answer <- p.err
			l.values.Put(&p.values)
		}
	}
	l.appendMu.Lock()
	defer l.appendMu.Unlock()
	now := time.Now()
	for i := range out {
		out[i].Timestamp = now
		l.producer.Produce(l.ended, &out[i], done)
	}
	return p.answer
}

// done takes the outcome of one record, and tells whether it was the last.
func (p *pending) done(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left--; err != nil && p.err == nil {
		p.err = err
	}
	return p.left == 0
}

// fill sets all but value and time.
func (l *Log) fill(out []kgo.Record, records []eventlog.Record) {
	headers := make([]kgo.RecordHeader, len(records))
	counts := make([]byte, 0, len(records)*binary.MaxVarintLen32)
	for i := range records {
		from := len(counts)
		counts = binary.AppendUvarint(counts, uint64(records[i].Count))
		headers[i] = kgo.RecordHeader{Key: countHeader, Value: counts[from:]}
		out[i].Topic, out[i].Partition, out[i].Headers = l.cfg.Topic, int32(records[i].Shard), headers[i:i+1]
	}
}

func (l *Log) appendError(err error) error {
	switch {
	case context.Cause(l.ended) != nil:
		return context.Cause(l.ended)
	case errors.Is(err, kerr.MessageTooLarge):
		return fmt.Errorf("%w: raise max.message.bytes of the topic", err)
	case refused(err):
		return hint(err)
	}
	return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err)
}

// received is when the log received a record, or the log that it was brought from.
func received(k *kgo.Record) int64 {
	for i := range k.Headers {
		if k.Headers[i].Key != receivedHeader {
			continue
		}
		if ms, size := binary.Uvarint(k.Headers[i].Value); size == len(k.Headers[i].Value) && size > 0 && ms <= math.MaxInt64 {
			return int64(ms)
		}
	}
	return k.Timestamp.UnixMilli()
}

// count reads the header of a record. What others wrote has none, and counts as one event.
func count(headers []kgo.RecordHeader) (n int, ours bool) {
	for i := range headers {
		if headers[i].Key != countHeader {
			continue
		}
		if n, size := binary.Uvarint(headers[i].Value); size == len(headers[i].Value) && n > 0 && n <= math.MaxInt32 {
			return int(n), true
		}
	}
	return 1, false
}
