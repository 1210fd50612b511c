package query

import (
	"rollcall"
	"rollcall/block"
	"rollcall/cache"
	"rollcall/store"
)

// united tells who was active on a day in each group: of one shard, filter and list of groups.
type united struct {
	version uint64
	groups  []members
}

// unite counts from the daily unions of a few groups, which are kept for the next question.
func (c *counting) unite(active, trailing bool) error {
	from, until := c.plan.periods()
	first, last := rollcall.Date(from), rollcall.Date(until)-1
	if trailing {
		a, b := c.dates()
		if a -= monthDays - 1; active {
			first, last = min(first, a), max(last, b)
		} else {
			first, last = a, b
		}
	}
	days, err := c.unitedDays(c.dayStamps(first, last))
	if err != nil {
		return err
	}
	if active && c.plan.grain == rollcall.Day {
		c.addDays(days)
		active = false
	}
	if active || trailing {
		c.countWindows(days, active, trailing)
	}
	return c.ctx.Err()
}

// unitedDay is who was active on a date.
type unitedDay struct {
	date rollcall.Date
	*united
}

// addDays sets the active users of rows of one day each.
func (c *counting) addDays(days []unitedDay) {
	rows := newRowIndex(c.table)
	next := 0
	for _, d := range days {
		for next < len(c.table.buckets) && c.table.buckets[next] < int64(d.date) {
			next++
		}
		if next == len(c.table.buckets) || c.table.buckets[next] != int64(d.date) {
			continue
		}
		for g := range d.groups {
			if row := rows.row(next, g); row >= 0 {
				c.rows[row].active += d.groups[g].n
			}
		}
	}
}

// unitedDays gives the unions of the days, and makes those that are not kept.
func (c *counting) unitedDays(stamps []store.Stamp) ([]unitedDay, error) {
	days := make([]unitedDay, len(stamps))
	key := cache.Key{Kind: cache.KindUnion, Grain: rollcall.Day, Build: c.plan.head.Build, Identity: c.plan.head.Identity, Which: uint32(c.shard), Text: c.signature()}
	var missing []store.Stamp
	at := map[block.Period]int{}
	for i, s := range stamps {
		key.Period = s.Period
		days[i].date = rollcall.Date(s.Period)
		if kept, ok := c.memory.Get(key); ok {
			if u, ok := kept.(*united); ok && u.version == s.Version {
				days[i].united = u
				continue
			}
		}
		at[s.Period] = i
		missing = append(missing, s)
		days[i].united = &united{version: s.Version, groups: make([]members, c.table.groups.n)}
	}
	if len(missing) == 0 {
		return days, nil
	}
	m := c.newMarker()
	err := c.eachSets(c.ctx, rollcall.Day, c.shard, missing, false, func(sets *block.Packed) error {
		return m.unite(sets, days[at[sets.Key.Period]].groups)
	})
	if err != nil {
		return nil, err
	}
	for _, s := range missing {
		key.Period = s.Period
		u := days[at[s.Period]].united
		c.memory.Put(key, u, u.bytes())
	}
	return days, nil
}

func (u *united) bytes() (n int) {
	for g := range u.groups {
		n += u.groups[g].bytes()
	}
	return n + 48
}

// marker unites the cells of a day by group.
type marker struct {
	*counting
	sets  [][]uint64 // by group
	n     []int64
	cells []int32
}

func (c *counting) newMarker() *marker {
	m := &marker{counting: c, sets: make([][]uint64, c.table.groups.n), n: make([]int64, c.table.groups.n)}
	for g := range m.sets {
		m.sets[g] = make([]uint64, c.users()/64+1)
	}
	return m
}

func (m *marker) unite(sets *block.Packed, groups []members) error {
	clear(m.n)
	for i := range sets.Parts {
		part := &sets.Parts[i]
		m.cells = m.groupsOf(part, m.cells)
		for cell, g := range m.cells {
			if g == 0 {
				continue
			}
			fresh, ok := part.Mark(cell, m.sets[g-1])
			if !ok {
				return sets.Corrupt()
			}
			m.n[g-1] += int64(fresh)
		}
	}
	for g := range groups {
		groups[g] = membersOf(m.sets[g], m.n[g])
		if m.n[g] > 0 {
			clear(m.sets[g])
		}
	}
	return nil
}

// signature tells filter and groups, in words that mean the same whatever values come.
func (r *reader) signature() string { return r.plan.filterTexts() + "|" + r.table.groups.signature() }
