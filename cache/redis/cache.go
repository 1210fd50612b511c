package redis

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rollcall/cache"
	"rollcall/redisaddr"
)

// Cache is a cache.Level and cache.Announcements in a Redis, safe for concurrent use. After Close it finds, keeps and
// announces nothing.
type Cache struct {
	cfg     Config
	now     func() time.Time
	logger  *slog.Logger
	link    *link
	breaker *breaker
	pending *pending
	commits chan struct{} // holds a token while a commit is not announced
	meter   meter
	server  serverState

	closing chan struct{}
	drained sync.WaitGroup // the writer and the announcer
	once    sync.Once

	mu     sync.RWMutex // of closed: no work begins once it is true
	closed bool
	work   sync.WaitGroup
}

var (
	_ cache.Level         = (*Cache)(nil)
	_ cache.Announcements = (*Cache)(nil)
)

// drainTime is how long Close waits for what is pending.
const drainTime = time.Second

// New starts a cache. It fails only on a wrong Config: it waits a second at most for the server, and without one it
// starts all the same and connects when there is one. Close ends it.
func New(cfg Config, deps Deps) (*Cache, error) {
	deps.complete()
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("redis cache: %w", err)
	}
	addr, err := redisaddr.Parse(cfg.Addr)
	if err != nil {
		return nil, err
	}
	c := &Cache{cfg: cfg, now: deps.Now, logger: deps.Logger, pending: newPending(cfg.MaxPending, cfg.MaxPendingBytes),
		commits: make(chan struct{}, 1), closing: make(chan struct{}), link: newLink(addr, &cfg, deps.Logger)}
	c.breaker = &breaker{limit: cfg.Failures, pause: cfg.Pause, now: deps.Now, change: c.breakerTurned}
	c.start()
	return c, nil
}

func (c *Cache) start() {
	c.begin(c.link.connect)
	c.begin(c.watch)
	c.drained.Go(c.write)
	c.drained.Go(c.announce)
	wait := time.NewTimer(startWait)
	defer wait.Stop()
	select {
	case <-c.link.tried:
	case <-wait.C:
		c.logger.Warn("redis does not answer; starting without it", "addr", c.link.options.InitAddress)
	}
}

// begin runs f in a goroutine that Close waits for; false after Close.
func (c *Cache) begin(f func()) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.closed {
		c.work.Go(f)
	}
	return !c.closed
}

// Close writes what is pending, for a second at most, drops the rest, and ends every goroutine.
func (c *Cache) Close() {
	c.once.Do(func() {
		close(c.closing)
		c.waitDrained()
		c.mu.Lock()
		c.closed = true
		c.mu.Unlock()
		c.link.close()
		c.drained.Wait()
		c.work.Wait()
		c.link.release()
	})
}

func (c *Cache) waitDrained() {
	done := make(chan struct{})
	go func() { c.drained.Wait(); close(done) }()
	t := time.NewTimer(drainTime)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

func (c *Cache) breakerTurned(open bool, cause error) {
	if open {
		c.logger.Warn("redis does not answer; going on without it", "tries again every", c.cfg.Pause, "error", c.link.scrub(cause))
		return
	}
	c.logger.Info("redis answers again")
}

func (c *Cache) key(key string) string { return c.cfg.Prefix + ":" + key }
