package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"rollcall"
	"rollcall/eventlog"
)

// sampleBytes bounds what Sample takes of a partition.
const sampleBytes = 1 << 20

// Sample gives up to n of the newest messages of each partition of any topic, oldest first, in the order of partitions, and
// how many partitions there are. It takes a round trip or a few a partition, and AppendTimeout at most.
func (l *Log) Sample(ctx context.Context, topic string, n int) (messages []eventlog.Message, partitions int, err error) {
	ctx, cancel := l.within(ctx, l.cfg.AppendTimeout)
	defer cancel()
	err = l.patiently(ctx, "sample", func(ctx context.Context) (err error) {
		messages, partitions, err = l.sample(ctx, topic, n)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("sample topic %s: %w", topic, err)
	}
	return messages, partitions, nil
}

func (l *Log) sample(ctx context.Context, topic string, n int) (messages []eventlog.Message, partitions int, err error) {
	all, err := l.admin.ListTopics(ctx, topic)
	if err != nil {
		return nil, 0, err
	}
	t := all[topic]
	if errors.Is(t.Err, kerr.UnknownTopicOrPartition) {
		return nil, 0, fmt.Errorf("%w: it does not exist", errTopic)
	}
	if t.Err != nil {
		return nil, 0, t.Err
	}
	r, err := l.newReader(topic, t.ID)
	if err != nil {
		return nil, 0, err
	}
	defer r.client.Close()
	r.maxBytes = sampleBytes
	for p := range len(t.Partitions) {
		first, next, err := l.bounds(ctx, topic, p)
		if err != nil {
			return nil, 0, err
		}
		if messages, err = r.sample(ctx, p, max(first, next-min(next, rollcall.Offset(max(n, 0)))), next, messages); err != nil {
			return nil, 0, err
		}
	}
	return messages, len(t.Partitions), nil
}

// sample appends the messages of a partition that lie in [from, next), or as many of them as fit.
func (r *reader) sample(ctx context.Context, p int, from, next rollcall.Offset, to []eventlog.Message) ([]eventlog.Message, error) {
	for at, size := from, 0; at < next && size < sampleBytes; at = r.end {
		bytes, err := r.load(ctx, p, at)
		if err != nil {
			return nil, err
		}
		for _, k := range r.rest {
			if rollcall.Offset(k.Offset) < next {
				to = append(to, message(k))
			}
		}
		size += bytes
	}
	return to, nil
}
