package kafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Config is what a Log needs to know. The zero of what has a default means the default.
type Config struct {
	Brokers  []string // host:port of some of the cluster's
	Topic    string
	Shards   int    // partitions of Topic; 0: as many as it has, and it must exist
	Group    string // of Own and Report
	ClientID string // shown in the broker's logs and quotas; default rollcall

	TLS  *tls.Config // nil: no TLS
	SASL SASL

	Replication int               // of a topic that is made; 0: the broker's default
	Properties  map[string]string // of a topic that is made, over those of this package

	AppendTimeout    time.Duration // until Append gives up, and Open and Bounds do; default 30 s
	AppendBytes      int64         // payload that waits to be acknowledged; default 64 MiB
	FetchBytes       int64         // records that were fetched and not yet asked for; default 64 MiB
	FetchWait        time.Duration // how long a broker waits for a record before it answers that there is none; default 500 ms
	SessionTimeout   time.Duration // silence after which a member of the group is dead; default 10 s
	RebalanceTimeout time.Duration // until a member must have let go of shards; default 60 s
	Refresh          time.Duration // between two looks at the number of partitions; default 30 s
}

// SASL is how to log in. No Mechanism: not at all.
type SASL struct {
	Mechanism      string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	User, Password string
}

// Deps are what a Log works with.
type Deps struct {
	Log *slog.Logger // nil: slog.Default()
}

func (c Config) withDefaults() Config {
	c.ClientID = or(c.ClientID, "rollcall")
	c.AppendTimeout = or(c.AppendTimeout, 30*time.Second)
	c.AppendBytes = or(c.AppendBytes, 64<<20)
	c.FetchBytes = or(c.FetchBytes, 64<<20)
	c.FetchWait = or(c.FetchWait, 500*time.Millisecond)
	c.SessionTimeout = or(c.SessionTimeout, 10*time.Second)
	c.RebalanceTimeout = or(c.RebalanceTimeout, time.Minute)
	c.Refresh = or(c.Refresh, 30*time.Second)
	return c
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func (c Config) check() error {
	switch {
	case len(c.Brokers) == 0:
		return errors.New("no brokers")
	case c.Topic == "":
		return errors.New("no topic")
	case c.Shards < 0 || c.Shards > maxShards:
		return fmt.Errorf("%d shards: want 1 to %d", c.Shards, maxShards)
	}
	_, err := c.SASL.mechanism()
	return err
}

const (
	maxShards     = 4096
	metadataAge   = 250 * time.Millisecond // at least, between two looks of a client for leaders
	maxDecompress = 256 << 20              // of one batch: what is hostile or mad unfolds to no more
)

// client makes the options of every client: how to reach the cluster, and to log in.
func (c Config) client(log *slog.Logger) ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.ClientID(c.ClientID), kgo.WithLogger(logger{log}),
		kgo.MaxDecompressBatchBytes(maxDecompress), kgo.MetadataMinAge(metadataAge), kgo.MetadataMaxAge(max(c.Refresh, metadataAge)),
		kgo.RetryTimeout(c.AppendTimeout), kgo.DialTimeout(5 * time.Second), kgo.RequestTimeoutOverhead(5 * time.Second)}
	if c.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(c.TLS.Clone()))
	}
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	return append(opts, mechanism...), nil
}

func (s SASL) mechanism() ([]kgo.Opt, error) {
	if s.Mechanism != "" && (s.User == "" || s.Password == "") {
		return nil, fmt.Errorf("%s needs a user and a password", s.Mechanism)
	}
	switch s.Mechanism {
	case "":
		return nil, nil
	case "PLAIN":
		return []kgo.Opt{kgo.SASL(plain.Auth{User: s.User, Pass: s.Password}.AsMechanism())}, nil
	case "SCRAM-SHA-256":
		return []kgo.Opt{kgo.SASL(scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism())}, nil
	case "SCRAM-SHA-512":
		return []kgo.Opt{kgo.SASL(scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism())}, nil
	}
	return nil, fmt.Errorf("SASL mechanism %q: want PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
}
