package redissource

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/intake"
)

const (
	blockFor   = time.Second // how long one XREAD waits
	callFor    = 10 * time.Second
	entryBytes = 256 // about, for how many entries to ask for
	minEntries = 10
	maxEntries = 10_000
)

// StreamConfig says which stream.
type StreamConfig struct {
	Access
	Stream string // its key
	Field  string // the field of an entry that holds an event in JSON; default event
}

// Stream reads a Redis Stream: the Messages of one partition. Errors are to be tried again.
type Stream struct {
	cfg    StreamConfig
	link   *link
	logger *slog.Logger
	gaps   atomic.Int64
	told   atomic.Uint64 // the position of the last gap
}

// NewStream checks cfg. It connects with the first read.
func NewStream(cfg StreamConfig, logger *slog.Logger) (*Stream, error) {
	if cfg.Stream == "" {
		return nil, fmt.Errorf("the stream has no name")
	}
	if cfg.Field == "" {
		cfg.Field = "event"
	}
	l, err := newLink(cfg.Access)
	if err != nil {
		return nil, err
	}
	return &Stream{cfg: cfg, link: l, logger: logger}, nil
}

// Close ends the connections. No read may run beside it.
func (s *Stream) Close() { s.link.close() }

// Topic is the stream for an intake.Follower.
func (s *Stream) Topic() intake.Topic {
	return intake.Topic{Messages: s, Partitions: 1, Name: func(int) string { return "redis:" + s.cfg.Stream }, Place: idOf, Gaps: s.gaps.Load,
		Behind: func(at, next rollcall.Offset) int64 { return int64(next>>seqBits) - int64(at>>seqBits) }}
}

// Bounds gives 0, as a stream has no first position, and the position behind the last entry ever written. A stream that
// does not exist has no end: it may come.
func (s *Stream) Bounds(ctx context.Context, _ int) (first, next rollcall.Offset, err error) {
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	client, err := s.link.get()
	if err != nil {
		return 0, 0, err
	}
	info, err := client.Do(ctx, client.B().XinfoStream().Key(s.cfg.Stream).Build()).AsMap()
	if e, ok := rueidis.IsRedisErr(err); ok && strings.Contains(e.Error(), "no such key") {
		return 0, math.MaxInt64, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("stream %s: %w", s.cfg.Stream, s.link.scrub(err))
	}
	last := info["last-generated-id"]
	id, err := last.ToString()
	if err != nil {
		return 0, 0, fmt.Errorf("stream %s: last id: %w", s.cfg.Stream, err)
	}
	at, err := offsetOf(id)
	return 0, at + 1, err
}

// Messages gives the entries behind from, and waits until there is one.
func (s *Stream) Messages(ctx context.Context, _ int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Message) ([]eventlog.Message, error) {
	client, err := s.link.get()
	if err != nil {
		return buf[:0], err
	}
	count := int64(min(max(maxBytes/entryBytes, minEntries), maxEntries))
	entries, err := s.present(ctx, client, from, count)
	for err == nil && len(entries) == 0 {
		entries, err = s.wait(ctx, client, from, count)
	}
	if ctx.Err() != nil {
		return buf[:0], ctx.Err()
	}
	if err != nil {
		return buf[:0], fmt.Errorf("stream %s from %s: %w", s.cfg.Stream, idOf(from), s.link.scrub(err))
	}
	buf = buf[:0]
	for i := range entries {
		m, err := message(&entries[i], s.cfg.Field)
		if err != nil && len(buf) == 0 {
			return buf, fmt.Errorf("stream %s: %w", s.cfg.Stream, err)
		}
		if err != nil || len(buf) > 0 && (maxBytes < len(m.Value) || until > 0 && m.Offset >= until) {
			break
		}
		maxBytes -= len(m.Value)
		buf = append(buf, m)
	}
	return buf, nil
}

// present gives what lies at from and behind. It reads the entry before from as well: while that is there, nothing behind
// it was trimmed.
func (s *Stream) present(ctx context.Context, client rueidis.Client, from rollcall.Offset, count int64) ([]rueidis.XRangeSlice, error) {
	ctx, cancel := context.WithTimeout(ctx, callFor)
	defer cancel()
	before := from
	if from > 0 {
		before--
	}
	entries, err := client.Do(ctx, client.B().Xrange().Key(s.cfg.Stream).Start(idOf(before)).End("+").Count(count+1).Build()).AsXRangeSlices()
	if err != nil || from == 0 {
		return entries, err
	}
	if len(entries) > 0 && entries[0].ID == idOf(before) {
		return entries[1:], nil
	}
	if s.told.Swap(uint64(from)) != uint64(from) {
		s.gaps.Add(1)
		s.logger.Warn("source: the entry read last is deleted, and maybe entries behind it that were not read", "source", "redis:"+s.cfg.Stream, "entry", idOf(before))
	}
	return entries, nil
}

// wait waits a while for an entry at or behind from.
func (s *Stream) wait(ctx context.Context, client rueidis.Client, from rollcall.Offset, count int64) ([]rueidis.XRangeSlice, error) {
	before := "0-0"
	if from > 0 {
		before = idOf(from - 1)
	}
	ctx, cancel := context.WithTimeout(ctx, blockFor+callFor)
	defer cancel()
	read := client.B().Xread().Count(count).Block(blockFor.Milliseconds()).Streams().Key(s.cfg.Stream).Id(before).Build()
	streams, err := client.Do(ctx, read).AsXReadSlices()
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	return streams[s.cfg.Stream], err
}
