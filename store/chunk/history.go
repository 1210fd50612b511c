package chunk

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// History gives what a commit does to each day, by rising day; full is the full cuboid. Versions are for the adapter to
// set. It costs a pass over the day cells of the commit.
func History(c *store.Commit, full rollcall.Cuboid) []store.Change {
	calendar := c.Calendar
	if calendar == (rollcall.Calendar{}) {
		calendar = rollcall.NewCalendar(time.UTC)
	}
	hour, days := calendar.HourStart(c.At), map[rollcall.Date]*store.Change{}
	of := func(d rollcall.Date) *store.Change {
		if days[d] == nil {
			days[d] = &store.Change{Day: d, Hour: hour, Commits: 1, First: c.At, Last: c.At}
		}
		return days[d]
	}
	for i := range c.Shards {
		for _, b := range c.Shards[i].Cells {
			if b.Key.Grain == rollcall.Day && b.Len() > 0 {
				addCells(of(rollcall.Date(b.Key.Period)), b, full)
			}
		}
		for _, row := range c.Shards[i].Ledger {
			if row.Duplicates != 0 || row.Late != 0 {
				change := of(calendar.Date(row.Hour))
				change.Duplicates, change.Late = change.Duplicates+row.Duplicates, change.Late+row.Late
			}
		}
	}
	changes := make([]store.Change, 0, len(days))
	for change := range maps.Values(days) {
		changes = append(changes, *change)
	}
	slices.SortFunc(changes, func(a, b store.Change) int { return cmp.Compare(a.Day, b.Day) })
	return changes
}

func addCells(to *store.Change, b *block.Cells, full rollcall.Cuboid) {
	if b.Key.Cuboid == 0 {
		for k := range b.Counters {
			for _, n := range b.Counters[k] {
				to.Counters[k] += n
			}
		}
	}
	if b.Key.Cuboid == full {
		for _, n := range b.Counters[rollcall.Sessions] {
			to.Retracted -= min(n, 0)
		}
	}
}
