package intake

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
)

// TestSplitBatches: each event of the batches of another log is in the shard of its user, in the order of its partition, with the
// dimensions that are asked for, by their input fields, and its time of receipt; what was erased, and what is no batch, is not.
func TestSplitBatches(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		shape := Shape{Dimensions: []string{"a", "country", "new"}, Fields: map[string]string{"country": "nation"}, Location: time.UTC, Shards: rapid.IntRange(1, 5).Draw(r, "shards"), MaxLine: 1 << 20}
		box := &letterbox{}
		q := NewQuarantine(box, quiet())
		defer q.Close()
		tr, err := NewTranslator(MessageConfig{Shape: shape, Batches: true}, Topic{Name: func(int) string { return "old" }}, TranslatorDeps{Quarantine: q, Now: time.Now})
		if err != nil {
			r.Fatal(err)
		}
		var messages []eventlog.Message
		want, broken := make([][]string, shape.Shards), 0
		for at := range rapid.IntRange(1, 8).Draw(r, "messages") {
			m := eventlog.Message{Offset: rollcall.Offset(at), Next: rollcall.Offset(at + 1), Time: int64(rapid.IntRange(1, 3).Draw(r, "time"))}
			if rapid.IntRange(0, 9).Draw(r, "kind") == 0 {
				m.Value, broken = []byte("no batch"), broken+1
			} else {
				m.Value = batchOf(r, at, m.Time, want)
			}
			messages = append(messages, m)
		}
		records, err := tr.Split(t.Context(), messages)
		if err != nil {
			r.Fatal(err)
		}
		got := make([][]string, shape.Shards)
		for _, rec := range records {
			got[rec.Shard] = append(got[rec.Shard], textsOf(r, &rec)...)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			r.Fatalf("got\n%q\nwant\n%q", got, want)
		}
		if len(box.letters) != broken {
			r.Fatalf("%d letters for %d broken messages", len(box.letters), broken)
		}
	})
}

// batchOf makes a batch of another log, some of whose rows are erased, and adds what is to come of it to want.
func batchOf(r *rapid.T, at int, received int64, want [][]string) []byte {
	names := rapid.SampledFrom([][]string{{"a", "nation"}, {"nation", "old", "a"}, {}}).Draw(r, "dimensions")
	e := record.NewEncoder(names)
	for i := range rapid.IntRange(1, 6).Draw(r, "rows") {
		if rapid.IntRange(0, 5).Draw(r, "erased") == 0 {
			e.AddErased()
			continue
		}
		ev := rollcall.Event{User: fmt.Appendf(nil, "u%d", rapid.IntRange(0, 3).Draw(r, "user")), ID: fmt.Appendf(nil, "%d-%d", at, i), Time: int64(i), Dims: make([][]byte, len(names))}
		value := map[string]string{}
		for d, name := range names {
			value[name] = name + rapid.SampledFrom([]string{"1", "2"}).Draw(r, "value")
			ev.Dims[d] = []byte(value[name])
		}
		e.Add(&ev)
		shard := record.ShardOf(ev.User, len(want))
		want[shard] = append(want[shard], fmt.Sprint(received, string(ev.User), string(ev.ID), ev.Time, value["a"], value["nation"], ""))
	}
	return slices.Clone(e.Bytes())
}

func textsOf(r *rapid.T, rec *eventlog.Record) (texts []string) {
	var b record.Batch
	if err := b.Decode(rec.Payload); err != nil || len(b.Rows) != rec.Count {
		r.Fatal(rec.Count, err)
	}
	var ev rollcall.Event
	for i := range b.Rows {
		b.Event(i, &ev)
		texts = append(texts, fmt.Sprint(rec.Received, string(ev.User), string(ev.ID), ev.Time, string(ev.Dims[0]), string(ev.Dims[1]), string(ev.Dims[2])))
	}
	return texts
}
