package redisstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/rueidis"

	"rollcall"
	"rollcall/eventlog"
)

const maxFetch = 64 << 20 // bytes asked for at once

// Fetch waits until shard has a record at from or behind it, and appends records of up to maxBytes of payload to buf[:0],
// at least one. It costs one round trip, and waits out a Redis that is away. ErrTrimmed: retention has deleted from.
// ErrLost: the record before from is gone, or no record lies between from and until: this is not the log that was read.
// *CorruptError: an entry was damaged, or is not of this log, or one between them is missing.
func (l *Log) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	buf = buf[:0]
	if shard < 0 || shard >= l.cfg.Shards {
		return buf, fmt.Errorf("fetch: shard %d of %d", shard, l.cfg.Shards)
	}
	for pause, last := firstPause, ""; ; {
		if err := l.over(ctx); err != nil {
			return buf, fmt.Errorf("fetch shard %d from %d: %w", shard, from, err)
		}
		news, longest := l.news.of(shard), l.cfg.Poll
		got, err := l.read(ctx, shard, from, until, maxBytes, buf)
		if err == nil && len(got) > 0 {
			return got, nil
		}
		if err != nil {
			if !errors.Is(err, eventlog.ErrUnavailable) || errors.Is(err, eventlog.ErrLost) {
				return buf, fmt.Errorf("fetch shard %d from %d: %w", shard, from, err)
			}
			if text := err.Error(); text != last && l.over(ctx) == nil {
				l.logger.Warn("can't read the log; trying again", "shard", shard, "offset", from, "error", err)
				last = text
			}
			news, longest = nil, pause
			pause = min(2*pause, lastPause)
		}
		l.await(ctx, news, longest)
	}
}

func (l *Log) over(ctx context.Context) error {
	if l.closed() {
		return eventlog.ErrClosed
	}
	return ctx.Err()
}

// read gives the records there are now.
func (l *Log) read(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	before, stop := "", "+"
	if from > 0 {
		before = idOf(from - 1)
	}
	if until > 0 {
		stop = idOf(until - 1)
	}
	ctx, cancel := l.within(ctx)
	defer cancel()
	reply, err := l.scripts.fetch.Exec(ctx, l.link.client, []string{l.keys.meta, l.keys.streams[shard]},
		[]string{l.identity, before, idOf(from), stop, strconv.Itoa(max(1, min(maxBytes, maxFetch)))}).ToArray()
	if err != nil {
		return buf, l.failure(err)
	}
	status, err := text(reply, 0)
	if err != nil {
		return buf, err
	}
	if status == "gone" {
		return buf, l.gone(reply, from)
	}
	if len(reply) == 2 && until > from {
		return buf, fmt.Errorf("%w %d: no record lies before it", eventlog.ErrLost, until)
	}
	return l.records(shard, from, reply, buf)
}

// gone tells why the record before from is not there.
func (l *Log) gone(reply []rueidis.RedisMessage, from rollcall.Offset) error {
	id, err := text(reply, 1)
	if err != nil {
		return err
	}
	if id == "" {
		return fmt.Errorf("%w: it is empty: bring its data back, or import into a new store", eventlog.ErrLost)
	}
	first, err := offsetOf(id)
	if err != nil {
		return err
	}
	if number, err := text(reply, 2); err != nil || from <= first && number != "1" {
		return fmt.Errorf("%w: the log begins at %d", eventlog.ErrTrimmed, first)
	}
	return fmt.Errorf("%w: the record before the offset is gone, and others may have taken the place of what followed: "+
		"bring the data of redis back, or import into a new store", eventlog.ErrLost)
}

// records takes five strings each: id, number, count, checksum, payload. Their numbers have no gap.
func (l *Log) records(shard int, from rollcall.Offset, reply []rueidis.RedisMessage, buf []eventlog.Record) ([]eventlog.Record, error) {
	number := int64(-1) // of the record before, if it is known
	if from == 0 {
		number = 0
	} else if s, err := text(reply, 1); err == nil && s != "" {
		if number, err = strconv.ParseInt(s, 10, 64); err != nil {
			return buf, l.corrupt(shard, idOf(from-1))
		}
	}
	for i := 2; i+5 <= len(reply); i += 5 {
		r, n, err := l.record(shard, reply[i:i+5])
		if err == nil && from == 0 && len(buf) == 0 && n != 1 {
			return buf, fmt.Errorf("%w: the log begins at %d", eventlog.ErrTrimmed, r.Offset)
		}
		if err == nil && number >= 0 && n != number+1 {
			err = &eventlog.CorruptError{File: l.keys.streams[shard], Reason: fmt.Sprintf("record %d follows record %d: what lay between was deleted", n, number)}
		}
		if err != nil && len(buf) > 0 {
			return buf, nil // the next Fetch meets the error
		}
		if err != nil {
			return buf, err
		}
		buf, number = append(buf, r), n
	}
	return buf, nil
}

func (l *Log) record(shard int, fields []rueidis.RedisMessage) (r eventlog.Record, number int64, err error) {
	var s [5]string
	for i := range s {
		if s[i], err = text(fields, i); err != nil {
			return r, 0, err
		}
	}
	id, count, sum, payload := s[0], s[2], s[3], s[4]
	number, err = strconv.ParseInt(s[1], 10, 64)
	n, err2 := strconv.ParseInt(count, 10, 32)
	if err != nil || err2 != nil || number < 1 || n < 1 || checksum(count, payload) != sum {
		return r, 0, l.corrupt(shard, id)
	}
	offset, err := offsetOf(id)
	return eventlog.Record{Shard: shard, Offset: offset, Next: offset + 1, Received: millis(offset), Count: int(n), Payload: bytesOf(payload)}, number, err
}

func (l *Log) corrupt(shard int, id string) error {
	return &eventlog.CorruptError{File: l.keys.streams[shard], Reason: fmt.Sprintf("entry %.40s: %v", id, errForeign)}
}

func text(reply []rueidis.RedisMessage, i int) (string, error) {
	if i >= len(reply) {
		return "", errReply
	}
	s, err := reply[i].ToString()
	if err != nil {
		return "", errReply
	}
	return s, nil
}

// Bounds gives the first offset kept and the offset behind the last record, in one round trip; 0 and 0 of a shard that
// never had a record.
func (l *Log) Bounds(ctx context.Context, shard int) (first, next rollcall.Offset, err error) {
	if shard < 0 || shard >= l.cfg.Shards {
		return 0, 0, fmt.Errorf("bounds: shard %d of %d", shard, l.cfg.Shards)
	}
	if err := l.over(ctx); err != nil {
		return 0, 0, fmt.Errorf("bounds: %w", err)
	}
	ctx, cancel := l.within(ctx)
	defer cancel()
	ids, err := l.scripts.bounds.Exec(ctx, l.link.client, []string{l.keys.meta, l.keys.streams[shard]}, []string{l.identity}).AsStrSlice()
	if err != nil {
		return 0, 0, fmt.Errorf("bounds of shard %d: %w", shard, l.failure(err))
	}
	if len(ids) != 2 {
		return 0, 0, nil
	}
	first, err = offsetOf(ids[0])
	last, err2 := offsetOf(ids[1])
	if err != nil || err2 != nil {
		return 0, 0, fmt.Errorf("bounds of shard %d: %w", shard, errors.Join(err, err2))
	}
	return first, last + 1, nil
}

// Behind gives the number of records from an offset to the end, of which the offsets themselves tell nothing. One round
// trip.
func (l *Log) Behind(ctx context.Context, shard int, from rollcall.Offset) (int64, error) {
	if shard < 0 || shard >= l.cfg.Shards {
		return 0, fmt.Errorf("behind: shard %d of %d", shard, l.cfg.Shards)
	}
	if err := l.over(ctx); err != nil {
		return 0, fmt.Errorf("behind: %w", err)
	}
	ctx, cancel := l.within(ctx)
	defer cancel()
	n, err := l.scripts.behind.Exec(ctx, l.link.client, []string{l.keys.meta, l.keys.streams[shard]}, []string{l.identity, idOf(max(from, 1) - 1)}).AsInt64()
	if err != nil {
		return 0, fmt.Errorf("behind of shard %d: %w", shard, l.failure(err))
	}
	return n, nil
}
