package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/record"
)

// text draws from a few values often, so that they repeat, and any bytes otherwise.
var text = rapid.OneOf(
	rapid.SampledFrom([][]byte{nil, []byte("a"), []byte("b"), []byte("click"), []byte(rollcall.NotSet), []byte("한국")}),
	rapid.SliceOfN(rapid.Byte(), 0, 300),
)

func eventGen(dims int) *rapid.Generator[rollcall.Event] {
	return rapid.Custom(func(r *rapid.T) rollcall.Event {
		ev := rollcall.Event{
			User: text.Draw(r, "user"), ID: text.Draw(r, "id"), Session: text.Draw(r, "session"), Type: text.Draw(r, "type"),
			Dims: rapid.SliceOfN(text, dims, dims).Draw(r, "dims"), Time: rapid.Int64().Draw(r, "time"),
			Record: rapid.Bool().Draw(r, "record"), Bounce: rapid.Bool().Draw(r, "bounce"), NewUser: rapid.Bool().Draw(r, "new"),
		}
		if ev.Record {
			ev.Duration = rapid.Int64().Draw(r, "duration")
		}
		return ev
	})
}

func names(n int) []string {
	var dims []string
	for i := range n {
		dims = append(dims, fmt.Sprint("dim", i))
	}
	return dims
}

func encode(enc *record.Encoder, events []rollcall.Event) []byte {
	enc.Reset()
	for i := range events {
		enc.Add(&events[i])
	}
	return enc.Bytes()
}

func decode(t interface{ Fatal(...any) }, payload []byte) *record.Batch {
	var b record.Batch
	if err := b.Decode(payload); err != nil {
		t.Fatal(err)
	}
	return &b
}

// equal compares two events; the default type and no type are the same.
func equal(a, b *rollcall.Event) bool {
	if len(a.Dims) != len(b.Dims) {
		return false
	}
	for i := range a.Dims {
		if !bytes.Equal(a.Dims[i], b.Dims[i]) {
			return false
		}
	}
	return bytes.Equal(a.User, b.User) && bytes.Equal(a.ID, b.ID) && bytes.Equal(a.Session, b.Session) &&
		bytes.Equal(typeOf(a), typeOf(b)) && a.Time == b.Time && a.Record == b.Record && a.Bounce == b.Bounce &&
		a.NewUser == b.NewUser && a.Duration == b.Duration
}

func typeOf(ev *rollcall.Event) []byte {
	if len(ev.Type) == 0 {
		return []byte(rollcall.DefaultType)
	}
	return ev.Type
}

// TestRoundTrip: what was added comes back, in order, whatever bytes it holds, with an encoder and a batch that were
// used before.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dims := rapid.IntRange(0, rollcall.MaxDimensions).Draw(r, "dimensions")
		enc := record.NewEncoder(names(dims))
		var b record.Batch
		var ev rollcall.Event
		for range rapid.IntRange(1, 3).Draw(r, "batches") {
			events := rapid.SliceOfN(eventGen(dims), 0, 40).Draw(r, "events")
			if err := b.Decode(encode(enc, events)); err != nil {
				r.Fatal(err)
			}
			if len(b.Rows) != len(events) || enc.Count() != len(events) || len(b.DimNames) != dims {
				r.Fatalf("%d rows of %d events, %d dimensions of %d", len(b.Rows), len(events), len(b.DimNames), dims)
			}
			for i := range events {
				b.Event(i, &ev)
				if !equal(&ev, &events[i]) {
					r.Fatalf("event %d: %+v became %+v", i, events[i], ev)
				}
				if !bytes.Equal(b.TypeName(&b.Rows[i]), typeOf(&events[i])) {
					r.Fatalf("event %d: type %q", i, b.TypeName(&b.Rows[i]))
				}
			}
		}
	})
}

// TestHashIsOfContent: the hash is the same alone, in any batch, with a dimension more that has no value, and with the
// dimensions in another order; and it differs for any other content.
func TestHashIsOfContent(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dims := rapid.IntRange(1, 5).Draw(r, "dimensions")
		events := rapid.SliceOfN(eventGen(dims), 1, 20).Draw(r, "events")
		for i := range events {
			if !events[i].Record {
				events[i].Bounce, events[i].NewUser = false, false // they are read of session records only
			}
		}
		batch := decode(r, bytes.Clone(encode(record.NewEncoder(names(dims)), events)))
		alone := record.NewEncoder(names(dims))
		wider := record.NewEncoder(append([]string{"added"}, names(dims)...))
		sums := map[[2]uint64]*rollcall.Event{}
		for i := range events {
			hi, lo := batch.Hash(&batch.Rows[i])
			w := events[i]
			w.Dims = append([][]byte{nil}, w.Dims...)
			for _, p := range [][]byte{encode(alone, events[i:i+1]), encode(wider, []rollcall.Event{w})} {
				one := decode(r, p)
				if h, l := one.Hash(&one.Rows[0]); h != hi || l != lo {
					r.Fatalf("event %d has another hash alone", i)
				}
			}
			if other := sums[[2]uint64{hi, lo}]; other != nil && !same(other, &events[i]) {
				r.Fatalf("%+v and %+v have one hash", other, events[i])
			}
			sums[[2]uint64{hi, lo}] = &events[i]
		}
	})
}

// same is equal up to how the missing dimension value is written.
func same(a, b *rollcall.Event) bool {
	x, y := *a, *b
	x.Dims, y.Dims = canonical(a.Dims), canonical(b.Dims)
	return equal(&x, &y)
}

func canonical(dims [][]byte) [][]byte {
	var c [][]byte
	for _, d := range dims {
		if string(d) == rollcall.NotSet {
			d = nil
		}
		c = append(c, d)
	}
	return c
}

// TestHashSeesEveryField: a change of any one field changes the hash.
func TestHashSeesEveryField(t *testing.T) {
	base := func() rollcall.Event {
		return rollcall.Event{User: []byte("u"), ID: []byte("i"), Session: []byte("s"), Type: []byte("t"),
			Dims: [][]byte{[]byte("x"), []byte("y")}, Time: 1000, Record: true, Duration: 5}
	}
	changes := map[string]func(*rollcall.Event){
		"nothing":   func(*rollcall.Event) {},
		"user":      func(e *rollcall.Event) { e.User = []byte("v") },
		"id":        func(e *rollcall.Event) { e.ID = nil },
		"session":   func(e *rollcall.Event) { e.Session = []byte("S") },
		"shifted":   func(e *rollcall.Event) { e.User, e.ID = []byte("ui"), nil },
		"type":      func(e *rollcall.Event) { e.Type = nil },
		"dim":       func(e *rollcall.Event) { e.Dims[0] = []byte("X") },
		"no dim":    func(e *rollcall.Event) { e.Dims[1] = nil },
		"swapped":   func(e *rollcall.Event) { e.Dims[0], e.Dims[1] = e.Dims[1], e.Dims[0] },
		"time":      func(e *rollcall.Event) { e.Time++ },
		"duration":  func(e *rollcall.Event) { e.Duration++ },
		"bounce":    func(e *rollcall.Event) { e.Bounce = true },
		"new user":  func(e *rollcall.Event) { e.NewUser = true },
		"no record": func(e *rollcall.Event) { e.Record, e.Duration = false, 0 },
	}
	seen := map[[2]uint64]string{}
	for name, change := range changes {
		ev := base()
		change(&ev)
		b := decode(t, encode(record.NewEncoder(names(2)), []rollcall.Event{ev}))
		hi, lo := b.Hash(&b.Rows[0])
		if other, ok := seen[[2]uint64{hi, lo}]; ok {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[[2]uint64{hi, lo}] = name
	}
}

// TestTruncated: no part of a batch passes for one.
func TestTruncated(t *testing.T) {
	events := sampleEvents(20)
	payload := encode(record.NewEncoder(sampleDims), events)
	var b record.Batch
	for n := range payload {
		if err := b.Decode(payload[:n]); !errors.Is(err, record.ErrMalformed) || len(b.Rows) > 0 {
			t.Fatalf("the first %d of %d bytes: %v, %d rows", n, len(payload), err, len(b.Rows))
		}
	}
	if err := b.Decode(append(bytes.Clone(payload), 0)); !errors.Is(err, record.ErrMalformed) {
		t.Errorf("a byte more: %v", err)
	}
	if err := b.Decode(payload); err != nil || len(b.Rows) != 20 {
		t.Errorf("after all that: %v, %d rows", err, len(b.Rows))
	}
}

// TestShardOf: a user's shard is what it was when the logs that exist were written.
func TestShardOf(t *testing.T) {
	seen := map[int]int{}
	for i := range 8000 {
		s := record.ShardOf(fmt.Appendf(nil, "user-%d", i), 8)
		if s < 0 || s >= 8 {
			t.Fatalf("shard %d of 8", s)
		}
		seen[s]++
	}
	for s, n := range seen {
		if n < 800 || n > 1200 {
			t.Errorf("shard %d has %d of 8000 users", s, n)
		}
	}
	for user, want := range map[string]int{"": 2, "alice": 0, "bob": 5, "사용자": 2} {
		if got := record.ShardOf([]byte(user), 8); got != want {
			t.Errorf("user %q is in shard %d, was in %d", user, got, want)
		}
	}
}

// FuzzDecode: any bytes are a batch or an error, and what is a batch can be used whole.
func FuzzDecode(f *testing.F) {
	f.Add(encode(record.NewEncoder(sampleDims), sampleEvents(5)))
	f.Add(encode(record.NewEncoder(nil), sampleEvents(0)))
	f.Add([]byte{1, 0, 0, 1, 1, 0})
	f.Add(bytes.Repeat([]byte{0xff}, 20))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var b record.Batch
		if err := b.Decode(payload); err != nil {
			if !errors.Is(err, record.ErrMalformed) {
				t.Errorf("another error: %v", err)
			}
			return
		}
		if len(b.Rows) > len(payload) || len(b.Strings) > len(payload) || len(b.Tuples) > len(payload) {
			t.Fatalf("%d rows, %d texts, %d values of %d bytes", len(b.Rows), len(b.Strings), len(b.Tuples), len(payload))
		}
		var ev rollcall.Event
		for i := range b.Rows {
			b.Event(i, &ev)
			b.TypeName(&b.Rows[i])
			b.Hash(&b.Rows[i])
		}
	})
}

// TestCombinationsWithoutDimensions: without dimensions there is one combination, whatever number the bytes claim.
func TestCombinationsWithoutDimensions(t *testing.T) {
	row := []byte{0, 2, 0, 0, 0, 0} // of combination 2
	payload := append([]byte{1, 0, 0, 3, 1, 0}, row...)
	var b record.Batch
	if err := b.Decode(payload); err == nil {
		b.Hash(&b.Rows[0])
		t.Error("combination 2 of one was accepted")
	}
}
