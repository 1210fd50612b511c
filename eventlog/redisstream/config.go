package redisstream

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"rollcall/redisaddr"
)

// Config says which Redis holds the log and how it is used. Zero means the default.
type Config struct {
	Addr string // see redisaddr.Parse; default 127.0.0.1:6379

	Username, Password                 string      // over those in Addr
	SentinelUsername, SentinelPassword string      // of the sentinels themselves, if they want any
	TLS                                *tls.Config // TLS is used when this is set or Addr is rediss…://

	Prefix string // before each key, as {Prefix}, and in the names of the channels; default rollcall
	Shards int    // 1 to 1024; fixed for the life of the log
	Group  string // the consumer group that shows the committed position, for XINFO GROUPS; default rollcall

	Replicas int           // that must have an Append before it returns; 0: the primary alone
	Timeout  time.Duration // of an Append or Bounds; default 10 s
	Poll     time.Duration // how long a Fetch waits for an announcement before it looks again; default 1 s

	MaxBytes  int64         // memory of the streams beyond which Append fails, looked at each second; 0: as much as Redis gives
	Keep      time.Duration // how long records are kept at least, though every snapshot is behind them
	TrimEvery time.Duration // between two trims of a shard; default 10 s

	LeaseTime time.Duration // how long a member that says nothing keeps its shards; default 10 s
}

// Deps is what the log needs from outside. Zero means no messages.
type Deps struct {
	Logger *slog.Logger
}

const (
	maxShards  = 1024
	maxMarks   = 1 << 16
	maxSource  = 256 // bytes
	maxName    = 64  // bytes of the group's name
	minLease   = time.Second
	recordRoom = 64 // bytes that a record takes beside its payload, about
)

func (c *Config) complete() error {
	if c.Shards < 1 || c.Shards > maxShards {
		return fmt.Errorf("%d shards: want 1 to %d", c.Shards, maxShards)
	}
	if c.Replicas < 0 || c.Timeout < 0 || c.Poll < 0 || c.MaxBytes < 0 || c.Keep < 0 || c.TrimEvery < 0 || c.LeaseTime < 0 {
		return fmt.Errorf("sizes, counts and durations can't be negative")
	}
	fill(&c.Addr, "127.0.0.1:6379")
	fill(&c.Prefix, "rollcall")
	fill(&c.Group, "rollcall")
	fill(&c.Timeout, 10*time.Second)
	fill(&c.Poll, time.Second)
	fill(&c.TrimEvery, 10*time.Second)
	fill(&c.LeaseTime, 10*time.Second)
	if c.LeaseTime < minLease {
		return fmt.Errorf("lease of %s: want %s or more", c.LeaseTime, minLease)
	}
	if len(c.Group) > maxName {
		return fmt.Errorf("group of %d bytes: want at most %d", len(c.Group), maxName)
	}
	return redisaddr.CheckPrefix(c.Prefix)
}

func fill[T comparable](field *T, standard T) {
	var zero T
	if *field == zero {
		*field = standard
	}
}
