package simtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/cache"
	"rollcall/eventlog"
	"rollcall/fold"
	"rollcall/query"
	"rollcall/record"
	"rollcall/simtest"
	"rollcall/store"
	"rollcall/store/sqlite"
)

// TestPipelineEqualsOracle runs random worlds through the embedded log, the aggregator, the SQLite store and the query
// engine, stopping and losing the aggregator at random points, and compares the answers to random queries.
func TestPipelineEqualsOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		simtest.Check(rt, false, func(w simtest.World) (simtest.Harness, error) { return openPipeline(t, w) })
	})
}

// TestPipelineWithLimitsEqualsOracle does the same with retentions and a late horizon.
func TestPipelineWithLimitsEqualsOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		simtest.Check(rt, true, func(w simtest.World) (simtest.Harness, error) { return openPipeline(t, w) })
	})
}

// pipeline is the whole way of the data in one process.
type pipeline struct {
	world        simtest.World
	dir          string
	received     int64
	log          *eventlog.Log
	store        *sqlite.Store
	reader       *sqlite.Reader // of a second process, when there is a second level of the cache
	caches       []*cache.Cache // of each process
	newLevel     func() (level, error)
	levels       []level
	asked        int
	owner        *owner
	crew         *crew            // of several aggregators, instead of the owner
	maxValues    int              // cap on values of a dimension and day; 0 for the default
	counted      []store.Position // at the end of a test
	segmentBytes int64            // of a file of the log; 0 for 64 KiB
	commits      atomic.Int64
	recorded     []string                                  // dimensions of the events in the log; nil for those of the figures
	openStore    func() (*sqlite.Store, error)             // nil for DIR/store.db
	erase        func(payload []byte) ([]byte, int, error) // what of each record comes into the log; nil for all
}

// level is a second level of the cache, shared by processes.
type level interface {
	cache.Level
	cache.Announcements
	Close()
}

// owner is a running aggregator.
type owner struct {
	*aggregate.Aggregator
	stop context.CancelFunc
	done chan error
}

func openPipeline(t *testing.T, w simtest.World, options ...func(*pipeline)) (*pipeline, error) {
	dir, err := os.MkdirTemp(t.TempDir(), "world")
	if err != nil {
		return nil, err
	}
	p := &pipeline{world: w, dir: dir}
	for _, set := range options {
		set(p)
	}
	return p, p.start()
}

func (p *pipeline) start() (err error) {
	quiet := slog.New(slog.DiscardHandler)
	now := func() time.Time { return time.UnixMilli(p.received) }
	shards := max(p.world.Config.Shards, 1)
	p.log, err = eventlog.Open(eventlog.Config{Dir: filepath.Join(p.dir, "log"), Shards: shards, SegmentBytes: p.segment()}, eventlog.Deps{Now: now, Logger: quiet})
	if err != nil {
		return err
	}
	if p.openStore == nil {
		p.openStore = func() (*sqlite.Store, error) {
			return sqlite.Open(context.Background(), sqlite.Config{Path: filepath.Join(p.dir, "store.db"), Dimensions: p.world.Config.Dimensions, Shards: shards})
		}
	}
	if p.store, err = p.openStore(); err != nil {
		return err
	}
	if err := p.openCaches(); err != nil {
		return err
	}
	if p.crew != nil {
		return p.crew.start(p)
	}
	p.owner, err = p.own(aggregate.Deps{})
	return err
}

// segment is the size of a file of the log.
func (p *pipeline) segment() int64 {
	if p.segmentBytes == 0 {
		return 1 << 16
	}
	return p.segmentBytes
}

// openCaches opens that of the process that writes, which learns of commits by announcements only. With a second level, it
// is one of two: that of a process that only reads and asks the store each time.
func (p *pipeline) openCaches() (err error) {
	p.caches, p.levels = nil, nil
	if err := p.openCache(p.store, time.Hour); err != nil || p.newLevel == nil {
		return err
	}
	if p.reader, err = sqlite.OpenReadOnly(context.Background(), filepath.Join(p.dir, "store.db")); err != nil {
		return err
	}
	return p.openCache(p.reader, 0)
}

// openCache gives a cache a small memory, which forgets blocks now and then.
func (p *pipeline) openCache(over store.Viewer, poll time.Duration) error {
	deps := cache.Deps{Store: over, Firsts: fold.ReadFirsts, Logger: slog.New(slog.DiscardHandler)}
	if p.newLevel != nil {
		behind, err := p.newLevel()
		if err != nil {
			return err
		}
		p.levels, deps.Level, deps.Announcements = append(p.levels, behind), behind, behind
	}
	p.caches = append(p.caches, cache.New(cache.Config{Bytes: 1 << (8 + 4*(p.world.Now%4)), Poll: poll, Cuboids: rollcall.Cuboids(len(p.world.Config.Dimensions))}, deps))
	return nil
}

const always = 1 << 20 * time.Hour

func orAlways(d time.Duration) time.Duration {
	if d == 0 {
		return always
	}
	return d
}

// folding is how events are folded with a configuration.
func (p *pipeline) folding(c *simtest.Config) aggregate.Config {
	return aggregate.Config{Dimensions: c.Dimensions, Calendar: rollcall.NewCalendar(c.Location),
		SessionGap: c.Gap, Earlier: c.Earlier, PassiveTypes: c.Passive, LateHorizon: c.LateHorizon, MinuteRetention: orAlways(c.MinuteRetention), HourRetention: orAlways(c.HourRetention),
		MaxValues: p.maxValues, CommitInterval: time.Millisecond, SnapshotEvents: 30, StateBytes: 1}
}

// own starts an aggregator, and waits until it has the shards unless others share them.
func (p *pipeline) own(deps aggregate.Deps) (*owner, error) {
	deps.Log, deps.Shards, deps.Announce, deps.Logger = p.log, p.log.Shards(), p.caches[0].Announce, slog.New(slog.DiscardHandler)
	if deps.Store == nil {
		deps.Store = hourly{p.store, &p.commits}
	}
	a, err := aggregate.New(context.Background(), p.folding(&p.world.Config), deps)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	o := &owner{a, stop, make(chan error, 1)}
	go func() { o.done <- a.Run(ctx) }()
	if deps.Ownership != nil {
		return o, nil
	}
	return o, o.live(ctx, p.log.Shards())
}

// live waits until all shards are taken up, or the aggregator gives up.
func (o *owner) live(ctx context.Context, shards int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	taken := make(chan error, 1)
	go func() { taken <- o.Wait(ctx, make([]rollcall.Offset, shards)) }()
	select {
	case err := <-taken:
		return err
	case err := <-o.done:
		o.done <- err
		return err
	}
}

func (p *pipeline) Append(events []simtest.Logged) error {
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[n].Received == events[0].Received {
			n++
		}
		p.received = events[0].Received
		if err := p.append(events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

func (p *pipeline) append(events []simtest.Logged) error {
	shards := p.log.Shards()
	encoders := make([]*record.Encoder, shards)
	recorded := p.recorded
	if recorded == nil {
		recorded = p.world.Config.Dimensions
	}
	for i := range encoders {
		encoders[i] = record.NewEncoder(recorded)
	}
	for i := range events {
		encoders[record.ShardOf(events[i].User, shards)].Add(&events[i].Event)
	}
	var records []eventlog.Record
	for shard, e := range encoders {
		if e.Count() == 0 {
			continue
		}
		payload := e.Bytes()
		if p.erase != nil {
			var err error
			if payload, _, err = p.erase(payload); err != nil {
				return err
			}
		}
		records = append(records, eventlog.Record{Shard: shard, Count: e.Count(), Payload: payload})
	}
	return p.log.Append(context.Background(), records, nil)
}

// Restart stops the aggregator, the store and the log, and starts them again.
func (p *pipeline) Restart() error {
	if err := p.Close(); err != nil {
		return err
	}
	return p.start()
}

// Crash lets a new owner take the shards while the old one runs: what the old one has not committed is lost, and it
// must find itself fenced if it had anything to commit.
func (p *pipeline) Crash() error {
	old := p.owner
	taken, err := p.own(aggregate.Deps{})
	if err != nil {
		return err
	}
	p.owner = taken
	old.stop()
	if err := <-old.done; err != nil && !errors.Is(err, store.ErrFenced) {
		return fmt.Errorf("the old owner: %w", err)
	}
	return nil
}

// engine answers at an instant, when everything in the log is committed.
func (p *pipeline) engine(ctx context.Context, now int64) (*query.Engine, error) {
	c, cached := p.world.Config, p.caches[p.asked%len(p.caches)]
	p.asked++
	if err := errors.Join(p.caughtUp(ctx), p.checkHistory(ctx)); err != nil {
		return nil, err
	}
	return query.New(query.Config{Dimensions: c.Dimensions, Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: rollcall.NewCalendar(c.Location),
		MinuteRetention: orAlways(c.MinuteRetention), HourRetention: orAlways(c.HourRetention), Now: func() time.Time { return time.UnixMilli(now) }}, cached), nil
}

func (p *pipeline) Retention(q simtest.Cohorts) ([]simtest.Row, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e, err := p.engine(ctx, q.Now)
	if err != nil {
		return nil, err
	}
	req, err := query.ParseRetention(q.Params(p.world.Config.Location))
	if err != nil {
		return nil, err
	}
	result, err := e.Retention(ctx, req)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := result.WriteJSON(&text); err != nil {
		return nil, err
	}
	return simtest.CohortRows(text.Bytes())
}

func (p *pipeline) Query(q simtest.Query) ([]simtest.Row, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := p.world.Config
	e, err := p.engine(ctx, p.received)
	if err != nil {
		return nil, err
	}
	req, err := query.ParseValues(q.Params(c.Location))
	if err != nil {
		return nil, err
	}
	result, err := e.Query(ctx, req)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := result.WriteJSON(&text); err != nil {
		return nil, err
	}
	var reply struct{ Rows []simtest.Row }
	return reply.Rows, json.Unmarshal(text.Bytes(), &reply)
}

// caughtUp waits until everything in the log is committed.
func (p *pipeline) caughtUp(ctx context.Context) error {
	next := make([]rollcall.Offset, p.log.Shards())
	for shard := range next {
		var err error
		if _, next[shard], err = p.log.Bounds(ctx, shard); err != nil {
			return err
		}
	}
	if p.crew != nil {
		return p.crew.wait(ctx, next)
	}
	return p.owner.Wait(ctx, next)
}

func (p *pipeline) Close() (err error) {
	if p.crew != nil {
		err = p.crew.close()
	} else {
		p.owner.stop()
		err = <-p.owner.done
	}
	for _, l := range p.levels {
		l.Close()
	}
	if p.reader != nil {
		err = errors.Join(err, p.reader.Close())
	}
	return errors.Join(err, p.store.Close(), p.log.Close())
}
