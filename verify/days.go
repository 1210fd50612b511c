package verify

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"rollcall"
	"rollcall/store"
)

// choose picks the days to recount, which needs all shards whole.
func (r *run) choose(whole bool) {
	d := r.cfg.Days
	if !whole {
		r.cfg.Days = Days{}
		if d.All || len(d.Dates) > 0 || d.Sample > 0 {
			r.unverified("no day can be recounted, since its figures are of all shards")
		}
		return
	}
	if d.Sample > 0 {
		d.Dates = sampled(r.datesWithData(), d.Sample, d.Seed, r.cfg.Calendar.Date(r.now))
		r.report.Seed = &d.Seed
	}
	r.picked = map[rollcall.Date]bool{}
	for _, date := range d.Dates {
		r.picked[date] = true
	}
}

func (r *run) recounts() bool { return r.cfg.Days.All || len(r.picked) > 0 }

func (r *run) chosen(d rollcall.Date) bool {
	return (r.cfg.Days.All || r.picked[d]) && d >= r.cfg.OldestDay(r.now)
}

// OldestDay is the first day whose cells are kept at a time (Unix ms).
func (c *Config) OldestDay(now int64) rollcall.Date {
	if c.DayRetention <= 0 {
		return math.MinInt32
	}
	return c.Calendar.Date(now - c.DayRetention.Milliseconds())
}

// datesWithData gives the dates that the store or its ledger knows of, rising.
func (r *run) datesWithData() (dates []rollcall.Date) {
	for _, s := range r.head.Stamps[store.DayClock] {
		dates = append(dates, rollcall.Date(s.Period))
	}
	for _, rows := range r.stored {
		for _, row := range rows {
			if row.Count > 0 {
				dates = append(dates, r.cfg.Calendar.Date(row.Hour))
			}
		}
	}
	oldest := r.cfg.OldestDay(r.now)
	dates = slices.DeleteFunc(dates, func(d rollcall.Date) bool { return d < oldest })
	slices.Sort(dates)
	return slices.Compact(dates)
}

// sampled picks the newest date before today, and others by the seed.
func sampled(dates []rollcall.Date, n int, seed uint64, today rollcall.Date) []rollcall.Date {
	newest, _ := slices.BinarySearch(dates, today)
	newest = max(newest-1, 0)
	random := rand.New(rand.NewPCG(seed, 0))
	order := random.Perm(len(dates))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(b2i(b == newest), b2i(a == newest)) })
	var picked []rollcall.Date
	for _, i := range order[:min(n, len(order))] {
		picked = append(picked, dates[i])
	}
	slices.Sort(picked)
	return picked
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
