package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a store whose blocks tell which version they are of: a period of version v has v events, and the users 0 to v-1
// in each shard.
type world struct {
	mu       sync.Mutex
	head     store.Head
	err      error         // of View
	gate     chan struct{} // when not nil, View takes one thing from it first
	arrived  chan struct{} // when not nil, View puts one thing into it before it waits at the gate
	pool     chan struct{} // when not nil, bounds the views that are open
	views    int
	loads    []string              // "cells 3-5", "sets 0 3-5", "ledger 1-2"
	empty    map[block.Period]bool // periods whose blocks are gone
	loading  func(context.Context) error
	readFail error
}

func newWorld(shards int, periods ...block.Period) *world {
	w := &world{head: store.Head{Identity: 7, Build: 1, Version: 1, Committed: 1, Shards: make([]store.Position, shards)}, empty: map[block.Period]bool{}}
	for _, p := range periods {
		for clock := range store.NumClocks {
			w.head.Stamps[clock] = append(w.head.Stamps[clock], store.Stamp{Period: p, Version: 1})
		}
	}
	return w
}

// commit touches some periods, on every clock.
func (w *world) commit(periods ...block.Period) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.head.Version++
	for clock := range w.head.Stamps {
		w.head.Stamps[clock] = slices.Clone(w.head.Stamps[clock])
		for i, s := range w.head.Stamps[clock] {
			if slices.Contains(periods, s.Period) {
				w.head.Stamps[clock][i].Version = w.head.Version
			}
		}
	}
	return w.head.Version
}

func (w *world) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

func (w *world) asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.views
}

func (w *world) loaded() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.loads
	w.loads = nil
	return l
}

func (w *world) View(ctx context.Context) (store.View, error) {
	if w.pool != nil {
		select {
		case w.pool <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	w.mu.Lock()
	w.views++
	head, err, gate, arrived := w.head, w.err, w.gate, w.arrived
	w.mu.Unlock()
	if arrived != nil {
		arrived <- struct{}{}
	}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		w.release()
		return nil, err
	}
	v := &worldView{world: w, head: &head, ctx: ctx}
	return v, nil
}

func (w *world) release() {
	if w.pool != nil {
		<-w.pool
	}
}

// worldView is a view that ends with its context, as those of the stores do.
type worldView struct {
	*world
	head *store.Head
	ctx  context.Context
	once sync.Once
}

func (v *worldView) Head() *store.Head { return v.head }
func (v *worldView) Close() error      { v.once.Do(v.release); return nil }

func (v *worldView) begin(ctx context.Context, what string) error {
	if v.ctx.Err() != nil {
		return errors.New("the view is closed, or its context is done")
	}
	v.mu.Lock()
	v.loads = append(v.loads, what)
	loading, err := v.loading, v.readFail
	v.mu.Unlock()
	if loading != nil {
		err = errors.Join(err, loading(ctx))
	}
	return errors.Join(err, ctx.Err())
}

func (v *worldView) Cells(ctx context.Context, g rollcall.Grain, c rollcall.Cuboid, from, until block.Period) (list []*block.Cells, err error) {
	if err := v.begin(ctx, fmt.Sprintf("cells %d-%d", from, until-1)); err != nil {
		return nil, err
	}
	for _, s := range v.head.Between(store.ClockOf(g), from, until) {
		if !v.empty[s.Period] {
			list = append(list, cellsOf(g, c, s))
		}
	}
	return list, nil
}

func cellsOf(g rollcall.Grain, c rollcall.Cuboid, s store.Stamp) *block.Cells {
	var b block.CellsBuilder
	b.Reset(block.CellKey{Grain: g, Period: s.Period, Cuboid: c})
	b.Add(0, make([]rollcall.Value, c.Size()), &rollcall.Counters{rollcall.Events: int64(s.Version)})
	return b.Build()
}

func (v *worldView) Sets(ctx context.Context, g rollcall.Grain, shard int, from, until block.Period, masks bool) (list []*block.Packed, err error) {
	if err := v.begin(ctx, fmt.Sprintf("sets %d %d-%d", shard, from, until-1)); err != nil {
		return nil, err
	}
	for _, s := range v.head.Between(store.ClockOf(g), from, until) {
		if v.empty[s.Period] {
			continue
		}
		var b block.SetsBuilder
		b.Reset(block.SetKey{Grain: g, Period: s.Period, Shard: shard}, 0)
		for u := range s.Version {
			b.Add(nil, uint32(u), 1)
		}
		built := b.Build()
		users, marks := built.Encode()
		if !masks {
			marks = nil
		}
		p, err := block.OpenSets(users, marks, built.Key)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func (v *worldView) Ledger(ctx context.Context, from, until int64, _ bool) (rows []store.LedgerRow, err error) {
	if err := v.begin(ctx, fmt.Sprintf("ledger %d-%d", from/dayMS, until/dayMS-1)); err != nil {
		return nil, err
	}
	for _, s := range v.head.Between(store.LedgerClock, store.LedgerDay(from), store.LedgerDay(until-1)+1) {
		rows = append(rows, store.LedgerRow{Hour: int64(s.Period) * dayMS, Duplicates: int64(s.Version)})
	}
	return rows, nil
}

func (v *worldView) State(context.Context, store.StateKey) ([]store.StateChunk, error) {
	return nil, nil
}

func (v *worldView) States(context.Context, store.StateKey, int64) ([]store.StateChunk, error) {
	return nil, nil
}

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_700_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func cacheOver(w store.Viewer, c *clock, cfg Config, level Level) *Cache {
	deps := Deps{Store: w, Level: level, Logger: slog.New(slog.DiscardHandler)}
	if c != nil {
		deps.Now = c.now
	}
	if cfg.Cuboids == nil {
		cfg.Cuboids = []rollcall.Cuboid{0}
	}
	return New(cfg, deps)
}

// versions reads the cells of the days and tells which version each is of, 0 for an empty block.
func versions(ctx context.Context, v *View) (found []uint64, err error) {
	blocks, err := v.Cells(ctx, rollcall.Day, 0, v.Head().Stamps[store.DayClock])
	for _, b := range blocks {
		n := uint64(0)
		if b != nil {
			n = uint64(b.Counters[rollcall.Events][0])
		}
		found = append(found, n)
	}
	return found, err
}

func stamped(h *store.Head) (versions []uint64) {
	for _, s := range h.Stamps[store.DayClock] {
		versions = append(versions, s.Version)
	}
	return versions
}

// readAll reads everything the world has and fails when it is not all of the view's head.
func readAll(ctx context.Context, c *Cache) error {
	return c.Read(ctx, func(v *View) error {
		found, err := versions(ctx, v)
		if err != nil {
			return err
		}
		if want := stamped(v.Head()); !slices.Equal(found, want) {
			return fmt.Errorf("cells of versions %v, want %v", found, want)
		}
		for shard := range v.Head().Shards {
			for _, masks := range []bool{false, true} {
				sets, err := v.Sets(ctx, rollcall.Day, shard, v.Head().Stamps[store.DayClock], masks)
				if err != nil {
					return err
				}
				for i, p := range sets {
					s, err := p.Sets()
					if err != nil || p.HasMasks() != masks || uint64(len(s.Users)) != stamped(v.Head())[i] {
						return fmt.Errorf("sets of %v: %v, %w", p.Key, s, err)
					}
				}
			}
		}
		return nil
	})
}

// levelMap is a second level in memory.
type levelMap struct {
	mu    sync.Mutex
	blobs map[string][]byte
	gets  int
	hits  int
}

func newLevel() *levelMap { return &levelMap{blobs: map[string][]byte{}} }

func (l *levelMap) Get(_ context.Context, keys []string) [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make([][]byte, len(keys))
	for i, k := range keys {
		l.gets++
		if found[i] = l.blobs[k]; found[i] != nil {
			l.hits++
		}
	}
	return found
}

func (l *levelMap) Put(blobs map[string][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(l.blobs, blobs)
}

func (l *levelMap) Delete(keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		delete(l.blobs, k)
	}
}

func (l *levelMap) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.blobs)
}

func (v *worldView) History(ctx context.Context, day rollcall.Date) (*store.History, error) {
	if err := v.begin(ctx, "history"); err != nil {
		return nil, err
	}
	return &store.History{Begins: int64(v.head.Version), Changes: []store.Change{{Day: day, LastVersion: v.head.Stamp(store.DayClock, block.Period(day))}}}, nil
}
