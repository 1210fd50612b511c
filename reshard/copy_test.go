package reshard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/reshard"
)

// lively is a log that grows.
type lively struct {
	*eventlog.Log
	t    *rapid.T
	dir  string
	now  int64
	made int
}

func (l *lively) config() eventlog.Config {
	return eventlog.Config{Dir: filepath.Join(l.dir, "log"), Shards: rapid.IntRange(1, 8).Draw(l.t, "shards"), SegmentBytes: 1 << 12}
}

func (l *lively) open(c eventlog.Config) {
	var err error
	l.Log, err = eventlog.Open(c, eventlog.Deps{Now: func() time.Time { return time.UnixMilli(l.now) }})
	l.ok(err)
}

func (l *lively) ok(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// add appends some events in one Append, of a few users, one of them nobody and one who was erased.
func (l *lively) add() {
	t := l.t
	l.now += rapid.Int64Range(0, 2).Draw(t, "passed")
	dims := rapid.SampledFrom([][]string{nil, {"a"}, {"a", "b"}, {"b", "a"}}).Draw(t, "dims")
	encoders := map[int]*record.Encoder{}
	for range rapid.IntRange(1, 12).Draw(t, "events") {
		l.made++
		ev := rollcall.Event{ID: fmt.Appendf(nil, "id%d", l.made), Time: rapid.Int64Range(-5, 5).Draw(t, "time")}
		if user := rapid.IntRange(0, 9).Draw(t, "user"); user > 0 {
			ev.User = fmt.Appendf(nil, "user%d", user)
		}
		if ev.Record = len(ev.User) == 0; ev.Record {
			ev.Session, ev.Duration, ev.Bounce, ev.NewUser = []byte("s"), rapid.Int64Range(0, 9).Draw(t, "duration"), l.made%2 == 0, l.made%3 == 0
		}
		if l.made%3 == 0 {
			ev.Type = []byte("heartbeat")
		}
		for range dims {
			ev.Dims = append(ev.Dims, []byte(rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "value")))
		}
		if rapid.IntRange(0, 200).Draw(t, "large") == 100 && len(dims) > 0 {
			ev.Dims[0] = make([]byte, 3<<20)
		}
		shard := record.ShardOf(ev.User, l.Shards())
		if encoders[shard] == nil {
			encoders[shard] = record.NewEncoder(dims)
		}
		encoders[shard].Add(&ev)
	}
	var records []eventlog.Record
	for shard, e := range encoders {
		payload, _, err := record.UsersNamed("user9").Erase(e.Bytes())
		l.ok(err)
		records = append(records, eventlog.Record{Shard: shard, Count: e.Count(), Payload: payload})
	}
	var mark *eventlog.Mark
	if rapid.Bool().Draw(t, "marks") {
		mark = &eventlog.Mark{Source: rapid.SampledFrom([]string{"one", "two"}).Draw(t, "source"), Position: int64(l.made), Done: l.made%5 == 0}
	}
	l.ok(l.Append(context.Background(), records, mark))
}

// events are those of a log by user, in its order; who is in a shard of others has no business there.
func events(log *eventlog.Log) (byUser map[string][]string, err error) {
	byUser = map[string][]string{}
	for shard, end := range log.Ends() {
		for at := rollcall.Offset(0); at < end; {
			records, err := log.Fetch(context.Background(), shard, at, end, 1<<20, nil)
			if err != nil {
				return nil, err
			}
			for _, r := range records {
				if err := rowsOf(&r, log.Shards(), byUser); err != nil {
					return nil, err
				}
				at = r.Next
			}
		}
	}
	return byUser, nil
}

func rowsOf(r *eventlog.Record, shards int, byUser map[string][]string) error {
	var b record.Batch
	if err := b.Decode(r.Payload); err != nil || len(b.Rows) != r.Count {
		return fmt.Errorf("%d rows of %d: %w", len(b.Rows), r.Count, err)
	}
	for i := range b.Rows {
		if b.Rows[i].Erased {
			continue
		}
		var ev rollcall.Event
		b.Event(i, &ev)
		if record.ShardOf(ev.User, shards) != r.Shard {
			return fmt.Errorf("%s is in shard %d", ev.User, r.Shard)
		}
		hi, lo := b.Hash(&b.Rows[i])
		byUser[string(ev.User)] = append(byUser[string(ev.User)], fmt.Sprintf("%d %x%x %q %s", r.Received, hi, lo, b.DimNames, ev.ID))
	}
	return nil
}

// A copy of any log has its events, each once, in the order of their users, with their times of receipt, in the shards of its own
// number, and its marks, however much comes while it is made, and is there when the machine starts again.
func TestCopyHasTheEventsOfTheLog(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := &lively{t: rt, dir: t.TempDir(), now: 1_700_000_000_000}
		config := l.config()
		l.open(config)
		for range rapid.IntRange(0, 20).Draw(rt, "before") {
			l.add()
		}
		to := l.config()
		to.Dir = filepath.Join(l.dir, "log-1")
		l.ok(os.MkdirAll(filepath.Join(to.Dir, "left over"), 0o750))
		c, err := reshard.Begin(context.Background(), reshard.Config{Log: to, Rate: rapid.SampledFrom([]int64{0, 1 << 40}).Draw(rt, "rate")}, l.Log, slog.New(slog.DiscardHandler))
		l.ok(err)
		for range rapid.IntRange(0, 20).Draw(rt, "meanwhile") {
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				_, _, err := c.Bounds(context.Background(), 0)
				l.ok(err)
			case 1:
				l.ok(l.Close())
				l.open(config)
				c.Follow(l.Log)
			default:
				l.add()
			}
		}
		l.ok(c.Settle(context.Background()))
		l.ok(c.Close())
		got, err := eventlog.Open(to, eventlog.Deps{})
		l.ok(err)
		l.ok(got.Verify(context.Background()))
		want, err := events(l.Log)
		l.ok(err)
		have, err := events(got)
		l.ok(err)
		if !maps.EqualFunc(have, want, slices.Equal) || !maps.Equal(got.Marks(), l.Marks()) {
			rt.Errorf("from %d to %d shards: have %v, %v, want %v, %v", l.Shards(), got.Shards(), have, got.Marks(), want, l.Marks())
		}
		l.ok(errors.Join(got.Close(), l.Close()))
	})
}

// What was trimmed can't be copied, and what is no batch is named; a copy that has failed stays so.
func TestCopyRefusals(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	open := func(name string) *eventlog.Log {
		l, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, name), Shards: 2, SegmentBytes: 100, MaxAge: 1}, eventlog.Deps{Now: func() time.Time { return time.UnixMilli(1) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	begin := func(l *eventlog.Log) (*reshard.Copy, error) {
		return reshard.Begin(ctx, reshard.Config{Log: eventlog.Config{Dir: filepath.Join(dir, "copy"), Shards: 3}}, l, nil)
	}
	foreign := open("foreign")
	if err := foreign.Append(ctx, []eventlog.Record{{Shard: 1, Count: 1, Payload: []byte("no batch")}}, nil); err != nil {
		t.Fatal(err)
	}
	c, err := begin(foreign)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Settle(ctx); !errors.Is(err, record.ErrMalformed) {
			t.Error(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	trimmed := open("trimmed")
	for range 5 {
		if err := trimmed.Append(ctx, []eventlog.Record{{Count: 1, Payload: make([]byte, 200)}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	_, next, err := trimmed.Bounds(ctx, 0)
	if err == nil {
		err = trimmed.Report(ctx, []eventlog.Progress{{Shard: 0, Snapshot: next}})
	}
	if _, again := trimmed.Retain(time.UnixMilli(100)); again != nil || err != nil {
		t.Fatal(err, again)
	}
	if _, err := begin(trimmed); !errors.Is(err, eventlog.ErrTrimmed) {
		t.Error(err)
	}
}

// However much was received at one time, it is appended in parts that a log takes.
func TestCopyOfLargeEvents(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	from, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Shards: 1}, eventlog.Deps{Now: func() time.Time { return time.UnixMilli(1) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	const events, size = 24, 3 << 20
	for i := range events {
		e := record.NewEncoder([]string{"a"})
		e.Add(&rollcall.Event{User: fmt.Append(nil, i), Dims: [][]byte{bytes.Repeat([]byte{byte(i)}, size)}})
		if err := from.Append(ctx, []eventlog.Record{{Count: 1, Payload: e.Bytes()}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	c, err := reshard.Begin(ctx, reshard.Config{Log: eventlog.Config{Dir: filepath.Join(dir, "copy"), Shards: 1}}, from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Settle(ctx); err != nil {
		t.Error(err)
	}
	if _, next, err := c.Bounds(ctx, 0); err != nil || next != events {
		t.Errorf("%d events, %v", next, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
