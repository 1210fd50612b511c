package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall"
	"rollcall/eventlog"
)

// flaky fails some of the calls of either side, before or after they took effect.
type flaky struct {
	eventlog.Appender
	Messages
	calls atomic.Int64
}

func (f *flaky) fail() bool { return f.calls.Add(1)%3 == 0 }

func (f *flaky) Append(ctx context.Context, records []eventlog.Record, mark *eventlog.Mark) error {
	before := f.fail()
	if before && f.calls.Load()%2 == 0 {
		return eventlog.ErrFull
	}
	err := f.Appender.Append(ctx, records, mark)
	if before {
		return eventlog.ErrUnavailable
	}
	return err
}

func (f *flaky) topicMessages(ctx context.Context, p int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Message) ([]eventlog.Message, error) {
	if f.fail() {
		return nil, errors.New("no broker")
	}
	return f.Messages.Messages(ctx, p, from, until, min(maxBytes, 3000), buf)
}

type reading struct {
	*flaky
	bounds func(context.Context, int) (rollcall.Offset, rollcall.Offset, error)
}

func (r reading) Messages(ctx context.Context, p int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Message) ([]eventlog.Message, error) {
	return r.topicMessages(ctx, p, from, until, maxBytes, buf)
}

func (r reading) Bounds(ctx context.Context, p int) (first, next rollcall.Offset, err error) {
	return r.bounds(ctx, p)
}

func newFollower(t testing.TB, topic Topic, log eventlog.Appender, mark Mark, box *letterbox) *Follower {
	t.Helper()
	q := NewQuarantine(box, quiet())
	t.Cleanup(q.Close)
	f, err := NewFollower(messageConfig(), topic, FollowDeps{Log: log, Mark: mark, Quarantine: q, Logger: quiet(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	f.retry = time.Millisecond
	return f
}

// TestFollowExactlyOnce: whatever fails, before or after it took effect, and wherever the process is cut off, each event
// comes into the log once and in the order of its partition.
func TestFollowExactlyOnce(t *testing.T) {
	const n = 3000
	h, topic := heldTopic(3)
	for i := range n {
		h.put(Murmur2, fmt.Sprintf("u%d", i%40), activity(i), noon)
	}
	h.put(Murmur2, "u1", "nonsense", noon)
	log, box := openLog(t, t.TempDir()), &letterbox{fail: 1}
	defer log.Close()
	f := &flaky{Appender: log, Messages: h}
	topic.Messages = reading{f, h.Bounds}
	done := func() bool {
		total := int64(0)
		for _, at := range log.Marks() {
			total += at
		}
		return total == n+1
	}
	for rounds := 0; !done(); rounds++ {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		follower := newFollower(t, topic, f, MarkIn(log.Marks), box)
		go func() { ended <- follower.Run(ctx) }()
		for start := f.calls.Load(); f.calls.Load() < start+40 && !done(); {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if rounds > 1000 {
			t.Fatal("it does not get on")
		}
	}
	inOrder(t, stored(t, log), n)
	if got := reasons(box); !strings.Contains(got, "invalid_json nonsense") || !strings.HasPrefix(got, "kafka:events/") {
		t.Errorf("quarantine: %s", got)
	}
}

// TestFollowTellsOfGaps: what was deleted unread is counted, and the rest is read; a topic that is shorter than what was
// read of it stops the connector.
func TestFollowTellsOfGaps(t *testing.T) {
	h, topic := heldTopic(1)
	for i := range 100 {
		h.put(Murmur2, "u1", activity(i), noon)
	}
	log := openLog(t, t.TempDir())
	defer log.Close()
	if err := log.Append(t.Context(), nil, &eventlog.Mark{Source: "kafka:events/0", Position: 10}); err != nil {
		t.Fatal(err)
	}
	h.partitions[0] = slices.Clone(h.partitions[0][30:])
	follower := newFollower(t, topic, log, MarkIn(log.Marks), &letterbox{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- follower.Run(ctx) }()
	for follower.Stats().Accepted < 70 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if s := follower.Stats(); s.Gaps != 1 || s.Missed != 20 || s.Accepted != 70 || log.Marks()["kafka:events/0"] != 100 {
		t.Errorf("%+v, marks %v", s, log.Marks())
	}
	h.partitions[0] = h.partitions[0][:50]
	if err := newFollower(t, topic, log, MarkIn(log.Marks), &letterbox{}).Run(t.Context()); !errors.Is(err, eventlog.ErrLost) {
		t.Errorf("a shorter topic: %v", err)
	}
}

func TestMarkSourceIsBounded(t *testing.T) {
	topic := KafkaTopic(nil, strings.Repeat("t", 249), 1)
	if a, b := topic.Mark(1000000), topic.Mark(1000001); len(a) > maxMarkSource || a == b {
		t.Errorf("%q %q", a, b)
	}
}
