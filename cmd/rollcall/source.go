package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/eventlog/kafka"
	"rollcall/intake"
	"rollcall/intake/redissource"
	"rollcall/intake/registry"
)

// The kinds of source, besides kafka.
const (
	kindRedisStream = "redis_stream"
	kindRedisPubSub = "redis_pubsub"
)

// formatBatches is the format of the log of another Rollcall.
const formatBatches = "rollcall"

// batchesAtOnce is how many of its batches, which may become a record for each shard, are brought over in one transaction.
const batchesAtOnce = 2000

// samplesOf is how many of the newest messages of each partition are looked at, to see whether a topic is keyed by user.
const samplesOf = 200

// source brings what others write into the log, in the intake role.
type source struct {
	run   func(ctx context.Context) error
	stats func() intake.Stats
	close func()
}

// direct is a topic of others that is the log itself: its partitions are the shards.
type direct struct {
	*kafka.Log
	*intake.Foreign
}

var errForeignLog = errors.New("the log is a topic that others write; it takes no events over HTTP")

// Shards is the number of partitions.
func (d *direct) Shards() int { return d.Foreign.Shards() }

// Append refuses: what Rollcall would write there, the others could not read.
func (d *direct) Append(context.Context, []eventlog.Record, *eventlog.Mark) error {
	return errForeignLog
}

// Fetch gives the messages as records.
func (d *direct) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	return d.Foreign.Fetch(ctx, shard, from, until, maxBytes, buf)
}

// Bounds are those of the partition.
func (d *direct) Bounds(ctx context.Context, shard int) (first, next rollcall.Offset, err error) {
	return d.Foreign.Bounds(ctx, shard)
}

func (n *node) sourceTopic(l *kafka.Log) intake.Topic {
	return intake.KafkaTopic(l, n.cfg.Source.Topic, l.Shards())
}

// openTopic opens the source's topic to be read.
func (n *node) openTopic(ctx context.Context) (*kafka.Log, error) {
	c := &n.cfg.Source
	secured, err := overTLS("source", c.TLS, c.TLSCA)
	if err != nil {
		return nil, err
	}
	return kafka.Open(ctx, kafka.Config{Brokers: c.Brokers, Topic: c.Topic, Group: n.cfg.Log.Group, TLS: secured,
		SASL:       kafka.SASL{Mechanism: strings.ToUpper(c.SASL), User: c.Username, Password: c.Password},
		FetchBytes: n.cfg.Log.FetchBytes, SessionTimeout: n.cfg.Log.SessionTimeout}, kafka.Deps{Log: n.logger})
}

// openDirect opens the source's topic as the log, if it is to be read directly: because it is said so, or because live
// records show that it is keyed by user.
func (n *node) openDirect(ctx context.Context) (is bool, err error) {
	c := &n.cfg.Source
	if c.Kind != kindKafka || n.cfg.LogKind != kindKafka || c.Rekey == "always" || c.Format == formatBatches {
		return false, nil
	}
	l, err := n.openTopic(ctx)
	if err != nil {
		return false, err
	}
	partitioners := intake.AllPartitioners
	if c.Rekey == "auto" {
		if partitioners, err = n.judge(ctx, l); err != nil || partitioners == 0 {
			return false, errors.Join(err, l.Close())
		}
	}
	n.log, n.ownership, n.cfg.LogShards, n.partitioners = l, l, l.Shards(), partitioners
	n.identity, err = l.Identity(ctx)
	n.identity = "direct " + n.identity
	return true, err
}

// judge looks at live records, and gives the partitioners that explain them; none when the topic is not keyed by user.
func (n *node) judge(ctx context.Context, l *kafka.Log) (intake.Partitioners, error) {
	topic := n.cfg.Source.Topic
	samples, _, err := l.Sample(ctx, topic, samplesOf)
	if err != nil {
		return 0, err
	}
	messages, closing, err := n.messages()
	if err != nil {
		return 0, err
	}
	defer closing()
	v, err := intake.Keyed(ctx, messages, n.sourceTopic(l), samples)
	switch {
	case err != nil:
		return 0, err
	case v.Checked == 0:
		return 0, usageError("source.rekey: topic " + topic + " has no events yet by which to see whether it is keyed by user; give always, or never if it is")
	case !v.Keyed:
		n.logger.Info("the source is not keyed by user: its events are written anew into the log", "topic", topic, "why", v.Why)
		return 0, nil
	}
	n.logger.Info("the source is keyed by user and is read directly", "topic", topic, "looked at", v.Checked, "partitioner", v.Partitioners.String())
	return v.Partitioners, nil
}

// messages tells what the source's messages look like. The function closes what reads them.
func (n *node) messages() (intake.MessageConfig, func(), error) {
	c := &n.cfg.Source
	m := intake.MessageConfig{Shape: n.shape(), MessageTime: c.MessageTime}
	if m.Batches = c.Format == formatBatches; m.Batches || c.Format == "json" {
		return m, func() {}, nil
	}
	secured, err := overTLS("source", false, c.TLSCA)
	if err != nil {
		return m, nil, err
	}
	refused, err := c.refused()
	if err != nil {
		return m, nil, err
	}
	r, err := registry.New(registry.Config{Refuse: refused, URL: c.Registry, Username: c.RegistryUsername, Password: c.RegistryPassword, TLS: secured}, n.logger)
	if err != nil {
		return m, nil, fmt.Errorf("source.registry: %w", err)
	}
	if m.Format = r.Avro(); c.Format == "protobuf" {
		m.Format = r.Protobuf()
	}
	return m, r.Close, nil
}

// openSource makes the connector of the intake role, or the log of a topic that is read directly.
func (n *node) openSource(ctx context.Context) error {
	if n.cfg.Source.Kind == "" {
		return nil
	}
	m, closing, err := n.messages()
	if err != nil {
		return err
	}
	n.source.close = closing
	if l, is := n.log.(*kafka.Log); is && n.partitioners != 0 {
		f, err := intake.NewForeign(intake.ForeignConfig{MessageConfig: m, Partitioners: n.partitioners, Retentions: []time.Duration{n.cfg.MinuteRetention, n.cfg.HourRetention}},
			n.sourceTopic(l), intake.TranslatorDeps{Quarantine: n.quarantine, Now: time.Now})
		if err != nil {
			return err
		}
		n.log = &direct{l, f}
		n.source.stats = func() intake.Stats { return intake.Stats{Totals: f.Totals(), Lag: -1} }
		return nil
	}
	if !n.cfg.has(roleIntake) {
		return nil
	}
	switch n.cfg.Source.Kind {
	case kindRedisStream:
		return n.followStream(m)
	case kindRedisPubSub:
		return n.listen(m)
	}
	if n.cfg.LogKind == kindKafka {
		return n.rekey(m)
	}
	l, err := n.openTopic(ctx)
	if err != nil {
		return err
	}
	n.source.close = func() { closing(); n.report(ctx, "close the source", l.Close()) }
	return n.follow(m, n.sourceTopic(l))
}

// rekey writes the events of a topic anew into the log's, exactly once by transactions.
func (n *node) rekey(m intake.MessageConfig) error {
	c := &n.cfg.Source
	m.Shards = n.cfg.LogShards
	name := intake.Topic{Name: intake.KafkaTopic(nil, c.Topic, 0).Name}
	t, err := intake.NewTranslator(m, name, intake.TranslatorDeps{Quarantine: n.quarantine, Now: time.Now})
	if err != nil {
		return err
	}
	cfg, err := n.kafkaConfig()
	if err != nil {
		return err
	}
	from := kafka.Source{Topic: c.Topic, Group: c.Group}
	if m.Batches {
		from.Messages = batchesAtOnce
	}
	n.source.run = func(ctx context.Context) error {
		return kafka.Rekey(ctx, cfg, kafka.Deps{Log: n.logger}, from, t.Split)
	}
	n.source.stats = func() intake.Stats { return intake.Stats{Totals: t.Totals(), Lag: -1} }
	return nil
}

func (n *node) access() (redissource.Access, error) {
	c := &n.cfg.Source
	secured, err := overTLS("source", c.TLS, c.TLSCA)
	return redissource.Access{Addr: c.Addr, Username: c.Username, Password: c.Password, TLS: secured}, err
}

func (n *node) followStream(m intake.MessageConfig) error {
	access, err := n.access()
	if err != nil {
		return err
	}
	s, err := redissource.NewStream(redissource.StreamConfig{Access: access, Stream: n.cfg.Source.Stream, Field: n.cfg.Source.Field}, n.logger)
	if err != nil {
		return err
	}
	closing := n.source.close
	n.source.close = func() { closing(); s.Close() }
	return n.follow(m, s.Topic())
}

// follow appends the messages of a topic to a log that keeps with them how far it has come.
func (n *node) follow(m intake.MessageConfig, topic intake.Topic) error {
	f, err := intake.NewFollower(m, topic, intake.FollowDeps{Log: n.log, Mark: n.mark(), Quarantine: n.quarantine, Logger: n.logger, Now: time.Now})
	if err == nil {
		n.source.run, n.source.stats = f.Run, f.Stats
	}
	return err
}

// mark reads the marks of a log; nil for one that keeps none.
func (n *node) mark() intake.Mark {
	if n.embedded != nil {
		return intake.MarkIn(n.embedded.Marks)
	}
	if keeps, ok := n.log.(interface {
		Mark(ctx context.Context, source string) (int64, bool, error)
	}); ok {
		return keeps.Mark
	}
	return nil
}

func (n *node) listen(m intake.MessageConfig) error {
	access, err := n.access()
	if err != nil {
		return err
	}
	m.Shards = n.cfg.LogShards
	p, err := redissource.NewPubSub(redissource.PubSubConfig{Access: access, MessageConfig: m, Channels: n.cfg.Source.Channels, Sequence: n.cfg.Source.Sequence},
		redissource.PubSubDeps{Log: n.log, Mark: n.mark(), Quarantine: n.quarantine, Logger: n.logger, Now: time.Now})
	if err == nil {
		n.source.run, n.source.stats = p.Run, p.Stats
	}
	return err
}

// sourceStatus is the source's part of nodeStatus. Counts are since the start.
type sourceStatus struct {
	Kind     string `json:"kind"`
	Direct   bool   `json:"direct"` // its topic is the log
	Messages int64  `json:"messages"`
	Accepted int64  `json:"accepted"`
	Rejected int64  `json:"rejected"`
	Gaps     int64  `json:"gaps"`
	Missed   int64  `json:"missed"`
	Lag      *int64 `json:"lag,omitempty"`
	Retries  int64  `json:"retries"`
}

func (n *node) sourceStatus() *sourceStatus {
	if n.source.stats == nil {
		return nil
	}
	s := n.source.stats()
	_, is := n.raw.(*direct)
	status := &sourceStatus{Kind: n.cfg.Source.Kind, Direct: is, Messages: s.Messages, Accepted: s.Accepted, Rejected: s.Rejected, Gaps: s.Gaps, Missed: s.Missed, Retries: s.Retries}
	if s.Lag >= 0 {
		status.Lag = &s.Lag
	}
	return status
}

// line tells of a source in one line.
func (s *sourceStatus) line() string {
	return fmt.Sprintf("%s: %d messages, %d accepted, %d refused, %d gaps (%d missed), %d retries", cmp.Or(s.Kind, "none"), s.Messages, s.Accepted, s.Rejected, s.Gaps, s.Missed, s.Retries)
}
