package intake

import (
	"context"
	"encoding/hex"
	"strconv"

	"github.com/zeebo/xxh3"

	"rollcall"
	"rollcall/eventlog"
)

// Messages is what others write: partitions of messages at rising offsets.
type Messages interface {
	// Messages waits until the partition has a message at or after from, and gives up to maxBytes of them in buf[:0], at
	// least one. Until, unless 0, is the Next of a message: none behind it is given.
	Messages(ctx context.Context, partition int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Message) ([]eventlog.Message, error)
	// Bounds gives the first offset kept and the offset behind the last message, math.MaxInt64 if there is no partition yet.
	Bounds(ctx context.Context, partition int) (first, next rollcall.Offset, err error)
}

// Topic is Messages with names for what it holds.
type Topic struct {
	Messages
	Partitions int
	Name       func(partition int) string   // of a partition, for people, in dead letters and in marks
	Place      func(rollcall.Offset) string // of a message; nil writes the offset as a number

	Behind func(at, next rollcall.Offset) int64 // how much is unread; nil is their difference
	Gaps   func() int64                         // that reading has met; nil is none
}

// KafkaTopic names the partitions of a Kafka topic kafka:topic/partition.
func KafkaTopic(m Messages, topic string, partitions int) Topic {
	return Topic{Messages: m, Partitions: partitions, Name: func(p int) string { return "kafka:" + topic + "/" + strconv.Itoa(p) }}
}

// At is where a message lies: partition@offset.
func (t *Topic) At(m *eventlog.Message) string {
	if t.Place != nil {
		return t.Name(m.Shard) + "@" + t.Place(m.Offset)
	}
	return t.Name(m.Shard) + "@" + strconv.FormatUint(uint64(m.Offset), 10)
}

const (
	maxMarkSource = 256 // bytes
	markPrefix    = 200 // that stay of a longer name, before its hash
)

// Mark is the source of the mark that tells how far a partition has been read.
func (t *Topic) Mark(partition int) string { return markSource(t.Name(partition)) }

func markSource(name string) string {
	if len(name) <= maxMarkSource {
		return name
	}
	sum := xxh3.Hash128([]byte(name)).Bytes()
	return name[:markPrefix] + "#" + hex.EncodeToString(sum[:])
}
