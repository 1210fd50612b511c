package reshard

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"rollcall"
	"rollcall/eventlog"
)

// Source is the log that is copied.
type Source interface {
	Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error)
	// Ends gives the offset behind the last record of each shard, all at one instant.
	Ends() []rollcall.Offset
	Marks() map[string]int64
}

// Config says where the copy is made and how fast.
type Config struct {
	Log  eventlog.Config // its Dir is emptied, and its limits of size and age hold once the copy is opened as a log
	Rate int64           // events/s at most; 0 as fast as it goes
	Step func(string)    // told of each of Steps; nil for nobody
}

// Steps are where a test may stop a copy: it is made; some of it is written; it is whole and durable.
var Steps = [...]string{"reshard.begun", "reshard.appended", "reshard.settled"}

// Copy is a log in the making. It is safe for concurrent use.
type Copy struct {
	to       *eventlog.Log
	dir      string
	files    *unsynced
	received atomic.Int64 // of the records that are appended, Unix ms
	tokens   *rate.Limiter
	step     func(string)

	mu     sync.Mutex // of what is below, and of one who copies at a time
	from   Source
	at     []rollcall.Offset // by shard of the log: what is behind it is not copied yet
	rows   *rows
	failed error // what ended the copy: some of what was read may be in it
}

// Begin makes an empty copy of a log, in place of what is in the directory. ErrTrimmed when the log's beginning is gone.
func Begin(ctx context.Context, cfg Config, from *eventlog.Log, logger *slog.Logger) (*Copy, error) {
	for shard := range from.Shards() {
		first, _, err := from.Bounds(ctx, shard)
		if err == nil && first > 0 {
			err = fmt.Errorf("shard %d of the log begins at offset %d: %w", shard, first, eventlog.ErrTrimmed)
		}
		if err != nil {
			return nil, fmt.Errorf("copy the log: %w", err)
		}
	}
	if err := os.RemoveAll(cfg.Log.Dir); err != nil {
		return nil, fmt.Errorf("copy the log: %w", err)
	}
	c := &Copy{dir: cfg.Log.Dir, files: newUnsynced(), from: from, at: make([]rollcall.Offset, from.Shards()), rows: newRows(cfg.Log.Shards), step: cfg.Step}
	if c.step == nil {
		c.step = func(string) {}
	}
	if cfg.Rate > 0 {
		c.tokens = rate.NewLimiter(rate.Limit(cfg.Rate), int(max(cfg.Rate/4, 1)))
	}
	cfg.Log.MaxBytes, cfg.Log.MaxAge = 0, 0
	var err error
	c.to, err = eventlog.Open(cfg.Log, eventlog.Deps{FS: c.files, Now: func() time.Time { return time.UnixMilli(c.received.Load()) }, Logger: logger})
	if err != nil {
		return nil, err
	}
	c.step(Steps[0])
	return c, nil
}

// Follow goes on with another handle on the same log.
func (c *Copy) Follow(from Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from = from
}

// Log is the copy as it is, which nobody extends by reading.
func (c *Copy) Log() eventlog.Fetcher { return c.to }

// Fetch reads the copy.
func (c *Copy) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	return c.to.Fetch(ctx, shard, from, until, maxBytes, buf)
}

// Bounds copies what has come into the log, and gives the bounds of the copy then.
func (c *Copy) Bounds(ctx context.Context, shard int) (first, next rollcall.Offset, err error) {
	if err := c.catchUp(ctx); err != nil {
		return 0, 0, err
	}
	return c.to.Bounds(ctx, shard)
}

func (c *Copy) catchUp(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		if err := c.copy(ctx); err != nil {
			c.failed = fmt.Errorf("copy the log to %s: %w", c.dir, err)
		}
	}
	return c.failed
}

// Settle copies the rest of a log that nobody writes any more, and its marks, and makes all of the copy durable.
func (c *Copy) Settle(ctx context.Context) error {
	if err := c.catchUp(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for source, position := range c.from.Marks() {
		if err := c.to.Append(ctx, nil, &eventlog.Mark{Source: source, Position: position}); err != nil {
			return fmt.Errorf("copy the marks of the log to %s: %w", c.dir, err)
		}
	}
	if err := c.files.sync(c.dir, filepath.Dir(c.dir)); err != nil {
		return fmt.Errorf("make the copy of the log in %s durable: %w", c.dir, err)
	}
	c.step(Steps[2])
	return nil
}

// Close ends the copy and leaves its files.
func (c *Copy) Close() error { return c.to.Close() }
