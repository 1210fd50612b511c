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

// manyEvents are of few users, so that some are of the one who is erased.
func manyEvents(r *rapid.T, dims int) []rollcall.Event {
	events := rapid.SliceOfN(eventGen(dims), 0, 40).Draw(r, "events")
	for i := range events {
		events[i].User = rapid.SampledFrom([][]byte{nil, []byte("u"), []byte("user"), []byte("v")}).Draw(r, "who")
		if !events[i].Record {
			events[i].Bounce, events[i].NewUser = false, false // they are read of session records only
		}
	}
	return events
}

// TestErase: the events of a user are blank, the others are what they were, at the same rows, with the same hashes; a second
// user is erased out of what is left; and nothing is left to do for the first.
func TestErase(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dims := rapid.IntRange(0, 4).Draw(r, "dimensions")
		events := manyEvents(r, dims)
		payload := bytes.Clone(encode(record.NewEncoder(names(dims)), events))
		before := decode(r, payload)
		gone := map[string]bool{}
		for _, user := range []string{"user", "v"} {
			users := record.UsersNamed(user)
			if rapid.Bool().Draw(r, "by function") {
				users = record.UsersWho(func(u []byte) bool { return string(u) == user })
			}
			want := 0
			for i := range events {
				if string(events[i].User) == user {
					want++
				}
			}
			out, erased, err := users.Erase(payload)
			if err != nil || erased != want || erased == 0 && &out[0] != &payload[0] {
				r.Fatalf("%d of %d erased, %v", erased, want, err)
			}
			if again, n, err := users.Erase(out); n != 0 || err != nil || !bytes.Equal(again, out) {
				r.Fatalf("erased again: %d, %v", n, err)
			}
			gone[user], payload = true, out
			checkErased(r, events, gone, before, decode(r, payload))
		}
	})
}

func checkErased(r *rapid.T, events []rollcall.Event, gone map[string]bool, before, after *record.Batch) {
	if len(after.Rows) != len(events) {
		r.Fatalf("%d rows of %d", len(after.Rows), len(events))
	}
	var ev rollcall.Event
	for i := range events {
		row := &after.Rows[i]
		after.Event(i, &ev)
		hi, lo := after.Hash(row)
		if row.Erased != gone[string(events[i].User)] {
			r.Fatalf("row %d of %q: erased is %v", i, events[i].User, row.Erased)
		}
		if row.Erased {
			if len(ev.User)+len(ev.ID)+len(ev.Session)+len(ev.Type) > 0 || ev.Time != 0 || row.Tuple != 0 || hi != 0 || lo != 0 {
				r.Fatalf("row %d is not blank: %+v", i, ev)
			}
			continue
		}
		if h, l := before.Hash(&before.Rows[i]); !equal(&ev, &events[i]) || h != hi || l != lo {
			r.Fatalf("row %d: %+v became %+v", i, events[i], ev)
		}
	}
}

// TestEraseLeavesNoBytes: no text of the erased events that no other has is in the payload, nor is a time.
func TestEraseLeavesNoBytes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var events []rollcall.Event
		for i := range rapid.IntRange(1, 30).Draw(r, "events") {
			user := rapid.SampledFrom([]string{"erased-user", "another"}).Draw(r, "user")
			own := func(what string) []byte { return fmt.Appendf(nil, "%s of %s %d", what, user, i) }
			events = append(events, rollcall.Event{User: []byte(user), ID: own("id"), Session: own("session"), Type: own("type"), Time: int64(i),
				Dims: [][]byte{own("value"), []byte("shared")}})
		}
		out, erased, err := record.UsersNamed("erased-user", "nobody").Erase(encode(record.NewEncoder(names(2)), events))
		if err != nil || bytes.Contains(out, []byte("erased-user")) {
			r.Fatalf("%d erased, %v, left: %q", erased, err, out)
		}
		var rest []rollcall.Event
		for _, e := range events {
			if string(e.User) == "another" {
				rest = append(rest, e)
			}
		}
		if plain := encode(record.NewEncoder(names(2)), rest); len(out) != len(plain)+6*erased {
			r.Fatalf("%d bytes for %d others and %d blanks, want %d", len(out), len(rest), erased, len(plain)+6*erased)
		}
	})
}

// TestEraseRefusals: an older program refuses a batch with blanks, and a blank with something in it is none.
func TestEraseRefusals(t *testing.T) {
	events := sampleEvents(3)
	payload := bytes.Clone(encode(record.NewEncoder(sampleDims), events))
	out, _, err := record.Erase(payload, func([]byte) bool { return true })
	if err != nil || payload[0] != 1 || out[0] != 2 {
		t.Fatalf("versions %d and %d, %v", payload[0], out[0], err)
	}
	var b record.Batch
	for i := range 18 {
		bad := bytes.Clone(out)
		bad[len(bad)-1-i] ^= 1
		if b.Decode(bad) == nil {
			t.Errorf("a blank with a bit in byte %d from the end is accepted", i)
		}
	}
	out[0] = 1
	if err := b.Decode(out); !errors.Is(err, record.ErrMalformed) {
		t.Errorf("a blank in an older batch: %v", err)
	}
	for n := range payload {
		if _, _, err := record.Erase(payload[:n], func([]byte) bool { return false }); !errors.Is(err, record.ErrMalformed) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
}

// FuzzErase: any bytes are erased from or refused as Decode refuses them, and rows stay as many.
func FuzzErase(f *testing.F) {
	f.Add(encode(record.NewEncoder(sampleDims), sampleEvents(5)), byte('1'))
	f.Add([]byte{2, 0, 0, 0, 1, 0, 0x10, 0, 0, 0, 0, 0}, byte(0))
	f.Fuzz(func(t *testing.T, payload []byte, last byte) {
		var b record.Batch
		bad := b.Decode(payload)
		out, erased, err := record.Erase(payload, func(u []byte) bool { return u[len(u)-1] == last })
		if err != nil && bad == nil {
			t.Fatalf("refused: %v", err)
		}
		if bad != nil || err != nil {
			return
		}
		rows := len(b.Rows)
		if err := b.Decode(out); err != nil || len(b.Rows) != rows || erased > rows {
			t.Fatalf("%d rows of %d, %d erased: %v", len(b.Rows), rows, erased, err)
		}
	})
}

// BenchmarkEraseNothing is the cost of a payload of 1000 events without the users, by way of asking.
func BenchmarkEraseNothing(b *testing.B) {
	payload := bytes.Clone(encode(record.NewEncoder(sampleDims), sampleEvents(1000)))
	for name, users := range map[string]record.Users{"one": record.UsersNamed("nobody-at-all"), "many": record.UsersNamed("nobody", "no one")} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for range b.N {
				if _, n, err := users.Erase(payload); n > 0 || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}
