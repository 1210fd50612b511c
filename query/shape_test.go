package query

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/query/querytest"
)

// edges are user ids about the edges of words and chunks, and far beyond one chunk.
var edges = []int{0, 63, 64, 64*chunkWords - 1, 64 * chunkWords, 2*64*chunkWords - 1, 2 * 64 * chunkWords, 3*64*chunkWords + 5, 5*64*chunkWords - 1, 70_001}

// genCrowd draws facts of few and many users over some days with gaps between them.
func genCrowd(t *rapid.T, cal rollcall.Calendar, today rollcall.Date, shards int, values []string) (facts []querytest.Fact) {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	add := func(d rollcall.Date, user int) {
		facts = append(facts, querytest.Fact{Time: cal.DayStart(d) + rng.Int64N(20*hourMS), User: user, Finest: rollcall.Hour, Session: rng.IntN(3) == 0,
			Dims: []string{values[rng.IntN(len(values))], values[rng.IntN(len(values))]}, NewUser: rng.IntN(9) == 0})
	}
	for range rapid.IntRange(1, 12).Draw(t, "days") {
		d := today - rollcall.Date(rng.IntN(100))
		switch rng.IntN(3) {
		case 0: // a dense stretch across the edge of a chunk
			first := edges[rng.IntN(len(edges))] * shards
			for u := range 40 + rng.IntN(120) {
				add(d, first+u)
			}
		default:
			for range 1 + rng.IntN(12) {
				add(d, edges[rng.IntN(len(edges))]*shards+rng.IntN(shards))
			}
		}
		if rng.IntN(4) == 0 {
			add(d, -1)
		}
	}
	return facts
}

// Distinct users over days, buckets and windows are those of counting, with ids far beyond one chunk, few groups (unions)
// and many (streams).
func TestWindowsEqualCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cal, today := rollcall.NewCalendar(time.UTC), rollcall.Date(20_600)
		shards := rapid.IntRange(1, 3).Draw(t, "shards")
		facts := genCrowd(t, cal, today, shards, []string{"a", "b", "c"})
		dims, cuboids := []string{"campaign", "age"}, rollcall.Cuboids(2)
		m := querytest.Build(cal, dims, cuboids, shards, facts)
		e := engineOver(m, cal, cuboids, cal.DayStart(today+1), time.Hour, 1000*24*time.Hour)
		if err := m.Split(rapid.IntRange(1, 3).Draw(t, "parts")); err != nil {
			t.Fatal(err)
		}
		e.maxUnited = rapid.SampledFrom([]int{0, 2, maxUnited}).Draw(t, "united")
		for range 4 {
			first := today - rollcall.Date(rapid.IntRange(0, 99).Draw(t, "first"))
			last := min(today, first+rollcall.Date(rapid.IntRange(0, 99).Draw(t, "days")))
			r := &Request{From: first.String(), To: (last + 1).String(), Format: "csv", Metrics: []string{"active_users", "wau", "mau"},
				Grain:   rapid.SampledFrom([]rollcall.Grain{rollcall.Hour, rollcall.Day, rollcall.Week, rollcall.Month, rollcall.Total}).Draw(t, "grain"),
				GroupBy: dims[:rapid.IntRange(0, 2).Draw(t, "groups")]}
			if rapid.Bool().Draw(t, "filter") {
				r.Filters = []Filter{{Dimension: "age", Values: []string{"a", "b"}, Not: rapid.Bool().Draw(t, "not")}}
			}
			r.Fill = r.Grain > rollcall.Hour && rapid.Bool().Draw(t, "fill")
			res, err := e.Query(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			want := (&naive{loc: time.UTC, dims: dims, facts: facts}).answer(r, cal.DayStart(first), cal.DayStart(last+1))
			if got := lines(res); !slices.Equal(got, want) {
				t.Fatalf("%+v\ngot\n%s\nwant\n%s", r, got, want)
			}
		}
	})
}

// Groups of more combinations of values than a table has room for are found by several shards at a time.
func TestMoreCombinationsThanATable(t *testing.T) {
	cal, today := rollcall.NewCalendar(time.UTC), rollcall.Date(20_600)
	dims, cuboids := []string{"campaign", "age", "country", "device"}, rollcall.Cuboids(4)
	var facts []querytest.Fact
	for i := range 1500 {
		f := querytest.Fact{Time: cal.DayStart(today-rollcall.Date(i%3)) + int64(i%24)*hourMS, User: i % 400, Finest: rollcall.Hour}
		for d := range dims {
			f.Dims = append(f.Dims, fmt.Sprint((i/(d+1))%40))
		}
		facts = append(facts, f)
	}
	m := querytest.Build(cal, dims, cuboids, 4, facts)
	e := engineOver(m, cal, cuboids, cal.DayStart(today+1), time.Hour, 1000*24*time.Hour)
	r := &Request{From: (today - 2).String(), To: (today + 1).String(), Grain: rollcall.Total, GroupBy: dims, Metrics: []string{"active_users", "events"}, Format: "csv"}
	want := (&naive{loc: time.UTC, dims: dims, facts: facts}).answer(r, cal.DayStart(today-2), cal.DayStart(today+1))
	res, err := e.Query(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(res); !slices.Equal(got, want) {
		t.Fatalf("got %d rows, want %d:\n%s\n%s", len(got), len(want), got, want)
	}
}

// A set of users gives the same bits, chunk after chunk, whichever form it has.
func TestMembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		words := rapid.IntRange(1, 900).Draw(t, "words")
		share := rapid.SampledFrom([]float64{0.0005, 0.01, 0.03, 0.5}).Draw(t, "share")
		set, n := make([]uint64, words), int64(0)
		for id := range 64 * words {
			if rng.Float64() < share {
				set[id/64] |= 1 << (id % 64)
				n++
			}
		}
		m := membersOf(set, n)
		if m.n != n || m.bits != nil && m.ids != nil || n > 0 && m.bytes() > 56+8*words {
			t.Fatalf("%d users of %d, %d bytes", m.n, n, m.bytes())
		}
		size := rapid.IntRange(1, 300).Draw(t, "chunk")
		for from, at := 0, 0; from < words+size; from += size {
			got, want := make([]uint64, size), make([]uint64, size)
			got[0] = 99
			copy(want, set[min(from, words):])
			if m.into(got, 64*from, &at); !slices.Equal(got, want) {
				t.Fatalf("chunk at word %d of %d", from, words)
			}
		}
	})
}
