package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"rollcall/eventlog"
)

// reportTimeout bounds a Report, which holds up commits.
const reportTimeout = 5 * time.Second

// Report commits the offsets to the group, where Kafka's tools show them as its lag. It is one round trip. Between two
// generations of the group it tries again for a moment; what is refused then is made good by the next Report of the shard.
func (l *Log) Report(ctx context.Context, progress []eventlog.Progress) error {
	if len(progress) == 0 || l.cfg.Group == "" {
		return nil
	}
	ctx, cancel := l.within(ctx, reportTimeout)
	defer cancel()
	var err error
	for range 5 {
		if err = l.report(ctx, progress); err == nil || !errors.Is(err, kerr.RebalanceInProgress) && !errors.Is(err, kerr.IllegalGeneration) {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	if err != nil {
		return fmt.Errorf("report offsets to group %s: %w", l.cfg.Group, hint(err))
	}
	return nil
}

// report is one attempt, as the member of the group if there is one: who is none may only do it while the group is empty.
func (l *Log) report(ctx context.Context, progress []eventlog.Progress) error {
	client := l.producer
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = l.cfg.Group, -1
	if member := l.asMember(); member != nil {
		client = member
		req.MemberID, req.Generation = member.GroupMetadata()
	}
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = l.cfg.Topic, l.topic.id
	for _, p := range progress {
		part := kmsg.NewOffsetCommitRequestTopicPartition()
		part.Partition, part.Offset = int32(p.Shard), int64(p.Committed)
		t.Partitions = append(t.Partitions, part)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for i := range resp.Topics {
		for _, p := range resp.Topics[i].Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("shard %d: %w", p.Partition, err)
			}
		}
	}
	return nil
}

func (l *Log) asMember() *kgo.Client {
	l.memberMu.Lock()
	defer l.memberMu.Unlock()
	return l.member
}
