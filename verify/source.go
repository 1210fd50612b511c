package verify

import (
	"context"
	"fmt"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
)

// Source gives the events of the log, wherever they are kept.
type Source interface {
	// Next is the offset behind the last event of a shard.
	Next(ctx context.Context, shard int) (rollcall.Offset, error)
	// Read calls each with all batches of a shard below until, in log order from the first ever on, until it returns an error. A
	// batch is valid until each returns. eventlog.ErrTrimmed (wrapped) when the first are gone.
	Read(ctx context.Context, shard int, until rollcall.Offset, each func(*Batch) error) error
}

// Batch is a batch of events, where it is in the log, and when the log received it (Unix ms).
type Batch struct {
	record.Batch
	Offset   rollcall.Offset
	Received int64
}

// Log is the source that reads the log itself.
type Log struct{ Fetcher eventlog.Fetcher }

const fetchBytes = 1 << 20

// Next is the offset behind the last record of a shard.
func (l Log) Next(ctx context.Context, shard int) (rollcall.Offset, error) {
	_, next, err := l.Fetcher.Bounds(ctx, shard)
	return next, err
}

// Read passes over what is no batch of events: it is in nobody's figures.
func (l Log) Read(ctx context.Context, shard int, until rollcall.Offset, each func(*Batch) error) error {
	var b Batch
	var records []eventlog.Record
	var err error
	for at := rollcall.Offset(0); at < until; at = records[len(records)-1].Next {
		if records, err = l.Fetcher.Fetch(ctx, shard, at, until, fetchBytes, records); err != nil {
			return fmt.Errorf("read shard %d at %d: %w", shard, at, err)
		}
		for i := range records {
			r := &records[i]
			if r.Offset >= until || r.Count == 0 || r.Foreign {
				continue
			}
			if err := b.Decode(r.Payload); err != nil {
				return fmt.Errorf("shard %d: record at offset %d: %w", shard, r.Offset, err)
			}
			b.Offset, b.Received = r.Offset, r.Received
			if err := each(&b); err != nil {
				return err
			}
		}
	}
	return nil
}
