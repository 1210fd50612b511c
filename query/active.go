package query

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// countActive sets active_users, wau and mau of every row, as far as they are asked for.
func (r *reader) countActive() error {
	p, t := r.plan, r.table
	active, trailing := p.asks("active_users"), p.asks("wau", "mau")
	if active {
		for i := range t.figures {
			f := &t.figures[i]
			f.active = f.Counters[rollcall.Counted]
			if p.counted {
				f.active += f.Counters[rollcall.Active]
			}
		}
	}
	active = active && !p.counted
	if t.len() == 0 || !active && !trailing {
		return nil
	}
	if trailing {
		if err := r.addTrailingCounted(); err != nil {
			return err
		}
	}
	return r.overShards(active, trailing)
}

// overShards counts the distinct users of all shards beside each other. Shards share no user, so the counts add up.
func (r *reader) overShards(active, trailing bool) error {
	var sum sync.Mutex
	g, ctx := errgroup.WithContext(r.ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for shard := range r.plan.head.Shards {
		g.Go(func() error {
			c := &counting{reader: r, ctx: ctx, shard: shard, rows: make([]counts, r.table.len())}
			if err := c.count(active, trailing); err != nil {
				return err
			}
			sum.Lock()
			defer sum.Unlock()
			for i, n := range c.rows {
				f := &r.table.figures[i]
				f.active, f.wau, f.mau = f.active+n.active, f.wau+n.wau, f.mau+n.mau
			}
			return nil
		})
	}
	return g.Wait()
}

// counting counts the distinct users of one shard in every row.
type counting struct {
	*reader
	ctx   context.Context
	shard int
	rows  []counts // by row of the table
}

type counts struct{ active, wau, mau int64 }

// users is the room for the dense ids of the shard.
func (c *counting) users() int { return int(c.plan.head.Shards[c.shard].Users) + 1 }

func (c *counting) count(active, trailing bool) error {
	few := c.table.groups.n <= c.plan.maxUnited
	byDay := active && few && c.plan.source == rollcall.Day
	if byDay || trailing && few {
		if err := c.unite(byDay, trailing); err != nil {
			return err
		}
		active, trailing = active && !byDay, false
	}
	if active {
		if err := c.streamActive(); err != nil {
			return err
		}
	}
	if trailing {
		return c.streamTrailing()
	}
	return nil
}

// rowIndex finds the row of a bucket and group: in a table of all pairs, or in a map when most pairs have no row.
type rowIndex struct {
	groups int
	at     []int32 // row+1, 0 for none
	sparse map[int]int32
}

// maxPairs bounds the table of a rowIndex, in entries of four bytes.
const maxPairs = 1 << 22

func newRowIndex(t *table) *rowIndex {
	x := &rowIndex{groups: t.groups.n}
	if pairs := len(t.buckets) * x.groups; pairs <= max(maxPairs, 4*t.len()) {
		x.at = make([]int32, pairs)
	} else {
		x.sparse = make(map[int]int32, t.len())
	}
	for b := range t.buckets {
		for n, g := range t.rows(b) {
			if pair, row := b*x.groups+int(g), int32(t.start[b]+n+1); x.at != nil {
				x.at[pair] = row
			} else {
				x.sparse[pair] = row
			}
		}
	}
	return x
}

// row gives the number of the row, -1 when there is none.
func (x *rowIndex) row(bucket, group int) int {
	if x.at == nil {
		return int(x.sparse[bucket*x.groups+group]) - 1
	}
	return int(x.at[bucket*x.groups+group]) - 1
}

// groupsOf gives for each cell of the sets its group+1, or 0 when it does not match or its group has no row.
func (r *reader) groupsOf(part *block.Part, cells []int32) []int32 {
	columns := r.plan.columnsOf(r.plan.full, part.Dims)
	pass := r.plan.selected(r.plan.full, part.Dims, part.Len())
	cells = cells[:0]
	for i := range part.Len() {
		cell := int32(0)
		if pass == nil || pass[i] {
			if g, ok := r.table.groups.find(columns, i); ok {
				cell = int32(g) + 1
			}
		}
		cells = append(cells, cell)
	}
	return cells
}

// dayStamps gives the stamps of the dates from first to last.
func (r *reader) dayStamps(first, last rollcall.Date) []store.Stamp {
	return r.stamps(rollcall.Day, block.Period(first), block.Period(last)+1)
}
