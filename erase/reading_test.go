package erase_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store"
)

// shelf is a log of one shard in memory.
type shelf []eventlog.Record

func (s shelf) Fetch(_ context.Context, _ int, from, _ rollcall.Offset, _ int, buf []eventlog.Record) ([]eventlog.Record, error) {
	buf = buf[:0]
	for _, r := range s {
		if r.Next > from {
			buf = append(buf, r)
		}
	}
	return buf, nil
}

func (s shelf) Bounds(context.Context, int) (first, next rollcall.Offset, err error) {
	return 0, s[len(s)-1].Next, nil
}

// shelve makes records of some events each, whose users are those given.
func shelve(users []string, size int) shelf {
	var s shelf
	e, at := record.NewEncoder([]string{"d"}), rollcall.Offset(0)
	for len(users) > 0 {
		n := min(size, len(users))
		e.Reset()
		for i, u := range users[:n] {
			e.Add(&rollcall.Event{User: []byte(u), Time: int64(at) + int64(i), Dims: [][]byte{[]byte("v")}})
		}
		s = append(s, eventlog.Record{Offset: at, Next: at + rollcall.Offset(n), Count: n, Payload: append([]byte(nil), e.Bytes()...), Received: 7})
		at, users = at+rollcall.Offset(n), users[n:]
	}
	return s
}

// read gives the user of each row, "-" for an erased one.
func read(t interface{ Fatal(...any) }, log eventlog.Fetcher) (users []string) {
	records, err := log.Fetch(context.Background(), 0, 0, 0, 1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		var b record.Batch
		if err := b.Decode(r.Payload); err != nil || len(b.Rows) != r.Count || r.Received != 7 {
			t.Fatal(r, err)
		}
		for i := range b.Rows {
			user := string(b.Rows[i].User)
			if b.Rows[i].Erased {
				user = "-"
			}
			users = append(users, user)
		}
	}
	return users
}

// TestReading: each row of the users is blank, every other is there, and the log itself is as it was.
func TestReading(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		users := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "", "c"}), 1, 30).Draw(r, "users")
		log := shelve(users, rapid.IntRange(1, 7).Draw(r, "size"))
		want := append([]string(nil), users...)
		for i, u := range want {
			if u == "a" || u == "c" {
				want[i] = "-"
			}
		}
		if got := read(r, erase.Reading(log, record.UsersNamed("a", "c"))); fmt.Sprint(got) != fmt.Sprint(want) {
			r.Fatalf("%q, want %q", got, want)
		}
		if got := read(r, log); fmt.Sprint(got) != fmt.Sprint(users) {
			r.Fatalf("the log has %q, had %q", got, users)
		}
	})
}

// TestListed: the rows of a user are blank in the records before the entry's offset, and there again behind it; other keys, other
// shards and later builds name nobody.
func TestListed(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		users := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", ""}), 1, 30).Draw(r, "users")
		log, key := shelve(users, 1), []byte("key")
		p := erase.NewPrinter(key)
		until := map[string]rollcall.Offset{}
		var entries []store.Erasure
		for range rapid.IntRange(1, 4).Draw(r, "entries") {
			u, at := rapid.SampledFrom([]string{"a", "b", "x"}).Draw(r, "user"), rollcall.Offset(rapid.IntRange(0, 30).Draw(r, "until"))
			entries = append(entries, store.Erasure{User: p.Of([]byte(u)), Until: at, Build: 3},
				store.Erasure{User: p.Of([]byte("b")), Shard: 1, Until: 1 << 40, Build: 3}, store.Erasure{User: p.Of([]byte("b")), Until: 1 << 40, Build: 4})
			until[u] = max(until[u], at)
		}
		want := append([]string(nil), users...)
		for i, u := range want {
			if rollcall.Offset(i) < until[u] {
				want[i] = "-"
			}
		}
		if got := read(r, erase.Listed(log, erase.NewList(key, entries, 3))); fmt.Sprint(got) != fmt.Sprint(want) {
			r.Fatalf("%q, want %q", got, want)
		}
		if got := read(r, erase.Listed(log, erase.NewList([]byte("another key"), entries, 3))); fmt.Sprint(got) != fmt.Sprint(users) {
			r.Fatalf("under another key: %q", got)
		}
	})
}

// TestEmptyListCostsNothing: the reader of an empty list is the log.
func TestEmptyListCostsNothing(t *testing.T) {
	log := &shelf{}
	if got := erase.Listed(log, erase.NewList([]byte("key"), nil, 1)); got != eventlog.Fetcher(log) {
		t.Errorf("%T", got)
	}
}

func TestReadingStopsAtDamage(t *testing.T) {
	log := shelf{{Next: 1, Count: 1, Payload: []byte("no batch")}}
	if _, err := erase.Reading(log, record.UsersNamed("a", "b")).Fetch(t.Context(), 0, 0, 0, 1, nil); !errors.Is(err, record.ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

// BenchmarkListed is the cost of a record of 1000 events of 500 users, none of them listed: before the end of the list, where each user
// is asked for, and behind it.
func BenchmarkListed(b *testing.B) {
	var users []string
	for i := range 1000 {
		users = append(users, fmt.Sprint("user-", i%500))
	}
	log, key := shelve(users, 1000), []byte("key")
	for name, until := range map[string]rollcall.Offset{"before": 1 << 20, "behind": 0} {
		list := []store.Erasure{{User: erase.NewPrinter(key).Of([]byte("nobody")), Until: until, Build: 1}}
		reader := erase.Listed(log, erase.NewList(key, list, 1))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var buf []eventlog.Record
			for range b.N {
				if _, err := reader.Fetch(b.Context(), 0, 0, 0, 1<<20, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
