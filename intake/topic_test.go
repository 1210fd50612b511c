package intake

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
)

// held is a topic in memory, whose messages and gaps the test has made up.
type held struct{ partitions [][]eventlog.Message }

func (h *held) Messages(ctx context.Context, p int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Message) ([]eventlog.Message, error) {
	for _, m := range h.partitions[p] {
		if m.Next <= from {
			continue
		}
		if until > 0 && m.Offset >= until || len(buf) > 0 && maxBytes < len(m.Value) {
			break
		}
		maxBytes -= len(m.Value)
		buf = append(buf, m)
	}
	if len(buf) == 0 {
		<-ctx.Done()
		return buf, ctx.Err()
	}
	return buf, nil
}

func (h *held) Bounds(_ context.Context, p int) (first, next rollcall.Offset, err error) {
	if ms := h.partitions[p]; len(ms) > 0 {
		return ms[0].Offset, ms[len(ms)-1].Next, nil
	}
	return 0, 0, nil
}

// put appends a message by a partitioner.
func (h *held) put(by Partitioners, key, value string, ms int64) {
	p := by.partition([]byte(key), len(h.partitions))
	_, next, _ := h.Bounds(context.Background(), p)
	h.partitions[p] = append(h.partitions[p], eventlog.Message{Shard: p, Offset: next, Next: next + 1, Time: ms, Key: []byte(key), Value: []byte(value)})
}

func heldTopic(partitions int) (*held, Topic) {
	h := &held{make([][]eventlog.Message, partitions)}
	return h, KafkaTopic(h, "events", partitions)
}

const noon = int64(1793534400000) // 2026-11-01T12:00:00Z

func activity(i int) string {
	return fmt.Sprintf(`{"event_id":"e%06d","user_id":"u%d","time":%d,"campaign_id":"c%d"}`, i, i%40, noon+int64(i), i%7)
}

func messageConfig() MessageConfig { return MessageConfig{Shape: testShape()} }

func newForeign(t testing.TB, topic Topic, box *letterbox, change func(*ForeignConfig)) *Foreign {
	t.Helper()
	cfg := ForeignConfig{MessageConfig: messageConfig(), Retentions: []time.Duration{48 * time.Hour, 90 * 24 * time.Hour}}
	if change != nil {
		change(&cfg)
	}
	q := NewQuarantine(box, quiet())
	t.Cleanup(q.Close)
	f, err := NewForeign(cfg, topic, TranslatorDeps{Quarantine: q, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// seen is an event and the grain it counts in.
type seen struct {
	event string
	level int
}

// drain fetches [from, until) of a shard in steps.
func drain(t interface {
	Fatal(...any)
	Context() context.Context
}, f *Foreign, shard int, from, until rollcall.Offset, step func() int) (all []seen, records int) {
	for from < until {
		out, err := f.Fetch(t.Context(), shard, from, until, step(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out {
			if r.Offset < from || r.Next <= r.Offset || r.Shard != shard || (r.Count == 0) != (r.Payload == nil) {
				t.Fatal("record", r.Offset, r.Next, r.Count, "from", from)
			}
			records++
			all = append(all, eventsOf(t, r, f.cfg.Retentions)...)
			from = r.Next
		}
	}
	return all, records
}

func eventsOf(t interface{ Fatal(...any) }, r eventlog.Record, retentions []time.Duration) (all []seen) {
	if r.Count == 0 {
		return nil
	}
	var b record.Batch
	if err := b.Decode(r.Payload); err != nil || len(b.Rows) != r.Count {
		t.Fatal(err, len(b.Rows), r.Count)
	}
	var ev rollcall.Event
	for i := range b.Rows {
		b.Event(i, &ev)
		level := 0
		for _, keep := range retentions {
			if r.Received-ev.Time >= keep.Milliseconds() {
				level++
			}
		}
		all = append(all, seen{fmt.Sprintf("%s/%s/%d/%s", ev.User, ev.ID, ev.Time, ev.Dims), level})
	}
	return all
}

func reasons(box *letterbox) string {
	box.mu.Lock()
	defer box.mu.Unlock()
	var s []string
	for _, l := range box.letters {
		s = append(s, l.Source+" "+l.Reason+" "+string(l.Raw))
	}
	return strings.Join(s, "\n")
}
