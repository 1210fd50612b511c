package redissource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"rollcall/eventlog"
	"rollcall/intake"
)

// PubSubConfig says what to listen to.
type PubSubConfig struct {
	Access
	intake.MessageConfig
	Channels   []string // those with one of *?[ are patterns
	Sequence   string   // name of the field that numbers the messages of a channel, rising by 1; empty: they are not numbered
	QueueBytes int64    // messages waiting to be appended, beyond which more are dropped; default 32 MiB
}

// PubSubDeps is what PubSub works with.
type PubSubDeps struct {
	Log        eventlog.Appender
	Mark       intake.Mark // of Log; nil for a log that keeps none
	Quarantine *intake.Quarantine
	Logger     *slog.Logger
	Now        func() time.Time
}

const (
	queueBytes    = 32 << 20
	messageWeight = 128 // bytes that a message counts for beside its text
	maxListed     = 1024
)

// PubSub brings what is published into a log, at most once. One of the same channels runs at a time.
type PubSub struct {
	cfg    PubSubConfig
	deps   PubSubDeps
	link   *link
	batch  batcher
	queue  chan rueidis.PubSubMessage
	queued atomic.Int64 // bytes

	dropped, gaps, away atomic.Int64
	missed, retries     atomic.Int64
}

// NewPubSub checks cfg. It connects in Run.
func NewPubSub(cfg PubSubConfig, deps PubSubDeps) (*PubSub, error) {
	if len(cfg.Channels) == 0 || len(cfg.Channels) > maxListed || slices.Contains(cfg.Channels, "") {
		return nil, fmt.Errorf("%d channels: want 1 to %d, none without a name", len(cfg.Channels), maxListed)
	}
	if cfg.QueueBytes == 0 {
		cfg.QueueBytes = queueBytes
	}
	l, err := newLink(cfg.Access)
	if err != nil {
		return nil, err
	}
	p := &PubSub{cfg: cfg, deps: deps, link: l, queue: make(chan rueidis.PubSubMessage, max(1, cfg.QueueBytes/messageWeight/8))}
	return p, p.batch.prepare(p)
}

// Run listens until ctx ends, appends what waits, and gives nil.
func (p *PubSub) Run(ctx context.Context) error {
	p.deps.Logger.Info("source: listening to Redis Pub/Sub, which delivers at most once: what is published while this process or its connection is away is lost",
		"channels", p.cfg.Channels)
	defer p.link.close()
	channels, patterns := p.split()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	over, done := make(chan struct{}), make(chan error, 1)
	go func() {
		defer stop()
		done <- p.batch.run(ctx, over)
	}()
	var listeners sync.WaitGroup
	listeners.Go(func() { p.listen(ctx, channels, false) })
	listeners.Go(func() { p.listen(ctx, patterns, true) })
	listeners.Wait()
	close(over)
	return <-done
}

func (p *PubSub) split() (channels, patterns []string) {
	for _, c := range p.cfg.Channels {
		if strings.ContainsAny(c, "*?[") {
			patterns = append(patterns, c)
		} else {
			channels = append(channels, c)
		}
	}
	return channels, patterns
}

// listen subscribes, and again whenever the connection is lost.
func (p *PubSub) listen(ctx context.Context, names []string, patterns bool) {
	if len(names) == 0 {
		return
	}
	a := absence{p: p}
	hooked := rueidis.WithOnSubscriptionHook(ctx, func(s rueidis.PubSubSubscription) {
		if s.Kind == "subscribe" || s.Kind == "psubscribe" {
			a.ends()
		}
	})
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, lastPause) {
		began := p.deps.Now()
		err := p.receive(hooked, names, patterns)
		if ctx.Err() != nil {
			return
		}
		a.begins()
		if p.deps.Now().Sub(began) > lastPause {
			wait = firstPause
		}
		p.retries.Add(1)
		p.deps.Logger.Warn("source: not listening; trying again", "channels", names, "wait", wait, "error", err)
		sleep(ctx, wait)
	}
}

func (p *PubSub) receive(ctx context.Context, names []string, patterns bool) error {
	client, err := p.link.get()
	if err != nil {
		return err
	}
	subscribe := client.B().Subscribe().Channel(names...).Build()
	if patterns {
		subscribe = client.B().Psubscribe().Pattern(names...).Build()
	}
	if err = client.Receive(ctx, subscribe, p.hear); err == nil {
		return errors.New("the server ended the subscription")
	}
	return p.link.scrub(err)
}

// hear is called on the connection's goroutine, which must not wait.
func (p *PubSub) hear(m rueidis.PubSubMessage) {
	if size := weight(&m); p.queued.Add(size) <= p.cfg.QueueBytes {
		select {
		case p.queue <- m:
			return
		default:
		}
	}
	p.queued.Add(-weight(&m))
	if p.dropped.Add(1)%1000 == 1 {
		p.deps.Logger.Error("source: the log does not keep up; messages are dropped", "dropped", p.dropped.Load())
	}
}

func weight(m *rueidis.PubSubMessage) int64 {
	return int64(len(m.Message)+len(m.Channel)) + messageWeight
}

// Stats may be called at any time. Missed counts messages dropped, numbers that never came, and events whose append has
// an unknown outcome. Gaps counts absences from the first subscription on; and Away their time, as far as it was noticed.
func (p *PubSub) Stats() intake.Stats {
	return intake.Stats{Totals: p.batch.totals.get(), Gaps: p.gaps.Load(), Missed: p.missed.Load() + p.dropped.Load(), Lag: -1,
		Retries: p.retries.Load(), Away: time.Duration(p.away.Load())}
}

// absence measures the time between the loss of a connection and the next subscription.
type absence struct {
	p     *PubSub
	since atomic.Int64 // Unix ns; 0 while there is none
	was   atomic.Bool  // it has listened before
}

func (a *absence) begins() {
	if a.was.Load() {
		a.since.CompareAndSwap(0, a.p.deps.Now().UnixNano())
	}
}

func (a *absence) ends() {
	a.was.Store(true)
	if since := a.since.Swap(0); since > 0 {
		away := a.p.deps.Now().UnixNano() - since
		a.p.gaps.Add(1)
		a.p.away.Add(away)
		a.p.deps.Logger.Warn("source: listening again; what was published meanwhile is lost", "away", time.Duration(away))
	}
}
