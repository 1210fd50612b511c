package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/eventlog"
)

const (
	followBytes  = 1 << 20          // of messages that share an Append
	followGrace  = 30 * time.Second // for an Append under way when ctx ends
	lagEvery     = 2 * time.Second  // between looks at how much is unread
	firstRetry   = 100 * time.Millisecond
	lastRetry    = 5 * time.Second
	steadyFor    = 2 * lastRetry // after which a failure is a new one
	lostTries    = 6             // in a row, some seconds: a broker that comes back may tell of less than it has
	unknownValue = -1
)

// Mark gives the durable mark of a source in a log.
type Mark func(ctx context.Context, source string) (position int64, known bool, err error)

// MarkIn is the Mark of a log that holds its marks in memory, as the embedded one does.
func MarkIn(marks func() map[string]int64) Mark {
	return func(_ context.Context, source string) (int64, bool, error) {
		position, known := marks()[source]
		return position, known, nil
	}
}

// FollowDeps is what a Follower works with.
type FollowDeps struct {
	Log        eventlog.Appender
	Mark       Mark // of Log
	Quarantine *Quarantine
	Logger     *slog.Logger
	Now        func() time.Time
}

// Follower brings what others write to partitions into a log, exactly once: the position becomes durable with the events
// before it, as a mark of the log. One Follower of a topic runs at a time.
type Follower struct {
	cfg     MessageConfig
	topic   Topic
	deps    FollowDeps
	retry   time.Duration // first pause between tries
	total   totals
	gaps    atomic.Int64
	missed  atomic.Int64
	retries atomic.Int64
	at      []atomic.Int64 // position, by partition; unknownValue before it is known
	lag     []atomic.Int64
}

// Stats tells what a connector did since it was made. Messages, Accepted and Rejected are durable.
type Stats struct {
	Totals
	Gaps    int64         // times that messages are known to be gone unread, or may be
	Missed  int64         // messages among them, where they can be counted; of Kafka, offsets
	Lag     int64         // Kafka: messages not read yet; a Redis Stream: ms from the last entry read to the last written; -1: not known
	Retries int64         // tries again after a failure of either side
	Away    time.Duration // time without the source, where what it sent then is gone
}

// NewFollower checks cfg.
func NewFollower(cfg MessageConfig, topic Topic, deps FollowDeps) (*Follower, error) {
	cfg.Shards = deps.Log.Shards()
	f := &Follower{cfg: cfg, topic: topic, deps: deps, retry: firstRetry, at: make([]atomic.Int64, topic.Partitions), lag: make([]atomic.Int64, topic.Partitions)}
	for p := range f.at {
		f.at[p].Store(unknownValue)
		f.lag[p].Store(unknownValue)
	}
	_, err := f.translator()
	return f, err
}

func (f *Follower) translator() (*Translator, error) {
	return NewTranslator(f.cfg, f.topic, TranslatorDeps{Quarantine: f.deps.Quarantine, Now: f.deps.Now})
}

// Run follows all partitions until ctx ends, and gives nil then. Failures of either side are tried again. It gives an
// error for what trying again can't heal: the topic is another one than the mark is of, or the log is closed.
func (f *Follower) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for p := range f.topic.Partitions {
		t, err := f.translator()
		if err != nil {
			return err
		}
		group.Go(func() error { return f.persist(ctx, p, t) })
	}
	group.Go(func() error { return f.watch(ctx) })
	return group.Wait()
}

// persist follows a partition through failures.
func (f *Follower) persist(ctx context.Context, p int, t *Translator) error {
	lost := 0
	for wait := f.retry; ; wait = min(2*wait, lastRetry) {
		began := f.deps.Now()
		err := f.follow(ctx, p, t)
		if errors.Is(err, eventlog.ErrLost) {
			lost++
		} else {
			lost = 0
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case lost == lostTries, errors.Is(err, eventlog.ErrClosed):
			return fmt.Errorf("follow %s: %w", f.topic.Name(p), err)
		}
		if f.deps.Now().Sub(began) > steadyFor {
			wait = f.retry
		}
		f.retries.Add(1)
		f.deps.Logger.Warn("source: trying again", "source", f.topic.Name(p), "wait", wait, "error", err)
		pause(ctx, wait)
	}
}

// follow reads from the mark on, until something fails.
func (f *Follower) follow(ctx context.Context, p int, t *Translator) error {
	at, err := f.position(ctx, p)
	if err != nil {
		return err
	}
	var messages []eventlog.Message
	for {
		if messages, err = f.topic.Messages.Messages(ctx, p, at, 0, followBytes, messages[:0]); err != nil {
			return fmt.Errorf("read at %d: %w", at, err)
		}
		if len(messages) == 0 {
			continue
		}
		next := messages[len(messages)-1].Next
		if err := f.bring(ctx, p, t, messages, next); err != nil {
			return fmt.Errorf("bring [%d, %d): %w", at, next, err)
		}
		at = next
	}
}

// bring makes messages and the position behind them durable.
func (f *Follower) bring(ctx context.Context, p int, t *Translator, messages []eventlog.Message, next rollcall.Offset) error {
	records, err := t.Split(ctx, messages)
	if err != nil {
		return err
	}
	// An interrupt must not leave the outcome open.
	ctx, cancel := graceful(ctx, followGrace)
	defer cancel()
	if err := f.deps.Log.Append(ctx, records, &eventlog.Mark{Source: f.topic.Mark(p), Position: int64(next)}); err != nil {
		return err
	}
	f.total.add(t.counts)
	f.at[p].Store(int64(next))
	return nil
}

// graceful ends a while after ctx.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		pause(longer, grace)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

// position is where the log's mark says, or the beginning.
func (f *Follower) position(ctx context.Context, p int) (rollcall.Offset, error) {
	mark, known, err := f.deps.Mark(ctx, f.topic.Mark(p))
	if err != nil {
		return 0, fmt.Errorf("read mark: %w", err)
	}
	first, next, err := f.topic.Bounds(ctx, p)
	if err != nil {
		return 0, fmt.Errorf("bounds: %w", err)
	}
	at := rollcall.Offset(mark)
	switch {
	case !known:
		at = first
	case at > next:
		return 0, fmt.Errorf("%w: it was read up to %d and ends at %d: is it another one of the same name? give it a new name, or begin a new log", eventlog.ErrLost, at, next)
	case at < first:
		f.gaps.Add(1)
		f.missed.Add(int64(first - at))
		f.deps.Logger.Error("source: messages were deleted before they were read", "source", f.topic.Name(p), "from", at, "to", first)
		at = first
	}
	f.at[p].Store(int64(at))
	return at, nil
}

// watch keeps the lag.
func (f *Follower) watch(ctx context.Context) error {
	for ; ctx.Err() == nil; pause(ctx, lagEvery) {
		for p := range f.at {
			if _, next, err := f.topic.Bounds(ctx, p); err == nil && f.at[p].Load() >= 0 {
				f.lag[p].Store(max(0, f.behind(rollcall.Offset(f.at[p].Load()), next)))
			}
		}
	}
	return nil
}

func (f *Follower) behind(at, next rollcall.Offset) int64 {
	switch {
	case next == math.MaxInt64:
		return 0
	case f.topic.Behind != nil:
		return f.topic.Behind(at, next)
	}
	return int64(next) - int64(at)
}

// Stats may be called at any time.
func (f *Follower) Stats() Stats {
	s := Stats{Totals: f.total.get(), Gaps: f.gaps.Load(), Missed: f.missed.Load(), Retries: f.retries.Load()}
	if f.topic.Gaps != nil {
		s.Gaps += f.topic.Gaps()
	}
	for p := range f.lag {
		lag := f.lag[p].Load()
		if lag < 0 {
			s.Lag = unknownValue
			break
		}
		s.Lag += lag
	}
	return s
}
