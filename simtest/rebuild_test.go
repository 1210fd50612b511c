package simtest_test

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall/eventlog"
	"rollcall/simtest"
	"rollcall/store"
)

// TestRebuildEqualsOracle runs random worlds through the pipeline, and makes the figures anew again and again, with the same or
// other settings, or goes back to a build that was kept, while events arrive and are committed beside it. Some of that is cut
// off and done again. The answers are those of the oracle with the settings of the build that is active, and verify finds
// nothing in any build. A third of the draws are such worlds: they take longer.
func TestRebuildEqualsOracle(t *testing.T) {
	rebuilds, cut, returned := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if rapid.IntRange(0, 2).Draw(rt, "one in three") > 0 {
			return
		}
		d := simtest.Rapid(rt)
		w := simtest.RandomWorld(d, d.Intn(3) > 0)
		r, err := openRemade(t, d, w, flaws{})
		if err == nil {
			err = r.live()
		}
		if err != nil {
			rt.Fatalf("%v\n%s", err, w)
		}
		rebuilds, cut, returned = rebuilds+r.rebuilds, cut+r.cut, returned+r.returned
	})
	if !t.Failed() && (rebuilds == 0 || cut == 0 || returned == 0) {
		t.Errorf("%d builds became active, %d attempts were cut off, %d late events came back: the test is too tame", rebuilds, cut, returned)
	}
}

// flaws are what a rebuild could do wrong.
type flaws struct {
	gap     time.Duration // another session gap than the build tells
	late    bool          // what is late stays out
	passive bool          // passive types are none
	rules   bool          // days before a change are made by the new rule
	zone    bool          // it counts in another time zone
	skips   bool          // a record of the log is folded twice, instead of another
}

// A rebuild that is wrong in any of these ways is found, by the figures alone.
func TestRebuildFindsFlaws(t *testing.T) {
	for name, f := range map[string]flaws{
		"another gap":           {gap: 7 * time.Minute},
		"late events stay away": {late: true},
		"no passive types":      {passive: true},
		"another zone":          {zone: true},
		"one rule for all days": {rules: true},
		"a record is skipped":   {skips: true},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range int64(60) {
				d := rand.New(rand.NewSource(seed))
				r, err := openRemade(t, d, simtest.RandomWorld(d, true), f)
				if err != nil {
					t.Fatal(err)
				}
				if err := r.live(); err != nil {
					return
				}
			}
			t.Error("nobody noticed")
		})
	}
}

// fetch is what the flaw makes of records.
func (f *flaws) fetch(records []eventlog.Record) []eventlog.Record {
	if f.skips && len(records) > 1 {
		records[0].Payload = records[1].Payload
		records[0].Count = records[1].Count
	}
	return records
}

// spoil is what the flaw makes of settings.
func (f *flaws) spoil(c *simtest.Config, horizon time.Duration) {
	if f.gap > 0 {
		c.Gap = f.gap
	}
	if f.late {
		c.LateHorizon = horizon
	}
	if f.passive {
		c.Passive = nil
	}
	if f.rules {
		c.Earlier = nil
	}
	if f.zone {
		c.Location = time.FixedZone("elsewhere", 5*3600)
	}
}

// live is the life of a world.
func (r *remade) live() (err error) {
	defer func() {
		if closed := r.close(); err == nil {
			err = closed
		}
	}()
	events := r.whole.Events
	for done := 0; done < len(events); {
		end := r.upTo(done, 1+r.d.Intn(30))
		if err := r.Append(r.recordedAs(done, end)); err != nil {
			return err
		}
		if done = end; r.d.Intn(2) == 0 {
			end = r.upTo(done, r.d.Intn(30))
			if err := r.remake(r.recordedAs(done, end)); err != nil {
				return fmt.Errorf("rebuild after event %d: %w", done, err)
			}
			done = end
		} else if r.d.Intn(3) == 0 {
			if err := r.Crash(); err != nil {
				return err
			}
		}
		if r.d.Intn(2) == 0 {
			if err := r.compare(done, 2); err != nil {
				return err
			}
		}
	}
	if err := r.compare(len(events), 15); err != nil {
		return err
	}
	return r.verifyAll()
}

// upTo is the end of some more events, which are all recorded with dimensions or all without.
func (r *remade) upTo(done, more int) int {
	if end := min(done+more, len(r.whole.Events)); done >= r.bare || end < r.bare {
		if done >= r.bare {
			r.recorded = r.whole.Config.Dimensions
		}
		return end
	}
	return r.bare
}

// recordedAs gives events as intake records them.
func (r *remade) recordedAs(from, to int) []simtest.Logged {
	events := slices.Clone(r.whole.Events[from:to])
	for i := range events {
		if len(r.recorded) == 0 {
			events[i].Dims = nil
		}
	}
	return events
}

// compare asks for the figures of the first n events, of the active build.
func (r *remade) compare(n, queries int) error {
	v := r.made[r.active]
	w := r.worldOf(v)
	o := simtest.NewOracle(w.Config, w.Events[:n])
	for range queries {
		q := simtest.RandomQuery(r.d, &w, o)
		got, err := r.Query(q)
		if err == nil {
			err = simtest.Diff(o.Answer(q), got)
		}
		c := simtest.RandomCohorts(r.d, &w)
		var cohorts []simtest.Row
		if err == nil {
			cohorts, err = r.Retention(c)
		}
		if err == nil {
			err = simtest.Diff(o.Retention(c), cohorts)
		}
		if err != nil {
			return fmt.Errorf("build %d of %+v after %d events: query %s, retention %s: %w", r.active, v.config, n, q.Text(w.Config.Location), c.Text(w.Config.Location), err)
		}
	}
	return r.countReturned(&w, n, o)
}

// countReturned counts the events that are in a new build and were too late for the old one.
func (r *remade) countReturned(w *simtest.World, n int, o *simtest.Oracle) error {
	c := w.Config
	c.AnyAge = nil
	if old := simtest.NewOracle(c, w.Events[:n]); old.Late > o.Late {
		r.returned += old.Late - o.Late
	}
	return nil
}

// worldOf is the world as a build sees it.
func (r *remade) worldOf(v *version) simtest.World {
	w := r.whole
	w.Config = v.config
	w.Events = slices.Clone(w.Events)
	for i := range w.Events {
		e := &w.Events[i]
		dims := make([][]byte, len(v.config.Dimensions))
		for to, name := range v.config.Dimensions {
			if i >= r.bare {
				dims[to] = e.Dims[slices.Index(r.whole.Config.Dimensions, name)]
			}
		}
		e.Dims = dims
	}
	return w
}

// version is a build, and what it is made of.
type version struct {
	build  store.Build
	config simtest.Config
}

// other draws the settings of another build.
func (r *remade) other() simtest.Config {
	c := r.whole.Config
	for i := len(c.Dimensions); i > 0; i-- { // some of them, in any order
		if r.d.Intn(4) == 0 {
			c.Dimensions = slices.Delete(slices.Clone(c.Dimensions), i-1, i)
		}
	}
	if len(c.Dimensions) > 1 && r.d.Intn(3) == 0 {
		c.Dimensions = slices.Clone(c.Dimensions)
		slices.Reverse(c.Dimensions)
	}
	c.Gap = []time.Duration{c.Gap, 30 * time.Minute, time.Hour}[r.d.Intn(3)]
	c.Passive = [][]string{c.Passive, nil, {"heartbeat"}}[r.d.Intn(3)]
	c.Earlier = r.whole.RandomRules(r.d)
	if r.d.Intn(3) == 0 {
		c.Location = zones()[r.d.Intn(len(zones()))]
	}
	return c
}

func zones() (all []*time.Location) {
	for _, name := range []string{"UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			panic(err)
		}
		all = append(all, loc)
	}
	return all
}

// buildOf tells a build what it is made of.
func buildOf(c *simtest.Config) store.Build {
	return store.Build{Dimensions: c.Dimensions, Shards: max(c.Shards, 1),
		Settings: map[string]string{"session_gap": c.Gap.String(), "timezone": c.Location.String(), "passive_types": fmt.Sprint(c.Passive), "earlier": fmt.Sprint(c.Earlier)}}
}

// events of a shard that a build has folded.
func folded(p store.Position) int { return int(p.Accepted + p.Duplicates + p.Late) }
