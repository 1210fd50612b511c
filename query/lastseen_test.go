package query

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A stamp that is not older than keep is remembered, whatever the shape of the table and however it grew.
func TestLastSeenRemembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users := rapid.SampledFrom([]int{0, 1, 100, 3_000, 1 << 30}).Draw(t, "expected users")
		spread := rapid.SampledFrom([]uint32{2, 200, 5_000}).Draw(t, "spread")
		window := rapid.Int32Range(1, 40).Draw(t, "window")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var s lastSeen
		model := map[uint32]int32{}
		for stamp := int32(1); stamp < 60; stamp++ {
			keep := stamp - window + 1
			for range rng.IntN(300) {
				user := rng.Uint32N(spread)
				before := s.touch(user, stamp, keep, users)
				if want := model[user]; want >= keep && before != want || want < keep && before > want {
					t.Fatalf("user %d at %d: last seen %d, want %d", user, stamp, before, want)
				}
				model[user] = stamp
			}
		}
		if users == 1<<30 && s.dense != nil {
			t.Fatal("a few users took an array over all of them")
		}
	})
}
