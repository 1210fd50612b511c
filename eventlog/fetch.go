package eventlog

import (
	"context"
	"fmt"
	"sort"

	"rollcall"
)

// Fetch waits until shard has a record that covers from or lies behind it, and appends records of up to maxBytes of
// payload to buf[:0], at least one. Payloads stay valid as long as they are referred to. New records come from memory,
// older ones from their files, checked against their checksums: *CorruptError when these don't match. ErrTrimmed when
// retention has deleted from, ErrLost when the log ends before it. Records that begin at until or behind it are left out.
func (l *Log) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []Record) ([]Record, error) {
	buf = buf[:0]
	if shard < 0 || shard >= l.cfg.Shards {
		return buf, fmt.Errorf("fetch: shard %d of %d", shard, l.cfg.Shards)
	}
	if err := l.wait(ctx, shard, from); err != nil {
		return buf, fmt.Errorf("fetch shard %d from %d: %w", shard, from, err)
	}
	for at := from; maxBytes > 0 || len(buf) == 0; at = buf[len(buf)-1].Next {
		had := len(buf)
		var err error
		buf, maxBytes, err = l.read(shard, at, maxBytes, buf)
		if err != nil && had > 0 {
			return before(until, buf), nil // the next Fetch meets the error
		}
		if err != nil {
			return buf, fmt.Errorf("fetch shard %d from %d: %w", shard, at, err)
		}
		if len(buf) == had {
			break
		}
	}
	return before(until, buf), nil
}

// read appends records of one chunk to buf, none when there is no more or no room. A segment that is deleted or written anew
// while it is read is looked up again.
func (l *Log) read(shard int, at rollcall.Offset, room int, buf []Record) ([]Record, int, error) {
	for {
		s, err := l.segmentAt(shard, at)
		if err != nil || s == nil {
			return buf, room, err
		}
		more, left, err := s.read(l.loader, shard, at, room, buf)
		if err == nil || !l.gone(s) {
			return more, left, err
		}
	}
}

// before cuts off the records behind the first that begin at until or behind it; 0 is no limit.
func before(until rollcall.Offset, records []Record) []Record {
	for i := 1; until > 0 && i < len(records); i++ {
		if records[i].Offset >= until {
			return records[:i]
		}
	}
	return records
}

func (s *segment) read(l *loader, shard int, at rollcall.Offset, room int, buf []Record) ([]Record, int, error) {
	c, err := s.chunkAt(l, shard, at)
	if err != nil {
		return buf, room, err
	}
	return c.read(l, shard, at, room, buf)
}

// wait returns when shard has records behind from.
func (l *Log) wait(ctx context.Context, shard int, from rollcall.Offset) error {
	for {
		if l.closed() {
			return ErrClosed
		}
		news, err := l.newsOf(shard, from)
		if news == nil {
			return err
		}
		select {
		case <-news:
		case <-l.closing:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// newsOf gives what is closed when shard gets a record, or nil when it has one behind from.
func (l *Log) newsOf(shard int, from rollcall.Offset) (chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from < l.next[shard] {
		return nil, nil
	}
	if from > l.next[shard] {
		return nil, fmt.Errorf("%w: it ends at %d: bring the lost segments back from a copy, or import into a new directory", ErrLost, l.next[shard])
	}
	if l.news[shard] == nil {
		l.news[shard] = make(chan struct{})
	}
	return l.news[shard], nil
}

// segmentAt gives the segment that holds the record at an offset, or nil when there is no such record yet.
func (l *Log) segmentAt(shard int, at rollcall.Offset) (*segment, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if at >= l.next[shard] {
		return nil, nil
	}
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].base[shard] > at })
	if i == 0 {
		return nil, l.trimmed(shard)
	}
	return l.segments[i-1], nil
}

func (l *Log) trimmed(shard int) error {
	return fmt.Errorf("%w: the log begins at %d", ErrTrimmed, l.segments[0].base[shard])
}

// Bounds gives the first offset kept and the offset behind the last durable record.
func (l *Log) Bounds(_ context.Context, shard int) (first, next rollcall.Offset, err error) {
	if shard < 0 || shard >= l.cfg.Shards {
		return 0, 0, fmt.Errorf("bounds: shard %d of %d", shard, l.cfg.Shards)
	}
	if l.closed() {
		return 0, 0, fmt.Errorf("bounds: %w", ErrClosed)
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.segments[0].base[shard], l.next[shard], nil
}
