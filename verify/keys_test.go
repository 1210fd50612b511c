package verify

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/record"
)

// Keys whose places collide, as they grow out of small tables, are told apart as a map does.
func TestKeysAndNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOf(rapid.Custom(func(t *rapid.T) key {
			return key{rapid.SampledFrom([]uint64{0, 1, 1 << 63, 1<<64 - 1}).Draw(t, "hi"), uint64(rapid.IntRange(0, 60).Draw(t, "lo"))<<32 | 1}
		})).Draw(t, "keys")
		set, numbers := newKeySet(0), newNumbering(0)
		set.slots, numbers.slots = set.slots[:4], numbers.slots[:4]
		want := map[key]uint32{}
		for _, k := range keys {
			n, seen := want[k]
			if !seen {
				n = uint32(len(want) + 1)
				want[k] = n
			}
			if fresh := set.add(k); fresh == seen {
				t.Fatalf("%v is fresh: %v", k, fresh)
			}
			if got := numbers.of(k); got != n {
				t.Fatalf("%v has number %d, want %d", k, got, n)
			}
		}
	})
}

// An event's key is of its user and event id, whatever its session, and no part of one passes for a part of the other.
func TestEventKey(t *testing.T) {
	keyOf := func(user, id, session string) key {
		e := record.NewEncoder(nil)
		e.Add(&rollcall.Event{User: []byte(user), ID: []byte(id), Session: []byte(session)})
		var b record.Batch
		if err := b.Decode(e.Bytes()); err != nil {
			t.Fatal(err)
		}
		return eventKey(&b.Rows[0], 7)
	}
	long := string(bytes.Repeat([]byte("s"), 256))
	want := keyOf("ab", "c", "")
	for _, session := range []string{"s", long[:127], long[:128], long} {
		if keyOf("ab", "c", session) != want {
			t.Errorf("another key with a session of %d bytes", len(session))
		}
	}
	for _, other := range [][2]string{{"a", "bc"}, {"abc", ""}, {"ab", "d"}, {"", "abc"}} {
		if keyOf(other[0], other[1], "") == want {
			t.Errorf("user and id %q have the same key", other)
		}
	}
}

func TestSampled(t *testing.T) {
	dates := []rollcall.Date{10, 12, 13, 20, 21, 30}
	for seed := range uint64(50) {
		for n := 1; n <= 8; n++ {
			picked := sampled(dates, n, seed, 30)
			if len(picked) != min(n, len(dates)) || !slices.Contains(picked, 21) || !slices.IsSorted(picked) || len(slices.Compact(slices.Clone(picked))) != len(picked) {
				t.Fatalf("%d with seed %d: %v", n, seed, picked)
			}
			if !slices.Equal(picked, sampled(dates, n, seed, 30)) {
				t.Fatalf("seed %d gives two samples", seed)
			}
		}
	}
	if picked := sampled([]rollcall.Date{30}, 2, 1, 30); !slices.Equal(picked, []rollcall.Date{30}) {
		t.Errorf("today alone: %v", picked)
	}
	if picked := sampled(nil, 3, 1, 30); len(picked) != 0 {
		t.Errorf("no data: %v", picked)
	}
}
