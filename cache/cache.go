package cache

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// Config bounds the cache.
type Config struct {
	Bytes    int64         // of memory, default 256 MiB
	Poll     time.Duration // no view is older; 0 asks the store at each
	Cuboids  []rollcall.Cuboid
	Readers  int // most that are at the store at a time, default 12; it must be able to open some more views than that
	MaxStale int // most keys of the second level that one commit supersedes; beyond, they expire by themselves; default 4,096
}

// Deps are the parts the cache works with.
type Deps struct {
	Store         store.Viewer
	Level         Level         // nil for none
	Announcements Announcements // nil for none
	// Firsts reads the first events out of the chunks of a part of a dictionary, oldest first. Nil when nobody asks for them.
	Firsts func(chunks [][]byte) (*block.Firsts, error)
	Logger *slog.Logger
	Now    func() time.Time
}

// Cache reads the store through memory. It is safe for concurrent use.
type Cache struct {
	cfg    Config
	deps   Deps
	memory *Memory
	heads  *heads
	wake   chan struct{}
	moves  counter

	mu   sync.Mutex
	cold map[cellsKind][]block.Period // blocks of cells that were held when a commit superseded them

	readers chan struct{} // one for each that may have a view of the store open
}

type counter = atomic.Int64

// New makes an empty cache over a store.
func New(cfg Config, deps Deps) *Cache {
	if cfg.Bytes == 0 {
		cfg.Bytes = 256 << 20
	}
	if cfg.Readers == 0 {
		cfg.Readers = 12
	}
	if cfg.MaxStale == 0 {
		cfg.MaxStale = 4096
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	c := &Cache{cfg: cfg, deps: deps, memory: newMemory(cfg.Bytes), wake: make(chan struct{}, 1), readers: make(chan struct{}, cfg.Readers),
		cold: map[cellsKind][]block.Period{}}
	c.heads = newHeads(deps.Store, cfg.Poll, deps.Now, c.supersede)
	return c
}

// Memory is where readers keep what they derive from blocks.
func (c *Cache) Memory() *Memory { return c.memory }

// Announce tells of a commit that is in the store: every view opened from now on holds it. It does not wait.
func (c *Cache) Announce() {
	c.heard()
	if c.deps.Announcements != nil {
		c.deps.Announcements.Announce()
	}
}

// Head gives the newest head known, not older than Poll.
func (c *Cache) Head(ctx context.Context) (*store.Head, error) {
	k, err := c.heads.current(ctx)
	if err != nil {
		return nil, err
	}
	return k.head, nil
}

// Newest is Head, and tells whether the store can't be reached, so that there may be commits which the head does not show.
func (c *Cache) Newest(ctx context.Context) (head *store.Head, stale bool, err error) {
	k, err := c.heads.current(ctx)
	if err != nil {
		return nil, false, err
	}
	return k.head, !k.failed.IsZero(), nil
}

// Next waits for a head newer than after. It needs Run, or readers that ask.
func (c *Cache) Next(ctx context.Context, after *store.Head) (*store.Head, error) {
	return c.heads.next(ctx, after)
}

// Run looks for commits as they are announced and at least every half Poll, until ctx ends.
func (c *Cache) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if c.deps.Announcements != nil {
		g.Go(func() error { return c.deps.Announcements.Listen(ctx, c.heard) })
	}
	g.Go(func() error { c.look(ctx); return nil })
	return g.Wait()
}

func (c *Cache) heard() {
	c.heads.announce()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Cache) look(ctx context.Context) {
	tick := time.NewTicker(max(c.cfg.Poll/2, 10*time.Millisecond))
	defer tick.Stop()
	for failing := false; ; {
		k, err := c.heads.check(ctx)
		if failed := err != nil || !k.failed.IsZero(); failed != failing && ctx.Err() == nil {
			failing = failed
			c.deps.Logger.Warn("look for commits in the store", "reached", !failed, "error", err)
		}
		c.warm(ctx)
		select {
		case <-c.wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Read calls do with a view of one state of the store, and once more with a newer one when the store has gone on and a
// block of the first can't be had any more. Errors are those of do and of the store.
func (c *Cache) Read(ctx context.Context, do func(*View) error) error {
	k, err := c.heads.current(ctx)
	if err != nil {
		return err
	}
	v := &View{cache: c, ctx: ctx, head: k.head}
	if !k.failed.IsZero() {
		v.stale = k.checked
	}
	err = errors.Join(do(v), v.close())
	if !errors.Is(err, ErrMoved) {
		return err
	}
	c.moves.Add(1)
	c.heads.announce() // so that the next readers need not find out themselves
	v = &View{cache: c, ctx: ctx}
	if err := v.renew(); err != nil {
		return errors.Join(err, v.close())
	}
	return errors.Join(do(v), v.close())
}

// Moved counts the reads that had to begin again because the store had gone on.
func (c *Cache) Moved() int64 { return c.moves.Load() }
