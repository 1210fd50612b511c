package simtest_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// The world of the race proof: what every figure is after commit n is known without looking. Touch j of a day (from 0)
// brings, in each shard, user j at hour j mod 24: two events, in cells j and j+1 (mod raceCells), the first with a session;
// and one duplicate of the day.
const (
	raceShards = 3
	raceCells  = 36 // 18 campaigns × 2 ages: more than are united
	racePeriod = 72 // of cells and hours
)

var (
	raceEpoch = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	raceDims  = []string{"campaign", "age"}
)

// raceDay is touched by every so many commits; by the first alone for 0. The days with gaps between them make wau and mau
// differ, and rare touches leave answers as they are while the store goes on.
type raceDay struct{ offset, every int }

func raceDays() []raceDay {
	return []raceDay{{0, 1}, {1, 2}, {2, 5}, {9, 1}, {25, 40}, {45, 1}, {46, 0}}
}

// touches is how often the first n commits touch the day.
func (d raceDay) touches(n int) int {
	if d.every == 0 {
		return min(n, 1)
	}
	return n / d.every
}

func (d raceDay) start() time.Time    { return raceEpoch.AddDate(0, 0, d.offset) }
func (d raceDay) date() rollcall.Date { return rollcall.Date(d.start().Unix() / 86400) }

func raceValues(cell int) (values [2]string) {
	return [2]string{fmt.Sprintf("c%02d", cell/2), []string{"x", "y"}[cell%2]}
}

// raceTime is when commit n was made.
func raceTime(n int) int64 { return raceEpoch.UnixMilli() + int64(n) }

// raceWriter makes the commits.
type raceWriter struct {
	positions []store.Position
	values    [2]map[string]rollcall.Value
}

// commit is the n-th.
func (w *raceWriter) commit(n int) *store.Commit {
	c := &store.Commit{At: raceTime(n)}
	for shard := range w.positions {
		p := &w.positions[shard]
		s := store.ShardCommit{From: p.Offset}
		p.Offset++
		p.Users = int64(n)
		s.To = *p
		for _, d := range raceDays() {
			if j := d.touches(n) - 1; d.touches(n) > d.touches(n-1) {
				w.touch(&s, shard, d, j)
			}
		}
		c.Shards = append(c.Shards, s)
	}
	return c
}

func (w *raceWriter) touch(s *store.ShardCommit, shard int, d raceDay, j int) {
	hour := uint8(j % 24)
	minutes := block.Period(d.start().Unix()/60) + 60*block.Period(hour)
	for g, p := range map[rollcall.Grain]block.Period{rollcall.Minute: minutes, rollcall.Hour: block.Period(d.date()), rollcall.Day: block.Period(d.date())} {
		sub := map[rollcall.Grain]uint8{rollcall.Hour: hour}[g]
		for _, cuboid := range rollcall.Cuboids(len(raceDims)) {
			s.Cells = append(s.Cells, w.cells(block.CellKey{Grain: g, Period: p, Cuboid: cuboid}, sub, j))
		}
		if g == rollcall.Hour {
			continue
		}
		var b block.SetsBuilder
		b.Reset(block.SetKey{Grain: g, Period: p, Shard: shard}, len(raceDims))
		for _, cell := range [2]int{j % raceCells, (j + 1) % raceCells} {
			b.Add(w.tuple(cell, rollcall.Full(2)), uint32(j), 1<<map[rollcall.Grain]uint8{rollcall.Day: hour}[g])
		}
		s.Sets = append(s.Sets, b.Build())
	}
	row := store.LedgerRow{Shard: shard, Hour: d.start().UnixMilli() + int64(hour)*3_600_000, Count: 2}
	if shard == 0 {
		row.Duplicates = 1
	}
	s.Ledger = append(s.Ledger, row)
}

func (w *raceWriter) tuple(cell int, cuboid rollcall.Cuboid) (tuple []rollcall.Value) {
	for d, text := range raceValues(cell) {
		if cuboid.Has(d) {
			tuple = append(tuple, w.values[d][text])
		}
	}
	return tuple
}

func (w *raceWriter) cells(key block.CellKey, sub uint8, j int) *block.Cells {
	var b block.CellsBuilder
	b.Reset(key)
	first, second := w.tuple(j%raceCells, key.Cuboid), w.tuple((j+1)%raceCells, key.Cuboid)
	b.Add(sub, first, &rollcall.Counters{rollcall.Events: 1, rollcall.Sessions: 1, rollcall.Active: 1})
	again := rollcall.Counters{rollcall.Events: 1}
	if !slices.Equal(first, second) {
		again[rollcall.Active] = 1
	}
	b.Add(sub, second, &again)
	return b.Build()
}

// raceShape is a question, and what it is about.
type raceShape struct {
	first, last int // days, as offsets
	grain       rollcall.Grain
	campaigns   int // the first so many; 0 for all
	group       bool
	trailing    bool
}

func raceShapes() []raceShape {
	day, hour, minute, week, total := rollcall.Day, rollcall.Hour, rollcall.Minute, rollcall.Week, rollcall.Total
	return []raceShape{
		{0, 46, day, 0, false, true}, {0, 46, day, 7, false, true}, {0, 46, day, 0, true, true}, {0, 46, total, 0, false, false},
		{0, 46, total, 5, true, false}, {45, 46, hour, 0, false, false}, {45, 45, hour, 9, true, false}, {45, 45, minute, 3, false, false},
		{0, 46, week, 0, false, true}, {0, 20, week, 4, true, false}, {25, 25, day, 0, false, false}, {25, 26, day, 3, true, false},
		{1, 2, total, 2, false, false}, {46, 46, day, 1, true, false}, {9, 45, total, 0, false, true},
	}
}

func (s raceShape) path() string {
	metrics := "events,sessions,active_users"
	if s.trailing {
		metrics += ",wau,mau"
	}
	date := func(offset int) string { return raceEpoch.AddDate(0, 0, offset).Format(time.DateOnly) }
	path := fmt.Sprintf("/api/v1/query?from=%s&to=%s&grain=%v&metrics=%s", date(s.first), date(s.last+1), s.grain, metrics)
	if s.group {
		path += "&group_by=campaign,age"
	}
	if s.campaigns > 0 {
		var names []string
		for c := range s.campaigns {
			names = append(names, raceValues(2 * c)[0])
		}
		path += "&filter.campaign=" + strings.Join(names, ",")
	}
	return path
}

// over counts f over touches 0 to k-1; it has racePeriod.
func over(k int, f func(j int) int64) (n int64) {
	for j := range min(k, racePeriod) {
		times := int64((k - j + racePeriod - 1) / racePeriod)
		n += times * f(j)
	}
	return n
}

// raceGroup is a set of cells, as bits.
type raceGroup uint64

func (g raceGroup) has(cell int) int64 { return int64(g >> (cell % raceCells) & 1) }
func (g raceGroup) active(j int) int64 { return min(1, g.has(j)+g.has(j+1)) }

func (s raceShape) groups() map[string]raceGroup {
	groups := map[string]raceGroup{}
	for cell := range raceCells {
		if v := raceValues(cell); s.campaigns == 0 || cell/2 < s.campaigns {
			key := ""
			if s.group {
				key = v[0] + v[1]
			}
			groups[key] |= 1 << cell
		}
	}
	return groups
}

// answer gives the figures of each row after commit n, and the duplicates.
func (s raceShape) answer(n int) (rows map[string][5]int64, duplicates int64) {
	rows = map[string][5]int64{}
	buckets := map[string][]raceDay{}
	for _, d := range raceDays() {
		if d.offset < s.first || d.offset > s.last {
			continue
		}
		duplicates += int64(d.touches(n))
		label := map[rollcall.Grain]string{rollcall.Total: "total", rollcall.Day: d.start().Format(time.DateOnly),
			rollcall.Week: raceEpoch.AddDate(0, 0, d.offset/7*7).Format(time.DateOnly)}[s.grain]
		if s.grain > rollcall.Hour {
			buckets[label] = append(buckets[label], d)
			continue
		}
		for hour := range 24 {
			s.add(rows, n, d.start().Add(time.Duration(hour)*time.Hour).Format(time.RFC3339), []raceDay{d}, hour)
		}
	}
	for label, days := range buckets {
		s.add(rows, n, label, days, -1)
	}
	return rows, duplicates
}

// add adds the rows of a bucket that consists of some days, or of an hour of one.
func (s raceShape) add(rows map[string][5]int64, n int, bucket string, days []raceDay, hour int) {
	for key, g := range s.groups() {
		in := func(f func(j int) int64) func(int) int64 {
			return func(j int) int64 {
				if hour >= 0 && j%24 != hour {
					return 0
				}
				return f(j)
			}
		}
		var row [5]int64
		most := 0
		for _, d := range days {
			k := d.touches(n)
			row[0] += raceShards * over(k, in(func(j int) int64 { return g.has(j) + g.has(j+1) }))
			row[1] += raceShards * over(k, in(func(j int) int64 { return g.has(j) }))
			most = max(most, k)
		}
		row[2] = raceShards * over(most, in(g.active))
		if s.trailing {
			row[3], row[4] = s.trailingOf(n, days[0], g, 7), s.trailingOf(n, days[0], g, 30)
		}
		if row[0] > 0 {
			rows[bucket+key] = row
		}
	}
}

// trailingOf counts the users of the days that end with the last of the bucket that a day lies in.
func (s raceShape) trailingOf(n int, day raceDay, g raceGroup, days int) int64 {
	last := map[rollcall.Grain]int{rollcall.Day: day.offset, rollcall.Week: min(day.offset/7*7+6, s.last), rollcall.Total: s.last}[s.grain]
	most := 0
	for _, d := range raceDays() {
		if d.offset <= last && d.offset > last-days {
			most = max(most, d.touches(n))
		}
	}
	return raceShards * over(most, g.active)
}

// same tells whether two commits leave all that the question is about as it was.
func (s raceShape) same(m, n int) bool {
	from := s.first
	if s.trailing {
		from -= 29
	}
	for _, d := range raceDays() {
		if d.offset >= from && d.offset <= s.last && d.touches(m) != d.touches(n) {
			return false
		}
	}
	return true
}
