package aggregate

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/fold"
	"rollcall/store"
)

// Config is what the figures and the rhythm of commits depend on.
type Config struct {
	Dimensions      []string
	Renamed         map[string]string // dimensions by the names they had before
	Cuboids         []rollcall.Cuboid
	Calendar        rollcall.Calendar
	SessionGap      time.Duration
	PassiveTypes    []string
	Earlier         []rollcall.Rule // that sessions of before are made by, by rising Until
	LateHorizon     time.Duration   // 0 for no limit
	MinuteRetention time.Duration
	HourRetention   time.Duration
	MaxValues       int // distinct values a dimension may have on a day

	CommitInterval   time.Duration // between commits while events arrive
	CommitEvents     int64         // a commit is due earlier after so many events
	SnapshotInterval time.Duration
	SnapshotEvents   int64         // a snapshot is due earlier after so many events
	StateBytes       int64         // memory for the parts of state that can be written out and loaded again
	Grace            time.Duration // for the last commit, once Run is told to end
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
	set(&c.Grace, 20*time.Second)
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
	// Ownership says which shards are this process's own; nil when all are, and nobody else may take one.
	Ownership eventlog.Ownership
	// Reporter is told of every commit; nil for nobody.
	Reporter eventlog.Reporter
	// Announce tells readers of a commit, before Wait does; nil for nobody. It must not wait.
	Announce func()
	// Turn waits for this process's turn to write and gives what ends it; nil for no turns. Nothing rests on it.
	Turn func(ctx context.Context) (done func())
	// Step is told the name of each step of the commit cycle it passes (see Steps); nil in production.
	Step func(name string)
}

func (d Deps) defaults() Deps {
	if d.Step == nil {
		d.Step = func(string) {}
	}
	if d.Announce == nil {
		d.Announce = func() {}
	}
	if d.Turn == nil {
		d.Turn = func(context.Context) func() { return func() {} }
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return d
}

// Steps are the points of the commit cycle that Deps.Step is told of, besides those of the store.
var Steps = [...]string{"aggregate.folded", "aggregate.cut", "aggregate.commit", "aggregate.committed", "aggregate.announced"}

// Aggregator folds and commits the shards that are its own.
type Aggregator struct {
	cfg    Config
	deps   Deps
	values *values
	stats  stats

	folded atomic.Int64 // events folded since the last cut
	owned  atomic.Int64 // number of shards
	wake   chan struct{}

	mu      sync.Mutex
	workers []*worker     // by shard; nil where it is not owned
	changed chan struct{} // closed and replaced whenever a shard is taken up or a commit is in the store
}

// New makes an aggregator that owns no shard yet. It reads the dimension values from the store.
func New(ctx context.Context, cfg Config, deps Deps) (*Aggregator, error) {
	cfg, deps = cfg.Defaults(), deps.defaults()
	a := &Aggregator{cfg: cfg, deps: deps, wake: make(chan struct{}, 1), workers: make([]*worker, deps.Shards), changed: make(chan struct{})}
	var err error
	a.values, err = openValues(ctx, cfg, deps.Store)
	return a, err
}

// Run owns, folds and commits shards until ctx is done, then commits and snapshots what is folded, within Grace, and
// returns nil. It runs once.
func (a *Aggregator) Run(ctx context.Context) error {
	o := newOwner(ctx, a)
	ownership := a.deps.Ownership
	if ownership == nil {
		ownership = eventlog.Sole{Shards: a.deps.Shards}
	}
	return o.run(ctx, ownership)
}

// Wait returns once all shards are taken up and everything below the given offsets, one a shard, is committed.
func (a *Aggregator) Wait(ctx context.Context, next []rollcall.Offset) error {
	for {
		a.mu.Lock()
		changed, done := a.changed, true
		for shard, w := range a.workers {
			done = done && w != nil && w.live && w.committed.Offset >= next[shard]
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

// news wakes those who wait. The caller holds mu.
func (a *Aggregator) news() {
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *Aggregator) foldConfig(w *worker) fold.Config {
	passive := map[string]bool{}
	for _, t := range a.cfg.PassiveTypes {
		passive[t] = true
	}
	return fold.Config{
		Dims: len(a.cfg.Dimensions), Cuboids: a.cfg.Cuboids, Calendar: a.cfg.Calendar,
		Gap: a.cfg.SessionGap.Milliseconds(), Passive: passive, Earlier: a.cfg.Earlier, LateHorizon: a.cfg.LateHorizon.Milliseconds(),
		MinuteRetention: a.cfg.MinuteRetention.Milliseconds(), HourRetention: a.cfg.HourRetention.Milliseconds(),
		Text: a.values.text,
		Admit: func(dim int, d rollcall.Date, v rollcall.Value) bool {
			return a.values.admit(dim, d, v, w.replaying)
		},
	}
}
