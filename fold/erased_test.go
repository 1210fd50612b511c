package fold_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rollcall/record"
	"rollcall/simtest"
)

// TestErasedUserNeverWas: a log whose rows of a user are erased folds into the cells, sets, first events, ledger and counts
// of a log in which that user never was, whatever happens to the shard meanwhile; and the oracle agrees.
func TestErasedUserNeverWas(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 7))
			cfg := simtest.Config{Location: time.UTC, Dimensions: []string{"a", "b"}[:rnd.IntN(3)], Gap: 30 * time.Minute, Passive: []string{"beat"}, Shards: 1 + rnd.IntN(2)}
			if rnd.IntN(3) == 0 {
				cfg.LateHorizon = time.Duration(1+rnd.IntN(3)) * 24 * time.Hour
			}
			events := randomEvents(rnd, cfg)
			others := slices.DeleteFunc(slices.Clone(events), func(e simtest.Logged) bool { return string(e.User) == "u1" })
			erased, without := spread(t, rnd, cfg, events), spread(t, rnd, cfg, others)
			for i, r := range erased {
				r.erased = record.UsersNamed("u1")
				r.run(rnd)
				r.checkFirsts()
				without[i].run(rnd)
				if r.counts != without[i].counts || !maps.Equal(r.ledger, without[i].ledger) {
					t.Errorf("shard %d: %+v\n%v, and without the user\n%+v\n%v", i, r.counts, r.ledger, without[i].counts, without[i].ledger)
				}
			}
			compareAll(t, cfg, simtest.NewOracle(cfg, others), erased)
		})
	}
}
