package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/cache"
	"rollcall/cache/redis"
	"rollcall/eventlog"
	"rollcall/intake"
	"rollcall/query"
	"rollcall/store/sqlite"
)

// node is the whole of Rollcall in one process, over one data directory:
//
//	files ─────────→ intake.Files ───┐
//	POST /v1/events → intake.Handler ─┼─→ eventlog.Log ─→ aggregate.Aggregator ─→ sqlite.Store ─→ cache.Cache ─→ query.Engine ─→ api, dashboard
//	demo, generate ───────────────────┘    DIR/log             │                  DIR/store.db ↑      ↕   ↑
//	                     └─ rejected ─→ intake.Quarantine ─────│───────────────────────────────┘    Redis │
//	                                                           └──────────────── Announce ────────────────┘
type node struct {
	cfg        Config
	calendar   rollcall.Calendar
	logger     *slog.Logger
	log        *eventlog.Log
	store      *sqlite.Store
	aggregator *aggregate.Aggregator
	cache      *cache.Cache
	level      *redis.Cache // nil without Redis
	quarantine *intake.Quarantine
	engine     *query.Engine

	stop     context.CancelFunc
	finished chan struct{} // Run has returned
	runErr   error         // valid once finished
}

// open takes the data directory over and starts folding. It makes the directory when there is none.
func open(e *world, cfg Config) (*node, error) {
	n, err := openData(e, cfg)
	if err != nil {
		return nil, err
	}
	if err := n.work(e.ctx); err != nil {
		return nil, errors.Join(err, n.closeParts())
	}
	return n, nil
}

// openData opens the log and the store, with nobody to fold.
func openData(e *world, cfg Config) (*node, error) {
	keepMemory(&cfg)
	if err := os.MkdirAll(cfg.Data, 0o755); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	location, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, err
	}
	n := &node{cfg: cfg, calendar: rollcall.NewCalendar(location), logger: e.logger, finished: make(chan struct{})}
	if err := n.openParts(e.ctx); err != nil {
		return nil, errors.Join(err, n.closeParts())
	}
	return n, nil
}

// work starts the aggregator, and the housekeeping beside it.
func (n *node) work(ctx context.Context) (err error) {
	c := &n.cfg
	n.aggregator, err = aggregate.New(ctx, aggregate.Config{
		Dimensions: c.Dimensions, Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: n.calendar, SessionGap: c.SessionGap,
		PassiveTypes: c.PassiveTypes, LateHorizon: c.LateHorizon, MinuteRetention: c.MinuteRetention, HourRetention: c.HourRetention,
		MaxValues: c.MaxDimensionValues, CommitInterval: c.CommitInterval, StateBytes: c.StateMemory,
	}, aggregate.Deps{Log: n.log, Shards: c.LogShards, Store: n.store, Logger: n.logger, Now: time.Now, Announce: n.cache.Announce, Step: failpoint()})
	if err != nil {
		return err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	n.stop = stop
	go n.run(run)
	return nil
}

// run runs the aggregator and the housekeeping until ctx ends or one fails.
func (n *node) run(run context.Context) {
	defer close(n.finished)
	var house sync.WaitGroup
	house.Go(func() { n.keepHouse(run) })
	house.Go(func() { n.report(run, "follow the commits", n.cache.Run(run)) })
	house.Go(func() { n.report(run, "make answers anew", n.engine.Prewarm(run)) })
	n.runErr = n.aggregator.Run(run)
	n.stop()
	house.Wait()
}

// openExisting is open for commands that have nothing to say about a directory without data.
func openExisting(e *world, cfg Config) (*node, error) {
	if err := existing(cfg); err != nil {
		return nil, err
	}
	return open(e, cfg)
}

// openAnswers opens data to be read. State is loaded and folding begins only when the log is ahead of the store.
func openAnswers(e *world, cfg Config) (*node, error) {
	if err := existing(cfg); err != nil {
		return nil, err
	}
	n, err := openData(e, cfg)
	if err != nil {
		return nil, err
	}
	behind, err := n.behind(e.ctx)
	if err == nil && behind {
		err = n.work(e.ctx)
	}
	if err != nil {
		return nil, errors.Join(err, n.closeParts())
	}
	return n, nil
}

func existing(cfg Config) error {
	if _, err := os.Stat(filepath.Join(cfg.Data, madeWith)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there are no data in %s: run rollcall import or rollcall serve, or name the directory with --data", cfg.Data)
	}
	return nil
}

// behind tells whether the log holds records that the store has not.
func (n *node) behind(ctx context.Context) (bool, error) {
	v, err := n.store.View(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = v.Close() }()
	for _, p := range v.Head().Shards {
		if _, next, err := n.log.Bounds(ctx, p.Shard); err != nil || next != p.Offset {
			return true, err
		}
	}
	return false, nil
}

func (n *node) openParts(ctx context.Context) (err error) {
	c := &n.cfg
	n.log, err = eventlog.Open(eventlog.Config{Dir: filepath.Join(c.Data, "log"), Shards: c.LogShards, SegmentBytes: c.LogSegmentBytes,
		TailBytes: c.LogTailBytes, MaxBytes: c.LogMaxBytes, MaxAge: c.LogMaxAge}, eventlog.Deps{Now: time.Now, Logger: n.logger})
	if errors.Is(err, eventlog.ErrLocked) {
		return held(c.Data, err)
	}
	if err != nil {
		return err
	}
	if err := remember(c); err != nil {
		return err
	}
	n.store, err = sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(c.Data, "store.db"), Dimensions: c.Dimensions, Shards: c.LogShards,
		Logger: n.logger, Step: failpoint()})
	if err != nil {
		return err
	}
	n.quarantine = intake.NewQuarantine(n.store, n.logger)
	if n.cache, err = n.openCache(); err != nil {
		return err
	}
	n.engine = query.New(n.engineConfig(), n.cache)
	return nil
}

func (n *node) engineConfig() query.Config {
	c := &n.cfg
	return query.Config{Dimensions: c.Dimensions, Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: n.calendar,
		MinuteRetention: c.MinuteRetention, HourRetention: c.HourRetention, MaxCost: c.MaxCost, Now: time.Now}
}

// shape tells intake what the events look like.
func (n *node) shape() intake.Shape {
	return intake.Shape{Dimensions: n.cfg.Dimensions, Fields: n.cfg.Fields, Location: n.calendar.Location(), MaxLine: int(n.cfg.MaxLine)}
}

// caughtUp waits until everything that is in the log now is committed.
func (n *node) caughtUp(ctx context.Context) error {
	if n.aggregator == nil {
		return nil
	}
	next := make([]rollcall.Offset, n.cfg.LogShards)
	for shard := range next {
		var err error
		if _, next[shard], err = n.log.Bounds(ctx, shard); err != nil {
			return err
		}
	}
	return n.whileWorking(ctx, func(ctx context.Context) error { return n.aggregator.Wait(ctx, next) })
}

// whileWorking runs do, and ends its ctx when the aggregator fails.
func (n *node) whileWorking(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-n.finished:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := do(ctx)
	select {
	case <-n.finished:
		return errors.Join(n.runErr, err)
	default:
		return err
	}
}

// close drains, commits, snapshots, and gives the directory free. Nothing may be taken in any more.
func (n *node) close() error {
	if n.aggregator == nil {
		return n.closeParts()
	}
	n.stop()
	<-n.finished
	return errors.Join(n.runErr, n.closeParts())
}

func (n *node) closeParts() (err error) {
	if n.quarantine != nil {
		n.quarantine.Close()
	}
	if n.level != nil { // the cache has stopped, or never ran
		n.level.Close()
	}
	if n.store != nil {
		err = n.store.Close()
	}
	if n.log != nil {
		err = errors.Join(err, n.log.Close())
	}
	return err
}
