package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"rollcall/eventlog"
)

// reversed is a format whose values are JSON from back to front; one that begins with # does not match, and with ! waits
// until ctx ends.
type reversed struct{}

func (reversed) AppendJSON(ctx context.Context, b, value []byte) ([]byte, error) {
	switch value[0] {
	case '#':
		return b, fmt.Errorf("%w: #", ErrMismatch)
	case '!':
		<-ctx.Done()
		return b, ctx.Err()
	}
	for i := len(value) - 1; i >= 0; i-- {
		b = append(b, value[i])
	}
	return b, nil
}

// TestFormats: what is refused is kept in its own bytes, a schema that can't be had refuses nothing, and events without a
// time take their message's where they may.
func TestFormats(t *testing.T) {
	h, topic := heldTopic(1)
	for _, v := range []string{`{"user_id":"u"}`, `{"time":1793534400}`, "x#"} {
		back, _ := reversed{}.AppendJSON(t.Context(), nil, []byte(v))
		h.put(Murmur2, "u", string(back), noon+7)
	}
	box := &letterbox{}
	f := newForeign(t, topic, box, func(c *ForeignConfig) { c.Format, c.MessageTime = reversed{}, true })
	out, err := f.Fetch(t.Context(), 0, 0, 0, 1<<20, nil)
	if err != nil || len(out) != 1 || out[0].Next != 3 {
		t.Fatalf("%+v %v", out, err)
	}
	if got := eventsOf(t, out[0], nil); len(got) != 1 || got[0].event != fmt.Sprintf("u//%d/[ ]", noon+7) {
		t.Errorf("%v", got)
	}
	want := "kafka:events/0@1 missing_user_id }0044353971:\"emit\"{\nkafka:events/0@2 schema_mismatch #x"
	if got := reasons(box); got != want {
		t.Errorf("quarantine:\n%s\nwant:\n%s", got, want)
	}
	h.partitions[0] = []eventlog.Message{{Next: 1, Key: []byte("u"), Value: []byte("!")}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if out, err := f.Fetch(ctx, 0, 0, 0, 1<<20, nil); !errors.Is(err, context.DeadlineExceeded) || len(out) > 0 || len(box.letters) != 2 {
		t.Errorf("%+v %v", out, err)
	}
}

// TestRecordsAreBounded: a split makes several records of a shard rather than one that a log can't take.
func TestRecordsAreBounded(t *testing.T) {
	h, topic := heldTopic(1)
	for i := range 20_000 {
		h.put(Murmur2, "u", fmt.Sprintf(`{"event_id":"%060d","user_id":"u","time":1793534400}`, i), noon)
	}
	cfg := messageConfig()
	cfg.Shards = 1
	tr, err := NewTranslator(cfg, topic, TranslatorDeps{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	records, err := tr.Split(t.Context(), h.partitions[0])
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range records {
		if len(r.Payload) > recordBytes+1024 || !bytes.Contains(eventsText(t, r), fmt.Appendf(nil, "/%060d/", n)) {
			t.Fatalf("a record of %d bytes, from event %d", len(r.Payload), n)
		}
		n += r.Count
	}
	if n != 20_000 || len(records) < 3 {
		t.Errorf("%d events in %d records", n, len(records))
	}
}

func eventsText(t *testing.T, r eventlog.Record) []byte {
	return fmt.Append(nil, eventsOf(t, r, nil))
}
