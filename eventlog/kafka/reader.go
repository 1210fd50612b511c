package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"rollcall"
)

// reader asks for the records of one partition at a time, over connections of its own: a broker answers the requests of a
// connection one after the other, so a shard without news would hold up the others.
type reader struct {
	client     *kgo.Client
	decompress kgo.Decompressor
	topic      string
	id         [16]byte
	leaders    []leader // by partition; nil when they must be asked for
	wait       int32    // ms
	maxBytes   int32

	// What the last answer held: the records from next on, and that there is nothing more up to end.
	shard     int
	slabs     slabs // hold rest
	rest      []*kgo.Record
	next, end rollcall.Offset
	stable    rollcall.Offset // the end of the shard, as that answer told it
}

type leader struct{ broker, epoch int32 }

func (l *Log) newReader(topic string, id [16]byte) (*reader, error) {
	client, err := kgo.NewClient(l.opts...)
	if err != nil {
		return nil, err
	}
	decompress, _ := client.OptValue(kgo.WithDecompressor).(kgo.Decompressor)
	return &reader{client: client, decompress: decompress, topic: topic, id: id, shard: -1,
		wait: int32(l.cfg.FetchWait.Milliseconds()), maxBytes: l.readers.maxBytes}, nil
}

// holds tells whether what was fetched already goes on at an offset.
func (r *reader) holds(shard int, from rollcall.Offset) bool {
	return r.shard == shard && from >= r.next && from < r.end
}

// load asks once for what lies at from and behind. Afterwards the reader holds it, or nothing if there was no news in time.
func (r *reader) load(ctx context.Context, shard int, from rollcall.Offset) (bytes int, err error) {
	r.shard, r.rest, r.next, r.end = shard, nil, from, from
	r.slabs.used = 0
	if r.leaders == nil {
		if err := r.findLeaders(ctx); err != nil {
			return 0, err
		}
	}
	if shard >= len(r.leaders) {
		return 0, fmt.Errorf("partition %d: %w", shard, kerr.UnknownTopicOrPartition)
	}
	answer, err := r.ask(ctx, r.leaders[shard], shard, from)
	if err != nil {
		r.leaders = nil
		return 0, err
	}
	got, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: int64(from), IsolationLevel: kgo.ReadCommitted(),
		Topic: r.topic, Partition: int32(shard), Pools: []kgo.Pool{&r.slabs}}, answer, r.decompress, nil)
	r.rest, r.end, r.stable = got.Records, rollcall.Offset(next), rollcall.Offset(got.LastStableOffset)
	if got.Err != nil && len(got.Records) == 0 && r.end == from {
		var code *kerr.Error
		if errors.As(got.Err, &code) {
			r.leaders = nil
			return 0, got.Err
		}
		return 0, &damage{shard, from, got.Err} // what came before it is handed out first
	}
	return len(answer.RecordBatches), nil
}

// findLeaders asks which broker leads each partition.
func (r *reader) findLeaders(ctx context.Context) error {
	req := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr(r.topic)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, r.client)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return fmt.Errorf("metadata of %d topics, asked for one", len(resp.Topics))
	}
	t := &resp.Topics[0]
	if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
		return err
	}
	if t.TopicID != r.id {
		return errOtherTopic
	}
	leaders := make([]leader, len(t.Partitions))
	for i := range leaders {
		leaders[i] = leader{-1, -1}
	}
	for i := range t.Partitions {
		if p := &t.Partitions[i]; p.Partition >= 0 && int(p.Partition) < len(leaders) {
			leaders[p.Partition] = leader{p.Leader, p.LeaderEpoch}
		}
	}
	r.leaders = leaders
	return nil
}

// errOtherTopic is the answer to a request for a topic that was deleted and made anew.
var errOtherTopic = errors.New("a topic of this name has another id")

// ask makes one fetch request for one partition.
func (r *reader) ask(ctx context.Context, at leader, shard int, from rollcall.Offset) (*kmsg.FetchResponseTopicPartition, error) {
	if at.broker < 0 {
		return nil, kerr.LeaderNotAvailable
	}
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel, req.SessionEpoch = -1, r.wait, 1, r.maxBytes, 1, -1
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes, p.CurrentLeaderEpoch = int32(shard), int64(from), r.maxBytes, at.epoch
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID, t.Partitions = r.topic, r.id, append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	answer, err := r.client.Broker(int(at.broker)).Request(ctx, req)
	if err != nil {
		return nil, err
	}
	resp, ok := answer.(*kmsg.FetchResponse)
	if !ok {
		return nil, fmt.Errorf("fetch was answered with a %T", answer)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 || resp.Topics[0].Partitions[0].Partition != int32(shard) {
		return nil, errors.New("fetch was answered for another partition")
	}
	return &resp.Topics[0].Partitions[0], nil
}

// damage is a batch that can't be read: its checksum is wrong, or it unfolds to too much. It is not stepped over.
type damage struct {
	shard int
	at    rollcall.Offset
	err   error
}

func (d *damage) Error() string {
	return fmt.Sprintf("shard %d: the batch at offset %d is damaged: %v", d.shard, d.at, d.err)
}

func (d *damage) Unwrap() error { return d.err }

func isDamage(err error) bool {
	var d *damage
	return errors.As(err, &d)
}
