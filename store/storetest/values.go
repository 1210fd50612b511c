package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall"
)

var oddValues = []string{"'; DROP TABLE shards; --", "a\x00b", "\x00", "ÿ é 日本 🎈", "\xff\xfe", " ", "a", "A", "a ", "%", "1", "NULL",
	strings.Repeat("x", rollcall.MaxDimension)}

// testIntern: every text has one number for ever, in each dimension its own; what has a meaning has its fixed number.
func testIntern(t *testing.T, open Open) {
	s := open(t, dims, 1)
	first, err := s.Intern(context.Background(), 0, slices.Concat(oddValues, oddValues))
	must(t, err)
	again, err := s.Intern(context.Background(), 0, oddValues)
	must(t, err)
	if !slices.Equal(first[:len(oddValues)], again) || !slices.Equal(first[len(oddValues):], again) {
		t.Fatalf("%v, then %v", first, again)
	}
	sorted := slices.Clone(again)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) != len(oddValues) || sorted[0] < rollcall.FirstValue {
		t.Fatalf("numbers %v", again)
	}
	fixed, err := s.Intern(context.Background(), 1, []string{"", rollcall.NotSet, rollcall.Other, "new"})
	must(t, err)
	if !slices.Equal(fixed, []rollcall.Value{rollcall.NotSetValue, rollcall.NotSetValue, rollcall.OtherValue, rollcall.FirstValue}) {
		t.Fatalf("%v", fixed)
	}
	for _, dim := range []int{-1, len(dims)} {
		if _, err := s.Intern(context.Background(), dim, []string{"a"}); err == nil {
			t.Fatalf("interned in dimension %d", dim)
		}
	}
}

// testValues: a view knows the texts that were interned before it, byte for byte, and no later ones.
func testValues(t *testing.T, open Open) {
	s := open(t, dims, 1)
	before := viewOf(t, s)
	defer func() { _ = before.Close() }()
	numbers, err := s.Intern(context.Background(), 1, oddValues)
	must(t, err)
	after := viewOf(t, s)
	defer func() { _ = after.Close() }()
	if got := before.Head().Values[1]; !slices.Equal(got, []string{rollcall.NotSet, rollcall.Other}) {
		t.Fatalf("before: %q", got)
	}
	h := after.Head()
	for i, n := range numbers {
		if h.Values[1][n] != oddValues[i] {
			t.Fatalf("value %d is %q, want %q", n, h.Values[1][n], oddValues[i])
		}
	}
	if len(h.Values[1]) != len(oddValues)+int(rollcall.FirstValue) || len(h.Values[0]) != int(rollcall.FirstValue) || !slices.Equal(h.Dimensions, dims) {
		t.Fatalf("%q %q", h.Values, h.Dimensions)
	}
}

// testInternConcurrently: goroutines that intern the same texts at once get the same numbers.
func testInternConcurrently(t *testing.T, open Open) {
	s := open(t, dims, 1)
	const workers, texts = 4, 40
	var wg sync.WaitGroup
	got := make([][]rollcall.Value, workers)
	for w := range workers {
		wg.Go(func() {
			for i := range texts {
				n, err := s.Intern(context.Background(), 0, []string{fmt.Sprint((i + w*7) % texts), fmt.Sprint(i)})
				if err != nil {
					t.Error(err)
					return
				}
				got[w] = append(got[w], n[1])
			}
		})
	}
	wg.Wait()
	distinct := slices.Clone(got[0])
	slices.Sort(distinct)
	if len(slices.Compact(distinct)) != texts {
		t.Fatalf("%v", got[0])
	}
	for w := range workers {
		if !slices.Equal(got[w], got[0]) {
			t.Fatalf("worker %d: %v\nworker 0: %v", w, got[w], got[0])
		}
	}
}
