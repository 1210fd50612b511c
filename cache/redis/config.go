package redis

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"rollcall/redisaddr"
)

// Config says which Redis and how it is used. Zero means the default.
type Config struct {
	Addr string // see redisaddr.Parse; default 127.0.0.1:6379

	Username, Password                 string      // over those in Addr
	SentinelUsername, SentinelPassword string      // of the sentinels themselves, if they want any
	TLS                                *tls.Config // TLS is used when this is set or Addr is rediss…://

	Prefix string        // before each key and in the name of the channel; default rollcall
	TTL    time.Duration // how long a blob is kept, in seconds; default 1 h

	MaxValueBytes   int // larger blobs are neither put nor taken from the server; default 8 MiB
	MaxPending      int // keys waiting to be written or deleted, beyond which more are dropped; default 16384
	MaxPendingBytes int // the same for the bytes of their blobs; default 64 MiB

	Timeout  time.Duration // the longest wait in a Get; default 100 ms
	Failures int           // failed Gets in a row that open the breaker; default 3
	Pause    time.Duration // how long the breaker stays open before the next try; default 1 s
}

// Deps is what the cache needs from outside. Zero means the machine's clock, and no messages.
type Deps struct {
	Now    func() time.Time
	Logger *slog.Logger
}

func (c *Config) complete() error {
	if c.TTL < 0 || c.Timeout < 0 || c.Pause < 0 || c.Failures < 0 || c.MaxValueBytes < 0 || c.MaxPending < 0 || c.MaxPendingBytes < 0 {
		return fmt.Errorf("sizes, counts and durations can't be negative")
	}
	if c.TTL > 0 && c.TTL < time.Second {
		return fmt.Errorf("ttl %s: want a second or more", c.TTL)
	}
	fill(&c.Addr, "127.0.0.1:6379")
	fill(&c.Prefix, "rollcall")
	fill(&c.TTL, time.Hour)
	fill(&c.MaxValueBytes, 8<<20)
	fill(&c.MaxPending, 16384)
	fill(&c.MaxPendingBytes, 64<<20)
	fill(&c.Timeout, 100*time.Millisecond)
	fill(&c.Failures, 3)
	fill(&c.Pause, time.Second)
	return redisaddr.CheckPrefix(c.Prefix)
}

func fill[T comparable](field *T, standard T) {
	var zero T
	if *field == zero {
		*field = standard
	}
}

func (d *Deps) complete() {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
}
