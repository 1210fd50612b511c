package generate

import (
	"fmt"
	"math"
	"sort"
	"testing"
	"time"

	"rollcall"
)

func TestZZ(t *testing.T) {
	until := time.Date(2026, 11, 28, 8, 40, 12, 0, time.UTC)
	cfg := StoryConfig{Seed: 1, Events: 2_000_000, Days: 90, Until: until, Dimensions: Dimensions()}
	t0 := time.Now()
	s, err := NewStory(cfg)
	if err != nil { t.Fatal(err) }
	fmt.Println("new", time.Since(t0))
	var ev rollcall.Event
	n := 0
	t0 = time.Now()
	for s.Next(until.UnixMilli(), &ev) { n++ }
	fmt.Println("events", n, "took", time.Since(t0), "users", s.Users(), s.scale)
	s, _ = NewStory(cfg)
	type ud struct{ u string; d int }
	type sess struct{ start, last int64; n int; camp string; age string; country string; dev string }
	lastS := map[string]*sess{}
	var all []*sess
	first := map[string]int{}
	act := map[ud]bool{}
	ids := map[string]bool{}
	evd := make([]int, 91)
	hours := make([]int, 24)
	hh := make([]int, 24)
	for s.Next(until.UnixMilli(), &ev) {
		if ids[string(ev.ID)] { continue }
		ids[string(ev.ID)] = true
		d := int((ev.Time - s.start) / dayMS)
		u := string(ev.User)
		evd[d]++
		hours[(ev.Time/hourMS)%24]++
		if d == 89 { hh[(ev.Time/hourMS)%24]++ }
		if f, ok := first[u]; !ok || d < f { first[u] = d }
		act[ud{u, d}] = true
		l := lastS[u]
		if l == nil || ev.Time-l.last > 30*minuteMS {
			l = &sess{ev.Time, ev.Time, 0, string(ev.Dims[0]), string(ev.Dims[1]), string(ev.Dims[2]), string(ev.Dims[3])}
			lastS[u] = l; all = append(all, l)
		}
		l.n++; if ev.Time > l.last { l.last = ev.Time }
	}
	dau := make([]int, 91); nu := make([]int, 91)
	for k := range act { dau[k.d]++ }
	for _, d := range first { nu[d]++ }
	users := map[int]map[string]bool{}
	for k := range act { if users[k.d] == nil { users[k.d] = map[string]bool{} }; users[k.d][k.u] = true }
	for d := 0; d < 90; d++ {
		mau := map[string]bool{}
		for e := max(0, d-29); e <= d; e++ { for u := range users[e] { mau[u] = true } }
		fmt.Printf("%s dau %5d new %5d events %6d  dau/mau %.3f\n", time.UnixMilli(s.start+int64(d)*dayMS).UTC().Format("Mon 01-02"), dau[d], nu[d], evd[d], float64(dau[d])/float64(len(mau)))
	}
	for _, j := range []int{1, 2, 3, 7, 14, 21, 30, 45, 60} {
		num, den := 0, 0
		for c := 0; c+j < 89; c++ {
			for u := range users[c] { if first[u] == c { den++; if users[c+j][u] { num++ } } }
		}
		fmt.Printf("D%d %.3f\n", j, float64(num)/float64(den))
	}
	b, dur := 0, int64(0)
	type agg struct{ n, b int; dur int64; ages, cs, ds map[string]int; first, last int64 }
	camps := map[string]*agg{}
	for _, x := range all {
		if x.n == 1 { b++ }; dur += x.last - x.start
		a := camps[x.camp]; if a == nil { a = &agg{ages: map[string]int{}, cs: map[string]int{}, ds: map[string]int{}, first: math.MaxInt64}; camps[x.camp] = a }
		a.n++; if x.n == 1 { a.b++ }; a.dur += x.last - x.start
		a.ages[x.age]++; a.cs[x.country]++; a.ds[x.dev]++; a.first = min(a.first, x.start); a.last = max(a.last, x.start)
	}
	fmt.Printf("sessions %d bounce %.3f avg %.1fs\n", len(all), float64(b)/float64(len(all)), float64(dur)/float64(len(all))/1000)
	var names []string
	for n := range camps { names = append(names, n) }
	sort.Slice(names, func(i, j int) bool { return camps[names[i]].n > camps[names[j]].n })
	top := func(m map[string]int, n int) string { 
		var k []string; for x := range m { k = append(k, x) }; sort.Slice(k, func(i, j int) bool { return m[k[i]] > m[k[j]] })
		o := ""; for i := 0; i < min(3, len(k)); i++ { o += fmt.Sprintf("%s %d%% ", k[i], m[k[i]]*100/n) }; return o }
	for _, n := range names { a := camps[n]
		fmt.Printf("%-18s %6d bounce %.2f avg %4.0fs %s..%s  %s| %s| %s\n", n, a.n, float64(a.b)/float64(a.n), float64(a.dur)/float64(a.n)/1000,
			time.UnixMilli(a.first).UTC().Format("01-02"), time.UnixMilli(a.last).UTC().Format("01-02"), top(a.ages, a.n), top(a.cs, a.n), top(a.ds, a.n)) }
	fmt.Println(hours); fmt.Println(hh)
	f, u := s.Outage(); fmt.Println(f, u)
	// live
	n = 0; now := until.UnixMilli()
	for i := 0; i < 3600; i++ { now += 1000; for s.Next(now, &ev) { n++ } }
	fmt.Println("live hour", n, "history last hours", hh)
	s.Resume(now, 50)
	for m := 0; m < 5; m++ { n = 0; for i := 0; i < 60; i++ { now += 1000; for s.Next(now, &ev) { n++ } }; fmt.Println("50/s:", n/60) }
	s.Resume(now+dayMS*3, 0); now += dayMS*3
	for m := 0; m < 5; m++ { n = 0; for i := 0; i < 60; i++ { now += 1000; for s.Next(now, &ev) { n++ } }; fmt.Println("min:", n) }
}
