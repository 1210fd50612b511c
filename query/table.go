package query

import (
	"slices"

	"rollcall"
)

// table holds the rows: buckets in rising order, and in each bucket the groups that have data in it.
type table struct {
	groups  *groups
	buckets []int64
	start   []int    // rows start[i] to start[i+1] are of buckets[i]
	group   []uint32 // by row
	figures []figures

	open int     // the bucket whose rows at finds; -1 for none
	at   []int32 // by group: its row+1 in the open bucket
}

func newTable(g *groups) *table { return &table{groups: g, start: []int{0}, open: -1} }

func (t *table) len() int { return len(t.group) }

// append opens a new bucket, greater than all there are, or the last one again.
func (t *table) append(bucket int64) {
	if n := len(t.buckets); n == 0 || t.buckets[n-1] != bucket {
		t.buckets = append(t.buckets, bucket)
		t.start = append(t.start, t.len())
	}
	t.enter(len(t.buckets) - 1)
}

// enter opens a bucket, by number.
func (t *table) enter(i int) {
	for len(t.at) < t.groups.n {
		t.at = append(t.at, 0)
	}
	if t.open == i {
		return
	}
	if t.open >= 0 {
		for _, g := range t.rows(t.open) {
			t.at[g] = 0
		}
	}
	t.open = i
	for n, g := range t.rows(i) {
		t.at[g] = int32(t.start[i] + n + 1)
	}
}

// rows gives the groups of a bucket's rows.
func (t *table) rows(i int) []uint32 { return t.group[t.start[i]:t.start[i+1]] }

// find opens a bucket by ordinal; false when it has no rows.
func (t *table) find(bucket int64) bool {
	i, ok := slices.BinarySearch(t.buckets, bucket)
	if ok {
		t.enter(i)
	}
	return ok
}

// row gives the figures of a group in the open bucket, nil when it has none.
func (t *table) row(group uint32) *figures {
	if r := t.at[group]; r > 0 {
		return &t.figures[r-1]
	}
	return nil
}

// add makes the row of a group in the open bucket, which must be the last.
func (t *table) add(group uint32) *figures {
	for len(t.at) <= int(group) {
		t.at = append(t.at, 0)
	}
	t.group = append(t.group, group)
	t.figures = append(t.figures, figures{})
	t.start[len(t.buckets)] = t.len()
	t.at[group] = int32(t.len())
	return &t.figures[t.len()-1]
}

// ensure gives the figures of a group in the open bucket, which must be the last.
func (t *table) ensure(group uint32) *figures {
	if int(group) < len(t.at) && t.at[group] > 0 {
		return &t.figures[t.at[group]-1]
	}
	return t.add(group)
}

// keep leaves only the rows that count something, and only the buckets that have rows.
func (t *table) keep() *table {
	empty := func(f figures) bool { return f.Counters[rollcall.Events] == 0 && f.Counters[rollcall.Sessions] == 0 }
	if !slices.ContainsFunc(t.figures, empty) {
		return t
	}
	kept := newTable(t.groups)
	for i, bucket := range t.buckets {
		for n, g := range t.rows(i) {
			if f := t.figures[t.start[i]+n]; !empty(f) {
				kept.append(bucket)
				*kept.add(g) = f
			}
		}
	}
	return kept
}

// present lists the groups that have rows, by rising number.
func (t *table) present() (present []uint32) {
	has := make([]bool, t.groups.n)
	for _, g := range t.group {
		has[g] = true
	}
	for g, ok := range has {
		if ok {
			present = append(present, uint32(g))
		}
	}
	return present
}

// take copies the figures of the rows that other has too, under the same numbers of groups.
func (t *table) take(other *table) {
	for i, bucket := range t.buckets {
		if !other.find(bucket) {
			continue
		}
		for n, g := range t.rows(i) {
			if f := other.row(g); f != nil {
				t.figures[t.start[i]+n] = *f
			}
		}
	}
}
