package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"rollcall"
	"rollcall/eventlog"
)

// errTopic is the kind of every error about a topic that is not as it must be.
var errTopic = errors.New("the topic can't be used")

// maxMessage is the largest batch of a topic that is made here, bytes.
const maxMessage = 16 << 20

// properties of a topic that is made here. Time and size delete nothing: who takes a shard over needs the records since its
// snapshot, and verify and rebuild those since the first; what may go is for the operator to say. The time of a record is
// that of the broker, one clock for all who write a shard.
func properties() map[string]string {
	return map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
		"message.timestamp.type": "LogAppendTime", "max.message.bytes": strconv.Itoa(maxMessage)}
}

// topic is what was found of the topic on opening.
type topic struct {
	id         [16]byte
	partitions int
	maxBatch   int32
}

// prepareTopic finds the topic, or makes it.
func (l *Log) prepareTopic(ctx context.Context) error {
	found, err := l.look(ctx)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		if l.cfg.Shards == 0 {
			return fmt.Errorf("%w: it does not exist", errTopic)
		}
		if err = l.create(ctx); err == nil {
			return errors.New("the topic was made and is not there yet") // look again
		}
	}
	if err != nil {
		return err
	}
	if l.cfg.Shards != 0 && found.partitions != l.cfg.Shards {
		return wrongCount(found.partitions, l.cfg.Shards)
	}
	found.maxBatch = l.maxBatch(ctx)
	l.topic = found
	return nil
}

// look asks the brokers for the topic as it is now.
func (l *Log) look(ctx context.Context) (topic, error) {
	all, err := l.admin.ListTopics(ctx, l.cfg.Topic)
	if err != nil {
		return topic{}, err
	}
	t := all[l.cfg.Topic]
	if t.Err != nil {
		return topic{}, t.Err
	}
	return topic{id: t.ID, partitions: len(t.Partitions)}, nil
}

func (l *Log) create(ctx context.Context) error {
	all := properties()
	maps.Copy(all, l.cfg.Properties)
	configs := map[string]*string{}
	for name, value := range all {
		configs[name] = &value
	}
	replication := int16(-1)
	if l.cfg.Replication > 0 {
		replication = int16(min(l.cfg.Replication, 1<<15-1))
	}
	_, err := l.admin.CreateTopic(ctx, int32(l.cfg.Shards), replication, configs, l.cfg.Topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil // another process was faster
	}
	if err == nil {
		l.log.Info("kafka topic made", "topic", l.cfg.Topic, "partitions", l.cfg.Shards)
	}
	return err
}

// maxBatch is the largest batch that the topic takes; Kafka's default when it may not be asked.
func (l *Log) maxBatch(ctx context.Context) int32 {
	const kafkas = 1 << 20
	n, err := l.setting(ctx, "max.message.bytes")
	if err != nil {
		return kafkas
	}
	return int32(min(max(n, 1<<10), 64<<20))
}

// setting asks for one of the topic's settings that are numbers.
func (l *Log) setting(ctx context.Context, key string) (int64, error) {
	all, err := l.admin.DescribeTopicConfigs(ctx, l.cfg.Topic)
	if err != nil {
		return 0, err
	}
	for _, t := range all {
		if t.Err != nil {
			return 0, t.Err
		}
		for _, c := range t.Configs {
			if c.Key == key {
				return strconv.ParseInt(c.MaybeValue(), 10, 64)
			}
		}
	}
	return 0, fmt.Errorf("%w: its %s is not told", errTopic, key)
}

// Retention is how old records become before the topic lets go of them; negative for ever.
func (l *Log) Retention(ctx context.Context) (time.Duration, error) {
	ctx, cancel := l.within(ctx, l.cfg.AppendTimeout)
	defer cancel()
	ms, err := l.setting(ctx, "retention.ms")
	if err != nil {
		return 0, fmt.Errorf("retention of topic %s: %w", l.cfg.Topic, hint(err))
	}
	return time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond, nil
}

func wrongCount(has, want int) error {
	return fmt.Errorf("%w: it has %d partitions and log.shards is %d: users are spread over the shards by their number, so set log.shards to %d for a new store, or name another topic", errTopic, has, want, has)
}

// watch looks at the topic now and then: with another number of partitions, or another topic of the name, all calls fail.
func (l *Log) watch() {
	for {
		select {
		case <-l.ended.Done():
			return
		case <-time.After(l.cfg.Refresh):
		}
		ctx, cancel := context.WithTimeout(l.ended, l.cfg.Refresh)
		if t, err := l.look(ctx); err == nil {
			l.compare(t)
		}
		cancel()
	}
}

// compare refuses all work when the topic is no longer the one that was opened.
func (l *Log) compare(t topic) {
	var err error
	switch {
	case t.id != l.topic.id:
		err = fmt.Errorf("topic %s: %w: it was deleted and made anew: %w; start with a new store, or restore the topic", l.cfg.Topic, errTopic, eventlog.ErrLost)
	case t.partitions != l.topic.partitions:
		err = fmt.Errorf("topic %s: %w", l.cfg.Topic, wrongCount(t.partitions, l.topic.partitions))
	default:
		return
	}
	if context.Cause(l.ended) == nil {
		l.log.Error("kafka log stops", "error", err)
	}
	l.end(err)
}

// Identity names the topic for ever: its name, its id, which a topic made anew does not share, and its partitions. A store
// that was filled from one identity must not go on with another.
func (l *Log) Identity(context.Context) (string, error) {
	return fmt.Sprintf("kafka:%s:%s:%d", l.cfg.Topic, hex.EncodeToString(l.topic.id[:]), l.topic.partitions), nil
}

// Bounds gives the first offset kept, and the one behind the last record that a committed reader can see. It asks the
// brokers: two round trips.
func (l *Log) Bounds(ctx context.Context, shard int) (first, next rollcall.Offset, err error) {
	if err := l.checkShard(shard); err != nil {
		return 0, 0, err
	}
	ctx, cancel := l.within(ctx, l.cfg.AppendTimeout)
	defer cancel()
	err = l.patiently(ctx, "bounds", func(ctx context.Context) (err error) {
		first, next, err = l.bounds(ctx, l.cfg.Topic, shard)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("bounds of shard %d: %w", shard, err)
	}
	return first, next, nil
}

func (l *Log) checkShard(shard int) error {
	if shard < 0 || shard >= l.topic.partitions {
		return fmt.Errorf("shard %d of %d", shard, l.topic.partitions)
	}
	return nil
}

func (l *Log) bounds(ctx context.Context, topic string, shard int) (first, next rollcall.Offset, err error) {
	for _, list := range []struct {
		of func(context.Context, ...string) (kadm.ListedOffsets, error)
		to *rollcall.Offset
	}{{l.admin.ListStartOffsets, &first}, {l.admin.ListCommittedOffsets, &next}} {
		all, err := list.of(ctx, topic)
		if err != nil {
			return 0, 0, err
		}
		o, ok := all.Lookup(topic, int32(shard))
		if !ok {
			return 0, 0, fmt.Errorf("partition %d of topic %s was not listed", shard, topic)
		}
		if o.Err != nil {
			return 0, 0, o.Err
		}
		*list.to = rollcall.Offset(o.Offset)
	}
	return first, next, nil
}
