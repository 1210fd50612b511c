package fold_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rollcall"
	"rollcall/record"
	"rollcall/simtest"
)

var seeds = flag.Uint64("seeds", 150, "random worlds to fold")

// TestFoldEqualsOracle folds random events, in random batches, with commits, snapshots, evictions, compactions and
// restarts at random points, and compares every cell of every grain and cuboid with the oracle.
func TestFoldEqualsOracle(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			checkSeed(t, seed)
		})
	}
}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"}

func checkSeed(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	loc, err := time.LoadLocation(zones[rnd.IntN(len(zones))])
	if err != nil {
		t.Fatal(err)
	}
	cfg := simtest.Config{Location: loc, Dimensions: []string{"a", "b", "c"}[:rnd.IntN(4)], Gap: 30 * time.Minute, Passive: []string{"beat"}, Shards: 1 + rnd.IntN(2)}
	if rnd.IntN(3) == 0 {
		cfg.Gap = []time.Duration{time.Second, 26 * time.Hour, 13 * time.Hour}[rnd.IntN(3)]
	}
	if rnd.IntN(4) == 0 {
		cfg.LateHorizon = time.Duration(1+rnd.IntN(3)) * 24 * time.Hour
	}
	if rnd.IntN(2) == 0 {
		cfg.MinuteRetention, cfg.HourRetention = 6*time.Hour, 30*time.Hour
	}
	events := randomEvents(rnd, cfg)
	cfg.Earlier = randomRules(rnd, events)
	oracle := simtest.NewOracle(cfg, events)
	rigs := spread(t, rnd, cfg, events)
	for _, r := range rigs {
		r.run(rnd)
		r.checkFirsts()
	}
	compareAll(t, cfg, oracle, rigs)
	if accepted, duplicates, late := totals(rigs); accepted != int64(oracle.Accepted()) || duplicates != int64(oracle.Duplicates) || late != int64(oracle.Late) {
		t.Errorf("accepted, duplicates, late: got %d %d %d, want %d %d %d", accepted, duplicates, late, oracle.Accepted(), oracle.Duplicates, oracle.Late)
	}
}

func totals(rigs []*rig) (accepted, duplicates, late int64) {
	for _, r := range rigs {
		accepted, duplicates, late = accepted+r.counts.Accepted, duplicates+r.counts.Duplicates, late+r.counts.Late
	}
	return accepted, duplicates, late
}

// spread cuts the events into records of their shards.
func spread(t *testing.T, rnd *rand.Rand, cfg simtest.Config, events []simtest.Logged) []*rig {
	rigs := make([]*rig, cfg.Shards)
	for i := range rigs {
		rigs[i] = newRig(t, cfg)
	}
	for _, e := range events {
		r := rigs[record.ShardOf(e.User, cfg.Shards)]
		last := len(r.log) - 1
		if last < 0 || rnd.IntN(6) == 0 || r.log[last][0].Received != e.Received {
			r.log = append(r.log, nil)
			last++
		}
		r.log[last] = append(r.log[last], e)
	}
	return rigs
}

func compareAll(t *testing.T, cfg simtest.Config, oracle *simtest.Oracle, rigs []*rig) {
	metrics := []string{"events", "sessions", "bounces", "total_session_duration", "new_users", "active_users"}
	for _, g := range []rollcall.Grain{rollcall.Day, rollcall.Hour, rollcall.Minute} {
		for _, c := range rollcall.Cuboids(len(cfg.Dimensions)) {
			q := simtest.Query{From: -1 << 45, To: 1 << 45, Grain: g, Metrics: metrics}
			for d, name := range cfg.Dimensions {
				if c.Has(d) {
					q.GroupBy = append(q.GroupBy, name)
				}
			}
			want, got := byBucket(oracle.Answer(q)), byBucket(rows(cfg, rigs, g, c))
			if err := simtest.Diff(want, got); err != nil {
				t.Fatalf("grain %v cuboid %b: %v", g, c, err)
			}
		}
	}
}

// randomEvents makes events that collide: few users, ids, session ids and values, times near midnight, near the changes
// of the clocks and near multiples of the gap.
func randomEvents(rnd *rand.Rand, cfg simtest.Config) []simtest.Logged {
	base := []int64{time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC).UnixMilli(),
		time.Date(2006, 10, 28, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli()}[rnd.IntN(4)]
	n := 1 + rnd.IntN(120)
	users, times := 1+rnd.IntN(4), []int64{}
	texts := [][]byte{nil, []byte("x"), []byte("y"), []byte("(not set)")}
	if rnd.IntN(5) == 0 { // enough values to make a user's list of cells overflow
		users, n = 1, 300
		for i := range 30 {
			texts = append(texts, fmt.Appendf(nil, "v%d", i))
		}
	}
	events := make([]simtest.Logged, n)
	received := base + 5*86400_000
	for i := range events {
		e := &events[i]
		e.Reset(len(cfg.Dimensions))
		e.User = fmt.Appendf(nil, "u%d", rnd.IntN(users))
		e.Time = randomTime(rnd, base, cfg.Gap.Milliseconds(), times)
		times = append(times, e.Time)
		if rnd.IntN(4) > 0 {
			e.ID = fmt.Appendf(nil, "%d", rnd.IntN(2*n))
		}
		if rnd.IntN(5) == 0 {
			e.Session = fmt.Appendf(nil, "s%d", rnd.IntN(3))
		}
		e.Type = [][]byte{nil, []byte("beat"), []byte("view")}[rnd.IntN(3)]
		for d := range e.Dims {
			e.Dims[d] = texts[rnd.IntN(len(texts))]
		}
		if rnd.IntN(8) == 0 {
			e.Record, e.Bounce, e.NewUser, e.Duration = true, rnd.IntN(2) == 0, rnd.IntN(2) == 0, int64(rnd.IntN(5000))
			if rnd.IntN(2) == 0 {
				e.User = nil
			}
		}
		if rnd.IntN(10) == 0 {
			received += int64(rnd.IntN(3600_000))
		}
		e.Received = received
	}
	return events
}

// randomRules are none mostly, or change at or beside events.
func randomRules(rnd *rand.Rand, events []simtest.Logged) (rules []rollcall.Rule) {
	if rnd.IntN(3) > 0 {
		return nil
	}
	for range 1 + rnd.IntN(3) {
		rules = append(rules, rollcall.Rule{Until: events[rnd.IntN(len(events))].Time + int64(rnd.IntN(3)-1),
			Gap: []time.Duration{time.Minute, 30 * time.Minute, 26 * time.Hour}[rnd.IntN(3)], Passive: [][]string{nil, {"beat"}, {"view"}}[rnd.IntN(3)]})
	}
	slices.SortFunc(rules, func(a, b rollcall.Rule) int { return cmp.Compare(a.Until, b.Until) })
	return rules
}

func randomTime(rnd *rand.Rand, base, gap int64, times []int64) int64 {
	if len(times) > 0 && rnd.IntN(3) > 0 {
		near := times[rnd.IntN(len(times))]
		return near + []int64{0, 1, -1, gap, -gap, gap + 1, -gap - 1, gap / 2, -gap / 2, 60_000}[rnd.IntN(10)]
	}
	t := base + int64(rnd.IntN(4*86400_000))
	if rnd.IntN(3) == 0 {
		t -= t % 3600_000
	}
	return t
}

// TestDaysThatInterleave: in St. John's clocks went back at 0:01 to 23:01 of the day before. A late event of that first minute, which is
// the entry of a session of the hour after, takes the session to its own day.
func TestDaysThatInterleave(t *testing.T) {
	loc, err := time.LoadLocation("America/St_Johns")
	if err != nil {
		t.Fatal(err)
	}
	cfg := simtest.Config{Location: loc, Gap: 30 * time.Minute, Shards: 1}
	back := time.Date(2006, 10, 29, 2, 31, 0, 0, time.UTC).UnixMilli()
	var events []simtest.Logged
	for _, at := range []int64{back + 10*60_000, back + 20*60_000, back - 30_000} {
		e := simtest.Logged{Received: back + 3600_000}
		e.User, e.Time = []byte("u"), at
		events = append(events, e)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	rigs := spread(t, rnd, cfg, events)
	rigs[0].run(rnd)
	q := simtest.Query{From: -1 << 45, To: 1 << 45, Grain: rollcall.Day, Metrics: []string{"events", "sessions", "bounces", "total_session_duration", "new_users", "active_users"}}
	if err := simtest.Diff(byBucket(simtest.NewOracle(cfg, events).Answer(q)), byBucket(rows(cfg, rigs, rollcall.Day, 0))); err != nil {
		t.Error(err)
	}
}
