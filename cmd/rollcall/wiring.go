package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/archive"
	"rollcall/cache"
	"rollcall/cache/redis"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/intake"
	"rollcall/query"
	"rollcall/store"
	"rollcall/turns"
	"rollcall/verify"
)

// node is one process: the roles it has, over one log and one store.
//
//	files ─────────→ intake.Files ───┐
//	POST /v1/events → intake.Handler ─┼─→ log ──────────→ aggregate.Aggregator ──→ store ─────→ cache.Cache ─→ query.Engine ─→ api, dashboard
//	source ────────→ connector ───────┘    DIR/log, Kafka      │                  DIR/store.db, ↑      ↕   ↑
//	                     └─ rejected ─→    or Redis Streams    │                  or MySQL      │    Redis │
//	                        intake.Quarantine ─────────────────│────────────────────────────────┘          │
//	                                                           └──────────────── Announce ─────────────────┘
//	role intake ──────────────────────┘    role aggregate ─────┘                  role query ──────────────────────┘
type node struct {
	cfg       Config
	calendar  rollcall.Calendar
	logger    *slog.Logger
	started   time.Time
	log       logPart            // as the build that is open reads it: without users that were erased
	raw       logPart            // log with them
	embedded  *eventlog.Log      // the log, when it is in the data directory
	logDir    string             // where that is
	ownership eventlog.Ownership // nil for an embedded log
	identity  string             // of a log on servers

	partitioners intake.Partitioners // of a topic that is read directly; 0 when none is
	source       source
	store        storePart
	builds       store.Builds
	closeBuilds  func() error                                                // nil when there is nothing to close
	openBuild    func(ctx context.Context, b store.Build) (storePart, error) // another one than store is open on
	build        store.Build                                                 // that the store is open on
	retired      atomic.Bool                                                 // another build is active
	remakes      *remakes                                                    // of a process that serves
	erasures     store.Erasures                                              // nil for a data directory
	erased       *erase.List                                                 // whom the build that is open passes over
	erasing      *intent                                                     // an erasure on servers that had begun and not ended; nil for none
	desk         *desk                                                       // between an embedded log and the aggregator
	endStreams   func()
	aggregator   *aggregate.Aggregator // nil without that role
	archive      *archive.Archive      // nil without
	background   *verify.Background    // nil without
	cache        *cache.Cache
	level        *redis.Cache // nil without Redis
	turns        *turns.Turns // nil without turns
	quarantine   *intake.Quarantine
	trimmer      *intake.Trimmer
	letters      letterTally
	engine       *query.Engine
	through      tracker

	stop     context.CancelFunc
	finished chan struct{} // Run has returned
	runErr   error         // valid once finished
}

// logPart is what a node needs of a log, whatever its kind.
type logPart interface {
	eventlog.Appender
	eventlog.Fetcher
	eventlog.Reporter
	Close() error
}

// storePart is what a node needs of a store, whatever its kind.
type storePart interface {
	store.Writer
	store.Viewer
	store.Keeper
	store.Letters
	store.Verifications
	Close() error
}

// open takes the data directory over and starts folding. It makes the directory when there is none.
func open(e *world, cfg Config) (*node, error) {
	if !cfg.embedded() {
		return nil, usageError("this works on a data directory, and the configuration names a log and a store on servers: give --server with the address of a running rollcall serve")
	}
	cfg.Source.Kind, cfg.Verify.Background = "", false // they are for a server
	return openRoles(e, cfg)
}

// openRoles starts the roles of this process.
func openRoles(e *world, cfg Config) (*node, error) {
	n, err := openData(e, cfg)
	if err != nil {
		return nil, err
	}
	if n.embedded != nil {
		n.erasing, err = readIntent(cfg.Data)
	}
	if err != nil || n.erasing != nil {
		e.logger.Warn("an erasure of users has begun here and not ended: unless it is under way, it goes on with rollcall erase --yes", "error", err)
	}
	if err := n.work(e.ctx); err != nil {
		n.abandon()
		return nil, err
	}
	return n, nil
}

// openData opens the log and the store, with nobody to fold.
func openData(e *world, cfg Config) (*node, error) {
	keepMemory(&cfg)
	n := &node{cfg: cfg, logger: e.logger, started: time.Now(), finished: make(chan struct{})}
	if err := n.openParts(e.ctx); err != nil {
		return nil, errors.Join(err, n.closeParts())
	}
	for _, note := range n.cfg.notes {
		fmt.Fprintln(e.err, "note:", note)
	}
	return n, nil
}

// work starts the aggregator, and what goes on beside it.
func (n *node) work(ctx context.Context) (err error) {
	if n.cfg.has(roleAggregate) {
		if n.aggregator, err = n.newAggregator(ctx); err != nil {
			return err
		}
	}
	n.background = n.newBackground()
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	n.stop = stop
	go n.run(run)
	if n.embedded == nil {
		return nil
	}
	return n.whileWorking(ctx, func(ctx context.Context) error {
		return n.aggregator.Wait(ctx, make([]rollcall.Offset, n.cfg.LogShards))
	})
}

// run runs the roles until ctx ends or one fails.
func (n *node) run(run context.Context) {
	defer close(n.finished)
	var house sync.WaitGroup
	house.Go(func() { n.report(run, "follow the commits", n.cache.Run(run)) })
	if n.cfg.has(roleQuery) {
		house.Go(func() { n.report(run, "make answers anew", n.engine.Prewarm(run)) })
	}
	if n.embedded == nil {
		house.Go(func() { n.track(run) })
	}
	var sourceErr error
	if n.source.run != nil {
		house.Go(func() {
			if sourceErr = n.source.run(run); sourceErr != nil {
				sourceErr = fmt.Errorf("source: %w", sourceErr)
				n.stop()
			}
		})
	}
	if n.aggregator != nil {
		house.Go(func() { n.keepHouse(run) })
		if n.background != nil {
			house.Go(func() { n.background.Run(run) })
		}
		if n.archive != nil {
			house.Go(func() { n.archive.Run(run) })
		}
		if n.runErr = n.aggregator.Run(run); errors.Is(n.runErr, store.ErrRetired) {
			n.runErr = nil
			n.retired.Store(true)
		}
	} else {
		<-run.Done()
	}
	n.stop()
	house.Wait()
	n.runErr = errors.Join(n.runErr, sourceErr)
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
	behind := false
	if n.embedded != nil {
		behind, err = n.behind(e.ctx)
	}
	if err == nil && behind {
		err = n.work(e.ctx)
	}
	if err != nil {
		n.abandon()
		return nil, err
	}
	return n, nil
}

func existing(cfg Config) error {
	if !cfg.embedded() {
		return nil
	}
	all, err := buildsIn(cfg.Data)
	if err != nil {
		return err
	}
	if len(all) == 0 {
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
	if err := n.resolve(ctx); err != nil {
		return err
	}
	if n.calendar, err = calendarOf(&n.cfg); err != nil {
		return err
	}
	if err := n.openLog(ctx); err != nil {
		return err
	}
	if err := n.openStore(ctx); err != nil {
		return err
	}
	n.quarantine = intake.NewQuarantine(afterAll{n}, n.logger)
	n.trimmer = intake.NewTrimmer(n.cfg.Quarantine, n.store, n.logger)
	if err := n.openSource(ctx); err != nil {
		return err
	}
	if err := n.passOver(ctx); err != nil {
		return err
	}
	if n.archive, err = n.openArchive(); err != nil {
		return err
	}
	if n.cache, err = n.openCache(); err != nil {
		return err
	}
	n.engine = query.New(n.engineConfig(), n.cache)
	return nil
}

func (n *node) engineConfig() query.Config {
	c := &n.cfg
	return query.Config{Dimensions: c.Dimensions, Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: n.calendar,
		MinuteRetention: c.MinuteRetention, HourRetention: c.HourRetention, MaxCost: c.MaxCost, Now: time.Now, Builds: listing{n}.Builds}
}

// shape tells intake what the events look like.
func (n *node) shape() intake.Shape {
	dimensions := n.cfg.Dimensions
	if n.cfg.Recorded != nil && (n.partitioners == 0 || n.cfg.rebuilds) { // messages that are read directly give the events that the figures are of
		dimensions = n.cfg.Recorded
	}
	return intake.Shape{Dimensions: dimensions, Fields: n.cfg.Fields, Location: n.calendar.Location(), MaxLine: int(n.cfg.MaxLine)}
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
	if n.stop == nil {
		return n.closeParts()
	}
	n.stop()
	<-n.finished
	return errors.Join(n.runErr, n.closeParts())
}

// abandon closes what failed to start, whose error is told already.
func (n *node) abandon() {
	if err := n.close(); err != nil {
		n.logger.Debug("close what failed to start", "error", err)
	}
}

func (n *node) closeParts() (err error) {
	if n.quarantine != nil {
		n.quarantine.Close()
	}
	if n.source.close != nil {
		n.source.close()
	}
	if n.level != nil { // the cache has stopped, or never ran
		n.level.Close()
	}
	if n.turns != nil {
		n.turns.Close()
	}
	if n.store != nil {
		err = n.store.Close()
	}
	if n.closeBuilds != nil {
		err = errors.Join(err, n.closeBuilds())
	}
	if n.log != nil {
		err = errors.Join(err, n.log.Close())
	}
	return err
}
