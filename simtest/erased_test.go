package simtest_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rollcall/record"
	"rollcall/simtest"
)

// crowd adds events of users who are erased to those of the world: the same ones with other users, and some with values and
// times of their own.
type crowd struct {
	*pipeline
	d simtest.Dice
}

func (c crowd) Append(events []simtest.Logged) error {
	var all []simtest.Logged
	for _, e := range events {
		for range c.d.Intn(3) {
			x := simtest.Logged{Event: e.Event.Clone(), Received: e.Received}
			x.User = []byte([]string{"erased one", "erased two"}[c.d.Intn(2)])
			if c.d.Intn(3) == 0 {
				x.Time += int64(c.d.Intn(20)-10) * 7_200_000
			}
			for d := range x.Dims {
				if c.d.Intn(4) == 0 {
					x.Dims[d] = []byte("a value of the erased")
				}
			}
			all = append(all, x)
		}
		all = append(all, e)
	}
	return c.pipeline.Append(slices.Clip(all))
}

// TestErasedUsersNeverWere: with the rows of some users erased, the whole pipeline answers as the oracle does that never saw
// these users, with a late horizon too, and verify finds nothing. A third of the draws are such worlds: they take longer.
func TestErasedUsersNeverWere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		if rapid.IntRange(0, 2).Draw(rt, "one in three") > 0 {
			return
		}
		d := simtest.Rapid(rt)
		w := simtest.RandomWorld(d, d.Intn(2) == 0)
		p, err := openPipeline(t, w, func(p *pipeline) { p.erase = record.UsersNamed("erased one", "erased two").Erase })
		if err != nil {
			rt.Fatal(err)
		}
		if err = simtest.Run(d, w, crowd{p, d}); err == nil {
			err = p.verified(d)
		}
		if closed := p.Close(); err == nil {
			err = closed
		}
		if err != nil {
			rt.Fatalf("%v\n%s", err, w)
		}
	})
}
