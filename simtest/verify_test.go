package simtest_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/simtest"
	"rollcall/verify"
)

// TestVerifyFindsNothing runs random worlds through the whole pipeline, as TestPipelineEqualsOracle does, with a cap on values now and
// then, and lets verify recount everything, in passes of a few events.
func TestVerifyFindsNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := simtest.Rapid(rt)
		w := simtest.RandomWorld(d, d.Intn(2) == 0)
		p, err := openPipeline(t, w, func(p *pipeline) { p.maxValues = d.Intn(4) })
		if err != nil {
			rt.Fatal(err)
		}
		err = verifyAsItGrows(d, w, p)
		if closed := p.Close(); err == nil {
			err = closed
		}
		if err != nil {
			rt.Fatalf("%v\n%s", err, w)
		}
	})
}

// wrong is a report that should have been without differences.
type wrong struct{ *verify.Report }

func (w wrong) Error() string {
	text, err := json.MarshalIndent(w.Report, "", "  ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func verifyAsItGrows(d simtest.Dice, w simtest.World, p *pipeline) error {
	for start := 0; start < len(w.Events); {
		end := min(start+1+d.Intn(40), len(w.Events))
		if err := p.Append(w.Events[start:end]); err != nil {
			return err
		}
		var err error
		switch d.Intn(5) {
		case 0:
			err = p.Restart()
		case 1:
			err = p.Crash()
		case 2: // beside the writer
			err = p.verified(d)
		case 3:
			_, err = p.store.Compact(context.Background(), d.Intn(2) == 0, aggregate.MergeState)
		}
		if err != nil {
			return err
		}
		start = end
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.caughtUp(ctx); err != nil {
		return err
	}
	return p.verified(d)
}

// verified recounts all days. The pipeline expires nothing, and at the beginning of time nothing has expired.
func (p *pipeline) verified(d simtest.Dice) error {
	c := p.world.Config
	report, err := verify.Run(context.Background(), verify.Config{Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: rollcall.NewCalendar(c.Location),
		Gap: c.Gap, Passive: c.Passive, LateHorizon: c.LateHorizon, MinuteRetention: orAlways(c.MinuteRetention), HourRetention: orAlways(c.HourRetention),
		Days: verify.Days{All: true}, Limit: 5, PassEvents: int64(1 + d.Intn(40))},
		verify.Deps{Source: verify.Log{Fetcher: p.log}, Store: p.store, Now: func() time.Time { return time.UnixMilli(0) }})
	if err == nil && !report.Equal {
		err = wrong{report}
	}
	return err
}
