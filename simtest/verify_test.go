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

// TestVerifyKnowsChangedLimits changes the late horizon and the retentions under the data again and again, and lets verify
// recount with those that came last.
func TestVerifyKnowsChangedLimits(t *testing.T) {
	late, levels := 0, map[time.Duration]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		d := simtest.Rapid(rt)
		w := simtest.RandomWorld(d, true)
		p, err := openPipeline(t, w)
		if err != nil {
			rt.Fatal(err)
		}
		err = verifyOverChanges(d, p)
		if closed := p.Close(); err == nil {
			err = closed
		}
		if err != nil {
			rt.Fatalf("%v\n%s", err, w)
		}
		for _, s := range p.counted {
			late += int(s.Late)
		}
		levels[p.world.Config.HourRetention] = true
	})
	if late == 0 || len(levels) < 3 {
		t.Errorf("%d late events and %d hour retentions: the test is too tame", late, len(levels))
	}
}

func verifyOverChanges(d simtest.Dice, p *pipeline) error {
	hours := []time.Duration{0, time.Hour, 24 * time.Hour, 5 * 24 * time.Hour, 90 * 24 * time.Hour}
	for events := p.world.Events; len(events) > 0; {
		n := min(1+d.Intn(40), len(events))
		if err := p.Append(events[:n]); err != nil {
			return err
		}
		events = events[n:]
		if d.Intn(2) == 0 {
			continue
		}
		if err := p.verified(d); err != nil { // which may be in the middle of things
			return err
		}
		c := &p.world.Config
		c.LateHorizon = []time.Duration{0, time.Hour, 30 * time.Hour, 7 * 24 * time.Hour}[d.Intn(4)]
		c.HourRetention = hours[d.Intn(len(hours))]
		if c.MinuteRetention = hours[d.Intn(len(hours))]; c.HourRetention > 0 && (c.MinuteRetention == 0 || c.MinuteRetention > c.HourRetention) {
			c.MinuteRetention = c.HourRetention
		}
		if err := p.Restart(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.caughtUp(ctx); err != nil {
		return err
	}
	view, err := p.store.View(ctx)
	if err != nil {
		return err
	}
	p.counted = view.Head().Shards
	if err := view.Close(); err != nil {
		return err
	}
	return p.verified(d)
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

// verified recounts all days.
func (p *pipeline) verified(d simtest.Dice) error {
	report, err := p.verifyAll(d)
	if err == nil && !report.Equal {
		err = wrong{report}
	}
	return err
}

// verifyAll recounts all days. The pipeline expires nothing, and at the beginning of time nothing has expired.
func (p *pipeline) verifyAll(d simtest.Dice) (*verify.Report, error) {
	c := p.world.Config
	return verify.Run(context.Background(), verify.Config{Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: rollcall.NewCalendar(c.Location),
		Gap: c.Gap, Earlier: c.Earlier, Passive: c.Passive, LateHorizon: c.LateHorizon, MinuteRetention: orAlways(c.MinuteRetention), HourRetention: orAlways(c.HourRetention),
		Days: verify.Days{All: true}, Limit: 5, PassEvents: int64(1 + d.Intn(40))},
		verify.Deps{Source: verify.Log{Fetcher: p.log}, Store: p.store, Now: func() time.Time { return time.UnixMilli(0) }})
}
