package eventlog

import (
	"context"
	"fmt"
	"math"
)

// Append writes records, each to its shard, and returns when they are durable: one write and sync serves all Appends
// that were gathered while the last one ran. ErrFull: nothing was written, try again when there is room. ErrUnavailable:
// the outcome is unknown (the file failed, or ctx ended while the write was under way). ErrClosed: nothing was written.
func (l *Log) Append(ctx context.Context, records []Record, mark *Mark) error {
	if len(records) == 0 && mark == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	size, err := l.check(records, mark)
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	f, err := l.gather.join(ctx, size, records, mark)
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return fmt.Errorf("append: %w: %w", ErrUnavailable, ctx.Err())
	}
	if f.err != nil {
		return f.err
	}
	l.meter.appends.Add(1)
	return nil
}

// check gives the room that an Append takes at most.
func (l *Log) check(records []Record, mark *Mark) (size int, err error) {
	for i := range records {
		r := &records[i]
		if r.Shard < 0 || r.Shard >= l.cfg.Shards {
			return 0, fmt.Errorf("record %d: shard %d of %d", i, r.Shard, l.cfg.Shards)
		}
		if r.Count < 1 || r.Count > math.MaxInt32 {
			return 0, fmt.Errorf("record %d: %d events: want 1 to %d", i, r.Count, math.MaxInt32)
		}
		size += entryOverhead + len(r.Payload)
	}
	if mark != nil {
		if len(mark.Source) > maxSource {
			return 0, fmt.Errorf("mark: source of %d bytes: want at most %d", len(mark.Source), maxSource)
		}
		if err := l.checkMarks(mark); err != nil {
			return 0, err
		}
		size += entryOverhead + len(mark.Source)
	}
	if size > MaxAppend {
		return 0, fmt.Errorf("%d bytes in %d records: want at most %d: split the batch", size, len(records), MaxAppend)
	}
	return size, nil
}

func (l *Log) checkMarks(mark *Mark) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if _, known := l.marks[mark.Source]; !known && !mark.Done && len(l.marks) >= maxMarks {
		return fmt.Errorf("mark %q: %d sources are unfinished already: finish some of them with Done", mark.Source, maxMarks)
	}
	return nil
}
