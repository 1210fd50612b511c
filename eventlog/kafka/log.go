package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/semaphore"

	"rollcall/eventlog"
)

// Log is a topic as a log, for one process. Its methods may be called concurrently.
type Log struct {
	cfg    Config
	log    *slog.Logger
	opts   []kgo.Opt
	topic  topic
	admin  *kadm.Client // shares producer's connections
	ended  context.Context
	end    context.CancelCauseFunc
	wg     sync.WaitGroup
	meter  meter
	closed sync.Once

	producer *kgo.Client
	waiting  *semaphore.Weighted // bytes of payload that wait to be acknowledged
	appendMu sync.Mutex          // gives the records of a shard the order of their times
	values   sync.Pool

	readers readers

	memberMu sync.Mutex
	member   *kgo.Client // while Own runs
}

// Open connects, makes the topic when it does not exist and Config.Shards says how many partitions it is to have, and
// checks it. It waits AppendTimeout for a broker. ErrUnavailable: none answered.
func Open(ctx context.Context, cfg Config, deps Deps) (*Log, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("open kafka log: %w", err)
	}
	l := &Log{cfg: cfg, log: or(deps.Log, slog.Default())}
	l.ended, l.end = context.WithCancelCause(context.Background())
	l.waiting = semaphore.NewWeighted(cfg.AppendBytes)
	if err := l.connect(ctx); err != nil {
		l.stop()
		return nil, fmt.Errorf("open kafka log, topic %s: %w", cfg.Topic, err)
	}
	l.readers.init(l)
	l.wg.Go(l.watch)
	return l, nil
}

func (l *Log) connect(ctx context.Context) (err error) {
	if l.opts, err = l.cfg.client(l.log); err != nil {
		return err
	}
	if l.producer, err = kgo.NewClient(append(l.opts[:len(l.opts):len(l.opts)], l.produceOpts()...)...); err != nil {
		return err
	}
	l.admin = kadm.NewClient(l.producer)
	ctx, cancel := context.WithTimeout(ctx, l.cfg.AppendTimeout)
	defer cancel()
	return l.patiently(ctx, "open", func(ctx context.Context) error { return l.prepareTopic(ctx) })
}

// Shards is the number of partitions.
func (l *Log) Shards() int { return l.topic.partitions }

// Close ends all calls with ErrClosed. What was not acknowledged may or may not be in the log.
func (l *Log) Close() error {
	l.closed.Do(l.stop)
	return nil
}

func (l *Log) stop() {
	l.end(eventlog.ErrClosed)
	l.wg.Wait()
	l.readers.close()
	if l.producer != nil {
		l.producer.Close()
	}
}

// until makes a context that ends with the log too. Its cause tells which.
func (l *Log) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(l.ended, func() { cancel(context.Cause(l.ended)) })
	return ctx, func() { stop(); cancel(context.Canceled) }
}

// within is until with a limit of time.
func (l *Log) within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := l.until(ctx)
	limited, stop := context.WithTimeout(ctx, d)
	return limited, func() { stop(); cancel() }
}
