package storetest

import (
	"context"
	"math"
	"slices"
	"testing"

	"rollcall"
	"rollcall/store"
)

// testVerified: of each day the last finding is kept, and nothing of it shows in a view.
func testVerified(t *testing.T, open Open) {
	s, ctx := open(t, dims, 1), context.Background()
	check := func(want ...store.Verified) {
		t.Helper()
		got, err := s.Verified(ctx)
		must(t, err)
		if !slices.Equal(got, want) {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
	check()
	whole := store.Verified{Day: store.WholeLog, Build: 1, Version: 9, At: 5, Took: 1}
	first := store.Verified{Day: -3, Build: math.MaxUint32, Version: 1 << 40, At: 1 << 41, Took: 77, Differences: 1 << 33}
	last := store.Verified{Day: 20_000, Build: 1, Version: 1}
	must(t, s.SetVerified(ctx, nil))
	must(t, s.SetVerified(ctx, []store.Verified{last, whole, first}))
	check(whole, first, last)
	first, last = store.Verified{Day: -3, Build: 2}, store.Verified{Day: 20_000, Build: 2, Version: 3, At: 4, Took: 5, Differences: 6}
	must(t, s.SetVerified(ctx, []store.Verified{first, last}))
	check(whole, first, last)
	many := make([]store.Verified, 5000)
	for i := range many {
		many[i] = store.Verified{Day: last.Day + 1 + rollcall.Date(i), Version: uint64(i)}
	}
	must(t, s.SetVerified(ctx, many))
	check(append([]store.Verified{whole, first, last}, many...)...)
}
