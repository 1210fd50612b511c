package redisstream

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strconv"

	"github.com/redis/rueidis"

	"rollcall/eventlog"
)

// Append writes records, each to its shard, and the mark: all of it or nothing, in one round trip. It returns when the
// primary has them, written as its appendfsync says, and Config.Replicas replicas. ErrFull: nothing was written.
// ErrUnavailable: the outcome is unknown. ErrMarkMoved: nothing was written. Payloads are copied.
func (l *Log) Append(ctx context.Context, records []eventlog.Record, mark *eventlog.Mark) error {
	if len(records) == 0 && mark == nil {
		return nil
	}
	if err := l.append(ctx, records, mark); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	return nil
}

func (l *Log) append(ctx context.Context, records []eventlog.Record, mark *eventlog.Mark) error {
	if l.closed() {
		return eventlog.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	size, err := l.check(records, mark)
	if err != nil {
		return err
	}
	if err := l.full.check(); err != nil && len(records) > 0 {
		return err
	}
	keys, args, expected, err := l.command(records, mark)
	if err != nil {
		return err
	}
	ctx, cancel := l.within(ctx)
	defer cancel()
	reply, err := l.execute(ctx, keys, args)
	if err != nil {
		if ctx.Err() != nil && !l.closed() {
			return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, ctx.Err())
		}
		return l.failure(err)
	}
	l.full.add(size)
	if mark == nil {
		return nil
	}
	return l.marks.moved(mark, expected, reply)
}

// check gives what the records weigh, about.
func (l *Log) check(records []eventlog.Record, mark *eventlog.Mark) (size int, err error) {
	for i := range records {
		r := &records[i]
		if r.Shard < 0 || r.Shard >= l.cfg.Shards {
			return 0, fmt.Errorf("record %d: shard %d of %d", i, r.Shard, l.cfg.Shards)
		}
		if r.Count < 1 || r.Count > math.MaxInt32 {
			return 0, fmt.Errorf("record %d: %d events: want 1 to %d", i, r.Count, math.MaxInt32)
		}
		size += recordRoom + len(r.Payload)
	}
	if mark != nil && (len(mark.Source) > maxSource || mark.Position < 0) {
		return 0, fmt.Errorf("mark of %d bytes at %d: want at most %d bytes, and a position", len(mark.Source), mark.Position, maxSource)
	}
	if size > eventlog.MaxAppend {
		return 0, fmt.Errorf("%d bytes in %d records: want at most %d: split the batch", size, len(records), eventlog.MaxAppend)
	}
	return size, nil
}

// command gives the keys and arguments of the script. It copies payloads: the library may still write a command whose
// ctx has ended.
func (l *Log) command(records []eventlog.Record, mark *eventlog.Mark) (keys, args []string, expected string, err error) {
	keys = append(make([]string, 0, 3+len(records)), l.keys.meta, l.keys.marks, l.keys.numbers)
	args = append(make([]string, 0, 7+4*len(records)), l.identity, l.keys.news, "", "", "", "", strconv.Itoa(maxMarks))
	if mark != nil {
		if expected, err = l.marks.expect(mark, len(records)); err != nil {
			return nil, nil, "", err
		}
		args[2], args[3], args[4], args[5] = "set", mark.Source, expected, strconv.FormatInt(mark.Position, 10)
		if mark.Done {
			args[2] = "done"
		}
	}
	for i := range records {
		r := &records[i]
		count, payload := strconv.Itoa(r.Count), string(r.Payload)
		keys = append(keys, l.keys.streams[r.Shard])
		args = append(args, strconv.Itoa(r.Shard), count, checksum(count, payload), payload)
	}
	return keys, args, expected, nil
}

// checksum finds records that were damaged or that others have changed.
func checksum(count, payload string) string {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, bytesOf(count))
	return strconv.FormatUint(uint64(crc32.Update(sum, table, bytesOf(payload))), 16)
}

// execute runs the script, and once more with its text if the server does not know it.
func (l *Log) execute(ctx context.Context, keys, args []string) (reply rueidis.RedisMessage, err error) {
	c := l.link.client
	reply, err = l.send(ctx, c.B().Evalsha().Sha1(l.scripts.appendSum).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build())
	if e, ok := rueidis.IsRedisErr(err); ok && e.IsNoScript() {
		reply, err = l.send(ctx, c.B().Eval().Script(appendText).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build())
	}
	return reply, err
}

// send sends the command, and with it the wait for replicas, on one connection.
func (l *Log) send(ctx context.Context, cmd rueidis.Completed) (rueidis.RedisMessage, error) {
	c := l.link.client
	if l.cfg.Replicas == 0 {
		return c.Do(ctx, cmd).ToMessage()
	}
	wait := c.B().Wait().Numreplicas(int64(l.cfg.Replicas)).Timeout(l.cfg.Timeout.Milliseconds()).Build()
	replies := c.DoMulti(ctx, cmd, wait)
	reply, err := replies[0].ToMessage()
	if err != nil {
		return reply, err
	}
	have, err := replies[1].AsInt64()
	if err == nil && have < int64(l.cfg.Replicas) {
		err = fmt.Errorf("%d of %d replicas have it", have, l.cfg.Replicas)
	}
	return reply, err
}

var errForeign = errors.New("the entry is no record of this log, or damaged")
