package verify

import (
	"cmp"
	"context"
	"slices"
)

// groups are the events by user, each user's by time, ties in log order. tied are the rows of those at one time of one
// user that are not alike.
type groups struct {
	order []uint32 // places in columns
	start []uint32 // of user u: order[start[u]:start[u+1]]
	tied  []uint32 // rising
}

func (s *shard) grouped() *groups {
	g := &groups{order: make([]uint32, len(s.events)), start: make([]uint32, s.users.used+2)}
	for _, u := range s.columns.user {
		g.start[u+1]++
	}
	for u := 1; u < len(g.start); u++ {
		g.start[u] += g.start[u-1]
	}
	next := slices.Clone(g.start)
	for i, u := range s.columns.user {
		g.order[next[u]] = uint32(i)
		next[u]++
	}
	for u := 1; u < len(g.start)-1; u++ {
		own := g.order[g.start[u]:g.start[u+1]]
		slices.SortStableFunc(own, func(a, b uint32) int { return cmp.Compare(s.events[a].time, s.events[b].time) })
		g.tied = s.appendTied(g.tied, own)
	}
	slices.Sort(g.tied)
	g.tied = slices.Compact(g.tied)
	return g
}

func (s *shard) appendTied(tied, own []uint32) []uint32 {
	for i := 1; i < len(own); i++ {
		a, b := &s.events[own[i-1]], &s.events[own[i]]
		if a.time != b.time || a.full() == b.full() && a.level() == b.level() {
			continue
		}
		for j := i - 1; j >= 0 && s.events[own[j]].time == b.time; j-- {
			tied = s.appendRow(tied, own[j])
		}
		for ; i < len(own) && s.events[own[i]].time == a.time; i++ {
			tied = s.appendRow(tied, own[i])
		}
	}
	return tied
}

func (s *shard) appendRow(rows []uint32, at uint32) []uint32 {
	if s.events[at].cell&flagID == 0 {
		return rows
	}
	return append(rows, s.events[at].row)
}

// idTable has the event ids of some rows.
type idTable struct {
	rows  []uint32
	ends  []int
	bytes []byte
}

// readIDs reads the shard again for the ids that decide ties: they are not kept, as hardly any is ever needed.
func (s *shard) readIDs(ctx context.Context, rows []uint32) (*idTable, error) {
	t := &idTable{rows: rows}
	if len(rows) == 0 {
		return t, nil
	}
	row := uint64(0)
	err := s.source.Read(ctx, s.number, s.until, func(b *Batch) error {
		for i := range b.Rows {
			if at := len(t.ends); at < len(rows) && uint64(rows[at]) == row {
				t.bytes = append(t.bytes, b.Rows[i].ID...)
				t.ends = append(t.ends, len(t.bytes))
			}
			row++
		}
		return s.pace(ctx)
	})
	return t, err
}

func (t *idTable) of(e *event) []byte {
	at, ok := slices.BinarySearch(t.rows, e.row)
	if !ok {
		return nil
	}
	start := 0
	if at > 0 {
		start = t.ends[at-1]
	}
	return t.bytes[start:t.ends[at]]
}
