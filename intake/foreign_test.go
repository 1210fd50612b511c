package intake

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall/decode"
	"rollcall/eventlog"
)

func fixed(n int) func() int { return func() int { return n } }

// TestForeignIsAFunctionOfTheMessages: events, order, and the grain each counts in are those of one message at a time,
// however the fetches are cut and wherever a replay begins and ends.
func TestForeignIsAFunctionOfTheMessages(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h, topic := heldTopic(1)
		retentions := []time.Duration{10 * time.Millisecond, 40 * time.Millisecond}
		now := noon
		for i := range rapid.IntRange(1, 60).Draw(r, "messages") {
			now += int64(rapid.IntRange(-8, 12).Draw(r, "step"))
			event := func(k int) string {
				return fmt.Sprintf(`{"event_id":"%d-%d","user_id":"u","time":%d}`, i, k, now-int64(rapid.IntRange(-5, 60).Draw(r, "age")))
			}
			value := event(0)
			switch rapid.IntRange(0, 9).Draw(r, "kind") {
			case 0:
				value = "nonsense"
			case 1:
				value = "[" + event(1) + ",{}," + event(2) + "]"
			case 2:
				value = event(3) + "\n" + event(4)
			}
			h.put(Murmur2, "u", value, now)
			m := &h.partitions[0][len(h.partitions[0])-1]
			if gap := rapid.IntRange(0, 9).Draw(r, "gap"); gap == 0 {
				m.Value = nil
			} else if gap == 1 {
				m.Offset, m.Next = m.Offset+5, m.Next+5
			}
		}
		change := func(c *ForeignConfig) { c.Retentions = retentions }
		all := h.partitions[0]
		first, end := all[0].Offset, all[len(all)-1].Next
		want, _ := drain(r, newForeign(t, topic, &letterbox{}, change), 0, first, end, fixed(1))
		f := newForeign(t, topic, &letterbox{}, change)
		step := func() int { return rapid.IntRange(1, 2000).Draw(r, "bytes") }
		if got, _ := drain(r, f, 0, first, end, step); !slices.Equal(got, want) {
			r.Fatalf("got  %v\nwant %v", got, want)
		}
		cut := all[rapid.IntRange(0, len(all)-1).Draw(r, "cut")].Next
		head, _ := drain(r, f, 0, first, cut, step)
		tail, _ := drain(r, newForeign(t, topic, &letterbox{}, change), 0, cut, end, step)
		if got := append(head, tail...); !slices.Equal(got, want) {
			r.Fatalf("cut at %d: got %v\nwant %v", cut, got, want)
		}
	})
}

// TestForeignFetch: records hold many messages; what is refused lies in the quarantine once Fetch returns, and a replay
// puts nothing there.
func TestForeignFetch(t *testing.T) {
	h, topic := heldTopic(4)
	for i := range 1000 {
		h.put(CRC32, fmt.Sprintf("u%d", i%40), activity(i), noon+int64(i))
	}
	h.partitions[2][3].Value = []byte(`{"user_id":"u2"}`)
	h.partitions[2][4].Value = nil
	h.partitions[2][5].Value = []byte(" ")
	box := &letterbox{fail: 2}
	f := newForeign(t, topic, box, nil)
	events, records := 0, 0
	for p := range 4 {
		_, end, _ := f.Bounds(t.Context(), p)
		all, n := []seen(nil), 0
		for from := h.partitions[p][0].Offset; from < end; {
			out, err := f.Fetch(t.Context(), p, from, 0, 1<<20, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range out {
				all, n, from = append(all, eventsOf(t, r, nil)...), n+1, r.Next
			}
		}
		events, records = events+len(all), records+n
		if again, _ := drain(t, f, p, 0, end, fixed(1<<20)); !slices.Equal(again, all) {
			t.Errorf("partition %d: a replay differs", p)
		}
	}
	if events != 997 || records != 4 || f.Partitioners() != CRC32 {
		t.Errorf("%d events in %d records by %s", events, records, f.Partitioners())
	}
	want := "kafka:events/2@3 missing_time {\"user_id\":\"u2\"}\nkafka:events/2@5 empty_message  "
	if got := reasons(box); got != want {
		t.Errorf("quarantine:\n%s\nwant:\n%s", got, want)
	}
	if got := f.Totals(); got != (Totals{Messages: 2000, Accepted: 1994, Rejected: 4, Empty: 2}) {
		t.Errorf("totals %+v", got)
	}
}

// TestForeignNothingAccepted: messages without an event make a record of no events.
func TestForeignNothingAccepted(t *testing.T) {
	h, topic := heldTopic(1)
	for range 3 {
		h.put(Murmur2, "u", "x", noon)
	}
	out, err := newForeign(t, topic, &letterbox{}, nil).Fetch(t.Context(), 0, 0, 0, 1<<20, nil)
	if err != nil || len(out) != 1 || out[0].Count != 0 || out[0].Next != 3 || out[0].Payload != nil {
		t.Fatalf("%+v %v", out, err)
	}
}

// TestForeignStopsAtAForeignKey: a message that is not keyed by its user is never given, nor what follows it, and what
// precedes it is.
func TestForeignStopsAtAForeignKey(t *testing.T) {
	for name, spoil := range map[string]func(m *eventlog.Message){
		"another user": func(m *eventlog.Message) { m.Value = []byte(activity(9)) },
		"no key":       func(m *eventlog.Message) { m.Key = nil },
		"half":         func(m *eventlog.Message) { m.Value = []byte("[" + activity(0) + "," + activity(1) + "]") },
		"elsewhere": func(m *eventlog.Message) {
			m.Key, m.Value = []byte("u3"), []byte(activity(3)) // of partition 0 by murmur2
		},
	} {
		h, topic := heldTopic(2)
		for len(h.partitions[1]) < 100 {
			i := rand.IntN(40)
			h.put(Murmur2, fmt.Sprintf("u%d", i), activity(i), noon)
		}
		if (Murmur2).partition([]byte("u3"), 2) == 1 {
			h.partitions[0], h.partitions[1] = h.partitions[1], h.partitions[0]
			t.Fatal("choose another user for the test")
		}
		bad := &h.partitions[1][50]
		bad.Key = []byte("u0")
		spoil(bad)
		f := newForeign(t, topic, &letterbox{}, func(c *ForeignConfig) { c.Partitioners = Murmur2 })
		all, _ := drain(t, f, 1, 0, 50, fixed(1<<20))
		out, err := f.Fetch(t.Context(), 1, 0, 0, 1<<20, nil)
		if err != nil || len(all) != 50 || len(out) != 1 || out[0].Next != 50 || out[0].Count != 50 {
			t.Fatalf("%s: %d before, %d records, %v", name, len(all), len(out), err)
		}
		_, err = f.Fetch(t.Context(), 1, 50, 0, 1<<20, nil)
		var not *NotKeyedError
		if !errors.As(err, &not) || not.At != "kafka:events/1@50" || !strings.Contains(err.Error(), "source.rekey: always") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForeignMixedPartitioners: two kinds of producers split the users, whichever of them was believed first.
func TestForeignMixedPartitioners(t *testing.T) {
	h, topic := heldTopic(8)
	for i := range 40 {
		h.put([]Partitioners{Murmur2, CRC32}[i%2], fmt.Sprintf("u%d", i), activity(i), noon)
	}
	f := newForeign(t, topic, &letterbox{}, nil)
	for p := range 8 {
		for from := 0; from < len(h.partitions[p]); {
			out, err := f.Fetch(t.Context(), p, h.partitions[p][from].Offset, 0, 1<<20, nil)
			if not := (*NotKeyedError)(nil); errors.As(err, &not) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			from = int(out[len(out)-1].Next)
		}
	}
	t.Error("nobody noticed")
}

func TestKeyed(t *testing.T) {
	sampled := func(by Partitioners, change func(*eventlog.Message)) (Topic, []eventlog.Message) {
		h, topic := heldTopic(8)
		for i := range 40 {
			h.put(by, fmt.Sprintf("u%d", i), activity(i), noon)
		}
		all := slices.Concat(h.partitions...)
		for i := range all {
			change(&all[i])
		}
		return topic, all
	}
	for name, c := range map[string]struct {
		by     Partitioners
		change func(*eventlog.Message)
		keyed  bool
		why    string
	}{
		"java":        {Murmur2, func(*eventlog.Message) {}, true, ""},
		"librdkafka":  {CRC32, func(*eventlog.Message) {}, true, ""},
		"sarama":      {FNV1a, func(*eventlog.Message) {}, true, ""},
		"no keys":     {Murmur2, func(m *eventlog.Message) { m.Key = nil }, false, "no key"},
		"json keys":   {Murmur2, func(m *eventlog.Message) { m.Key = []byte(`"` + string(m.Key) + `"`) }, false, "user_id is"},
		"round robin": {Murmur2, func(m *eventlog.Message) { m.Shard = int(m.Offset) % 2 }, false, "no partitioner"},
		"faulty":      {Murmur2, func(m *eventlog.Message) { m.Value = []byte("{") }, false, ""},
		"tombstones":  {Murmur2, func(m *eventlog.Message) { m.Value = nil }, false, ""},
	} {
		topic, samples := sampled(c.by, c.change)
		v, err := Keyed(t.Context(), messageConfig(), topic, samples)
		if err != nil || v.Keyed != c.keyed || c.keyed && v.Partitioners != c.by {
			t.Errorf("%s: %+v %v", name, v, err)
		}
		if got := v.Why; (c.why != "") != (got != nil) || got != nil && !strings.Contains(got.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, got, c.why)
		}
	}
}

// TestManyFaults: a message of faults becomes one letter, whole.
func TestManyFaults(t *testing.T) {
	h, topic := heldTopic(1)
	value := "[" + strings.Repeat("1,", 5000) + activity(1) + "]"
	h.put(Murmur2, "u1", value, noon)
	h.put(Murmur2, "u2", "[]", noon)
	box := &letterbox{}
	f := newForeign(t, topic, box, nil)
	out, err := f.Fetch(t.Context(), 0, 0, 0, 1<<20, nil)
	if err != nil || out[0].Count != 1 || out[0].Next != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	if len(box.letters) != 1 || string(box.letters[0].Raw) != value || box.letters[0].Reason != ReasonManyFaults {
		t.Errorf("%d letters", len(box.letters))
	}
	if got := f.Totals().Rejected; got != 5000 {
		t.Errorf("%d rejected", got)
	}
}

func FuzzTranslate(f *testing.F) {
	for _, s := range []string{activity(1), "[" + activity(2) + ",{}]", activity(3) + "\n" + activity(4), "", "[]", "\xef\xbb\xbf{}", "[1,2", `{"user_id":1}`} {
		f.Add([]byte(s), false)
	}
	d, err := decode.New(decode.Config{Dimensions: testShape().Dimensions, MaxLine: testShape().MaxLine})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte, messageTime bool) {
		h, topic := heldTopic(1)
		h.partitions[0] = []eventlog.Message{{Next: 1, Time: noon, Value: append([]byte{}, value...)}}
		box := &letterbox{}
		q := NewQuarantine(box, quiet())
		defer q.Close()
		cfg := messageConfig()
		cfg.Shards, cfg.MessageTime = 3, messageTime
		tr, err := NewTranslator(cfg, topic, TranslatorDeps{Quarantine: q, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		records, err := tr.Split(t.Context(), h.partitions[0])
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range records {
			n += len(eventsOf(t, r, nil))
		}
		total := tr.Totals()
		if int64(n) != total.Accepted || total.Messages != 1 || total.Rejected > 0 != (len(box.letters) > 0) {
			t.Fatalf("%d events, %d letters, %+v", n, len(box.letters), total)
		}
		if n == 0 && len(box.letters) == 0 && !isArray(value) && d.Event(value, &tr.ev) == nil {
			t.Fatal("a message has vanished")
		}
	})
}
