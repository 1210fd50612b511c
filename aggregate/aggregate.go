package aggregate

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/fold"
	"rollcall/store"
)

// Config is what the figures and the rhythm of commits depend on.
type Config struct {
	Dimensions      []string
	Cuboids         []rollcall.Cuboid
	Calendar        rollcall.Calendar
	SessionGap      time.Duration
	PassiveTypes    []string
	LateHorizon     time.Duration // 0 for no limit
	MinuteRetention time.Duration
	HourRetention   time.Duration
	MaxValues       int // distinct values a dimension may have on a day

	CommitInterval   time.Duration // between commits while events arrive
	CommitEvents     int64         // a commit is due earlier after so many events
	SnapshotInterval time.Duration
	SnapshotEvents   int64 // a snapshot is due earlier after so many events
	StateBytes       int64 // memory for the parts of state that can be written out and loaded again
}

// Defaults fills what is zero.
func (c Config) Defaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	setN := func(n *int64, v int64) {
		if *n == 0 {
			*n = v
		}
	}
	set(&c.SessionGap, 30*time.Minute)
	set(&c.MinuteRetention, 48*time.Hour)
	set(&c.HourRetention, 90*24*time.Hour)
	set(&c.CommitInterval, 200*time.Millisecond)
	set(&c.SnapshotInterval, time.Minute)
	setN(&c.CommitEvents, 1_000_000)
	setN(&c.SnapshotEvents, 2_000_000)
	setN(&c.StateBytes, 256<<20)
	if c.MaxValues == 0 {
		c.MaxValues = 10_000
	}
	if c.Cuboids == nil {
		c.Cuboids = rollcall.Cuboids(len(c.Dimensions))
	}
	return c
}

// Store is what an aggregator needs of the store.
type Store interface {
	store.Writer
	store.Viewer
}

// Deps are the parts an aggregator works with.
type Deps struct {
	Log    eventlog.Fetcher
	Shards int
	Store  Store
	Logger *slog.Logger
	Now    func() time.Time
	// Announce tells readers of a commit, before Wait does; nil for nobody. It must not wait.
	Announce func()
	// Step is told the name of each step of the commit cycle it passes (see Steps); nil in production.
	Step func(name string)
}

// Steps are the points of the commit cycle that Deps.Step is told of, besides those of the store.
var Steps = [...]string{"aggregate.folded", "aggregate.cut", "aggregate.commit", "aggregate.committed", "aggregate.announced"}

// Aggregator folds and commits the shards it has acquired.
type Aggregator struct {
	cfg     Config
	deps    Deps
	values  *values
	workers []*worker
	open    []*part // shares taken and not yet committed, by shard; the committer's
	stats   stats

	folded  atomic.Int64 // events folded since the last cut
	wake    chan struct{}
	mu      sync.Mutex
	changed chan struct{} // closed and replaced with every commit
}

// New acquires all shards, loads their state and replays the log from the snapshot to the committed offset.
func New(ctx context.Context, cfg Config, deps Deps) (*Aggregator, error) {
	if deps.Step == nil {
		deps.Step = func(string) {}
	}
	if deps.Announce == nil {
		deps.Announce = func() {}
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	cfg = cfg.Defaults()
	a := &Aggregator{cfg: cfg, deps: deps, wake: make(chan struct{}, 1), changed: make(chan struct{})}
	var err error
	if a.values, err = openValues(ctx, cfg, deps.Store); err != nil {
		return nil, err
	}
	for shard := range deps.Shards {
		a.workers = append(a.workers, newWorker(a, shard))
		a.open = append(a.open, nil)
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, w := range a.workers {
		g.Go(func() error { return w.recover(gctx) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	deps.Announce() // of what the owner before has committed
	return a, nil
}

// Run folds and commits until ctx is done, then commits and snapshots what is folded and returns nil.
func (a *Aggregator) Run(ctx context.Context) error {
	g, work := errgroup.WithContext(ctx)
	for _, w := range a.workers {
		g.Go(func() error { return w.fetch(work) })
		g.Go(func() error { return w.run(work) })
	}
	g.Go(func() error { return a.commitLoop(work) })
	if err := g.Wait(); ctx.Err() == nil || err != nil {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	for range 2 { // first what was under way, then the rest
		if err := a.commit(last, true, func(w *worker, snapshot bool) (*part, error) { return w.cut(snapshot), nil }); err != nil {
			return err
		}
	}
	return nil
}

// Wait returns once everything below the given offsets, one a shard, is committed.
func (a *Aggregator) Wait(ctx context.Context, next []rollcall.Offset) error {
	for {
		a.mu.Lock()
		changed, done := a.changed, true
		for shard, w := range a.workers {
			done = done && w.committed.Offset >= next[shard]
		}
		a.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for commits: %w", ctx.Err())
		}
	}
}

func (a *Aggregator) foldConfig(w *worker) fold.Config {
	passive := map[string]bool{}
	for _, t := range a.cfg.PassiveTypes {
		passive[t] = true
	}
	return fold.Config{
		Dims: len(a.cfg.Dimensions), Cuboids: a.cfg.Cuboids, Calendar: a.cfg.Calendar,
		Gap: a.cfg.SessionGap.Milliseconds(), Passive: passive, LateHorizon: a.cfg.LateHorizon.Milliseconds(),
		MinuteRetention: a.cfg.MinuteRetention.Milliseconds(), HourRetention: a.cfg.HourRetention.Milliseconds(),
		Text: a.values.text,
		Admit: func(dim int, d rollcall.Date, v rollcall.Value) bool {
			return a.values.admit(dim, d, v, w.replaying)
		},
	}
}
