package redissource

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/intake"
)

const (
	batchFor    = 50 * time.Millisecond // at most, from the first message of a batch
	batchBytes  = 1 << 20
	maxChannels = 10_000          // known by name; messages of more count as one channel's
	appendGrace = 5 * time.Second // for what waits when ctx ends
)

// batcher appends what is heard. Its fields belong to its goroutine, but for the totals.
type batcher struct {
	p          *PubSub
	translator *intake.Translator
	mark       string // its position is the number of batches appended
	number     int64
	channels   map[string]int
	names      []string
	sequences  []sequence // by channel
	count      rollcall.Offset
	messages   []eventlog.Message
	totals     totals
}

type totals struct{ messages, accepted, rejected, empty atomic.Int64 }

func (t *totals) get() intake.Totals {
	return intake.Totals{Messages: t.messages.Load(), Accepted: t.accepted.Load(), Rejected: t.rejected.Load(), Empty: t.empty.Load()}
}

func (b *batcher) prepare(p *PubSub) (err error) {
	b.p, b.channels, b.names, b.sequences = p, map[string]int{}, []string{"(other channels)"}, make([]sequence, 1)
	listed := slices.Sorted(slices.Values(p.cfg.Channels))
	name := intake.Topic{Name: func(int) string { return "redis-pubsub:" + strings.Join(listed, ",") }}
	b.mark = name.Mark(0)
	topic := intake.Topic{Partitions: math.MaxInt32, Name: func(channel int) string { return "redis:" + b.names[channel] }}
	cfg := p.cfg.MessageConfig
	cfg.Shards = p.deps.Log.Shards()
	b.translator, err = intake.NewTranslator(cfg, topic, intake.TranslatorDeps{Quarantine: p.deps.Quarantine, Now: p.deps.Now})
	return err
}

// run appends batches until over is closed and the queue empty. It ends a while after ctx at the latest.
func (b *batcher) run(ctx context.Context, over <-chan struct{}) error {
	ctx, cancel := withGrace(ctx)
	defer cancel()
	if b.p.deps.Mark != nil && !b.begin(ctx) {
		return nil
	}
	for {
		first, ok := b.next(over)
		if !ok {
			return nil
		}
		size := b.gather(first)
		err := b.bring(ctx)
		b.p.queued.Add(-size)
		if errors.Is(err, eventlog.ErrClosed) {
			return err
		}
	}
}

func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		sleep(longer, appendGrace)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

// begin reads how many batches the log has.
func (b *batcher) begin(ctx context.Context) bool {
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		number, _, err := b.p.deps.Mark(ctx, b.mark)
		if err == nil {
			b.number = number
			return true
		}
		b.p.retries.Add(1)
		b.p.deps.Logger.Warn("source: read mark; trying again", "mark", b.mark, "error", err)
		if !sleep(ctx, wait) {
			return false
		}
	}
}

func (b *batcher) next(over <-chan struct{}) (m rueidis.PubSubMessage, ok bool) {
	select {
	case m = <-b.p.queue:
		return m, true
	case <-over:
	}
	select {
	case m = <-b.p.queue:
		return m, true
	default:
		return m, false
	}
}

// gather takes what comes within a moment. It gives its weight.
func (b *batcher) gather(first rueidis.PubSubMessage) int64 {
	b.messages = b.messages[:0]
	size := b.take(first)
	timer := time.NewTimer(batchFor)
	defer timer.Stop()
	for size < batchBytes {
		select {
		case m := <-b.p.queue:
			size += b.take(m)
		case <-timer.C:
			return size
		}
	}
	return size
}

func (b *batcher) take(m rueidis.PubSubMessage) int64 {
	channel := b.channel(m.Channel)
	value := []byte(m.Message)
	if b.p.cfg.Sequence != "" && channel > 0 {
		b.p.missed.Add(b.sequences[channel].see(value, b.p.cfg.Sequence))
	}
	b.count++
	b.messages = append(b.messages, eventlog.Message{Shard: channel, Offset: b.count, Next: b.count + 1, Time: b.p.deps.Now().UnixMilli(), Value: value})
	return weight(&m)
}

func (b *batcher) channel(name string) int {
	n, known := b.channels[name]
	if !known && len(b.names) < maxChannels {
		n = len(b.names)
		b.names = append(b.names, name)
		b.sequences = append(b.sequences, sequence{})
		b.channels[name] = n
	}
	return n
}

// bring makes the batch durable, or counts what could not be.
func (b *batcher) bring(ctx context.Context) error {
	before := b.translator.Totals()
	records, err := b.translator.Split(ctx, b.messages)
	if err != nil {
		b.lose(int64(len(b.messages)), err)
		return nil
	}
	after := b.translator.Totals()
	accepted := after.Accepted - before.Accepted
	if len(records) > 0 {
		if err := b.append(ctx, records); err != nil {
			b.lose(accepted, err)
			return err
		}
	}
	b.totals.messages.Add(after.Messages - before.Messages)
	b.totals.accepted.Add(accepted)
	b.totals.rejected.Add(after.Rejected - before.Rejected)
	b.totals.empty.Add(after.Empty - before.Empty)
	return nil
}

func (b *batcher) lose(n int64, err error) {
	b.p.missed.Add(n)
	b.p.deps.Logger.Error("source: events are lost, or their append has an unknown outcome", "events", n, "error", err)
}

// append tries until the records are durable once. Of an append whose outcome is unknown the mark tells.
func (b *batcher) append(ctx context.Context, records []eventlog.Record) error {
	var mark *eventlog.Mark
	if b.p.deps.Mark != nil {
		mark = &eventlog.Mark{Source: b.mark, Position: b.number + 1}
	}
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		err := b.p.deps.Log.Append(ctx, records, mark)
		if err != nil && !errors.Is(err, eventlog.ErrClosed) {
			err = b.settle(ctx, err)
		}
		switch {
		case err == nil:
			b.number++
			return nil
		case errors.Is(err, errUnknown), errors.Is(err, eventlog.ErrClosed):
			return err
		}
		b.p.retries.Add(1)
		b.p.deps.Logger.Warn("source: append; trying again", "wait", wait, "error", err)
		if !sleep(ctx, wait) {
			return err
		}
	}
}

var errUnknown = errors.New("the log keeps no marks to tell whether the events are in it")

// settle gives nil when the append that failed took effect after all, and an error that may be tried again when not.
func (b *batcher) settle(ctx context.Context, failed error) error {
	if errors.Is(failed, eventlog.ErrFull) {
		return failed
	}
	if b.p.deps.Mark == nil {
		return errors.Join(errUnknown, failed)
	}
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		number, _, err := b.p.deps.Mark(ctx, b.mark)
		switch {
		case err == nil && number > b.number:
			return nil
		case err == nil:
			return failed
		case !sleep(ctx, wait):
			return errors.Join(errUnknown, failed)
		}
	}
}
