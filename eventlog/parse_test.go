package eventlog

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rollcall"
)

// FuzzEntries: any bytes are entries that encode to a body with the same entries, or an error.
func FuzzEntries(f *testing.F) {
	f.Add(appendMark(appendRecord(nil, &Record{Shard: 2, Count: 7, Payload: []byte("payload")}), &Mark{"source", -5, true}))
	f.Add([]byte{0, 1, 2})
	f.Add(bytes.Repeat([]byte{0xff}, 30))
	f.Fuzz(func(t *testing.T, b []byte) {
		if checkEntries(b, 4) != nil {
			return
		}
		var again []byte
		for len(b) > 0 {
			e, rest, err := cutEntry(b, 4)
			if err != nil || len(rest) >= len(b) {
				t.Fatalf("%v, %d of %d bytes left", err, len(rest), len(b))
			}
			b = rest
			if e.shard < 0 {
				again = appendMark(again, &e.mark)
			} else {
				again = appendRecord(again, &Record{Shard: e.shard, Count: e.count, Payload: e.payload})
			}
		}
		if err := checkEntries(again, 4); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzHeader: any body is a header or an error.
func FuzzHeader(f *testing.F) {
	h := header{id: 1, number: 2, seq: 3, base: []rollcall.Offset{4, 5}, marks: map[string]int64{"a": -6}}
	f.Add(h.encode()[headerFront:])
	f.Fuzz(func(t *testing.T, b []byte) {
		var h header
		if h.decode(b) == nil && (len(h.base) == 0 || len(h.base) > maxShards) {
			t.Errorf("%d shards", len(h.base))
		}
	})
}

func TestHeaderRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := header{
			id: rapid.Uint32().Draw(r, "id"), number: rapid.Uint64().Draw(r, "number"), seq: rapid.Uint64().Draw(r, "seq"),
			received: rapid.Int64().Draw(r, "received"), before: rapid.Int64().Draw(r, "before"),
			base:  rapid.SliceOfN(rapid.Map(rapid.Uint64(), func(n uint64) rollcall.Offset { return rollcall.Offset(n) }), 1, 9).Draw(r, "base"),
			marks: rapid.MapOf(rapid.String(), rapid.Int64()).Draw(r, "marks"),
		}
		if rapid.Bool().Draw(r, "anew") {
			h.whole, h.was = rapid.Int64Min(1).Draw(r, "whole"), rapid.Int64Min(1).Draw(r, "was")
		}
		b := h.encode()
		got, need, err := decodeHeader(append(b, "more"...))
		if err != nil || need != len(b) || got.id != h.id || got.number != h.number || got.seq != h.seq || got.received != h.received ||
			got.before != h.before || got.whole != h.whole || got.was != h.was || !slices.Equal(got.base, h.base) || !maps.Equal(got.marks, h.marks) {
			r.Fatalf("%+v became %+v, %d of %d bytes: %v", h, got, need, len(b), err)
		}
		for n := range b {
			if _, need, err := decodeHeader(b[:n]); err == nil && need <= n {
				r.Fatalf("the first %d of %d bytes pass for a header", n, len(b))
			}
		}
	})
}
