package eventlog

import (
	"context"
	"errors"
	"fmt"

	"rollcall"
)

// The errors of a log. They are wrapped with the operation and the position.
var (
	ErrFull        = errors.New("the log is full")                // refused, nothing written; try again when there is room
	ErrUnavailable = errors.New("the log is unavailable")         // the outcome of the call is unknown; an event id makes a retry safe
	ErrClosed      = errors.New("the log is closed")              //
	ErrTrimmed     = errors.New("the offset was trimmed")         // retention has deleted it
	ErrLost        = errors.New("the log ends before the offset") // what was read before is gone; other records would take its place
)

// Record is one entry of a shard: a batch of Count events. It covers the offsets [Offset, Offset+Count) in a log that
// numbers events, as the embedded log does; other logs number records. Next is the offset to go on from after it. A record
// of no events has no payload and only tells that there is nothing up to Next.
type Record struct {
	Shard    int
	Offset   rollcall.Offset // given by the log
	Next     rollcall.Offset // given by the log
	Received int64           // Unix ms, given by the log at Append
	Count    int
	Payload  []byte // valid until the next Fetch into the same slice
	Foreign  bool   // somebody else wrote it into the log: Payload is as found, and no batch of events
}

// Message is one entry of a partition that others write: Shard is the partition, and Key and Value are theirs, nil where
// they gave none. A control message has neither and only tells that there is nothing up to Next.
type Message struct {
	Shard        int
	Offset, Next rollcall.Offset
	Time         int64  // Unix ms, as the writer or the broker set it
	Key, Value   []byte // valid until the next Messages into the same slice
	Control      bool
}

// Mark tells how far a source has been read. It becomes durable together with the records of its Append, so that an
// interrupted import goes on exactly where it stopped.
type Mark struct {
	Source   string // at most 256 bytes
	Position int64
	Done     bool // the source was read to its end: the mark may be forgotten
}

// Appender writes to the log.
type Appender interface {
	// Shards is the number of partitions.
	Shards() int
	// Append writes records, each to its shard, and returns when they are durable. Payloads are not kept. After an error
	// that is not ErrFull some of them may be in the log.
	Append(ctx context.Context, records []Record, mark *Mark) error
}

// Fetcher reads the log.
type Fetcher interface {
	// Fetch waits until shard has a record at or after from, and appends up to maxBytes of records to buf[:0] (at
	// least one record). None of them reaches over until, unless one of the log's own records covers it; 0 is no limit.
	Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []Record) ([]Record, error)
	// Bounds gives the first offset kept and the offset after the last durable record.
	Bounds(ctx context.Context, shard int) (first, next rollcall.Offset, err error)
}

// CorruptError tells that durable bytes are damaged.
type CorruptError struct {
	File   string
	Offset int64 // byte position in File
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s: byte %d: %s", e.File, e.Offset, e.Reason)
}
