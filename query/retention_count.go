package query

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/block"
	"rollcall/cache"
)

// run counts the shards beside each other. Shards share no user, so the counts add up.
func (p *retentionPlan) run(ctx context.Context, view *cache.View, memory *cache.Memory) (*Retention, error) {
	everybody := newTable(newGroups(&p.plan))
	everybody.groups.add(nil, 0)
	r := &reader{ctx: ctx, view: view, memory: memory, plan: &p.plan, table: everybody}
	zones := p.zones()
	sum := newCohortCounts(p)
	var adding sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for shard := range p.head.Shards {
		g.Go(func() error {
			c := &counting{reader: r, ctx: ctx, shard: shard}
			one := &retaining{counting: c, ask: p, zones: zones, counts: newCohortCounts(p)}
			if err := one.count(); err != nil {
				return err
			}
			adding.Lock()
			defer adding.Unlock()
			sum.add(&one.counts)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return p.result(&sum), nil
}

// cohortCounts is the users of each cohort, and of them those active in each period: active[cohort×length + period].
type cohortCounts struct{ users, active []int64 }

func newCohortCounts(p *retentionPlan) cohortCounts {
	return cohortCounts{make([]int64, p.cohorts), make([]int64, p.cohorts*p.length)}
}

func (n *cohortCounts) add(m *cohortCounts) {
	for i, v := range m.users {
		n.users[i] += v
	}
	for i, v := range m.active {
		n.active[i] += v
	}
}

// retaining counts one shard. It holds two bytes and two bits for each user of the shard, and the unions of so many days
// at a time.
type retaining struct {
	*counting
	ask      *retentionPlan
	counts   cohortCounts
	zones    []rollcall.Zone
	cohortOf []uint16 // by user, of those in some cohort
	someone  []uint64 // a bit for each of them
	united   []uint64
}

// daysAtOnce is how many days' unions are held at once: whole weeks, so that none is cut.
const daysAtOnce = 63

// count takes the members of the cohorts from the first events of all users, and looks at each day once. Cost: some ns for
// each user of the shard, and for each member and day he is active on.
func (c *retaining) count() error {
	c.cohortOf = make([]uint16, c.users())
	c.someone, c.united = make([]uint64, c.users()/64+1), make([]uint64, c.users()/64+1)
	firsts, err := c.view.Firsts(c.ctx, c.shard)
	if err != nil {
		return err
	}
	for _, f := range firsts {
		if err := c.join(f); err != nil {
			return fmt.Errorf("first events of shard %d: %w", c.shard, err)
		}
	}
	last := c.ask.date(c.ask.units()) - 1
	for from := c.ask.first; from <= last; from += daysAtOnce {
		days, err := c.unitedDays(c.dayStamps(from, min(from+daysAtOnce-1, last)))
		if err != nil {
			return err
		}
		if err := c.countUnits(days); err != nil {
			return err
		}
	}
	return nil
}

// join puts the users whose first event passes the filter into their cohorts.
func (c *retaining) join(f *block.Firsts) error {
	low, high := c.zones[0].From, c.zones[len(c.zones)-1].Until
	first, unit, end := int(c.ask.first), int(c.ask.unit), int(c.ask.date(c.ask.cohorts))
	var zone rollcall.Zone
	for i, ms := range f.Time {
		if ms < low || ms >= high {
			continue
		}
		if !zone.Holds(ms) {
			zone = c.zoneOf(ms)
		}
		date, _ := zone.Date(ms)
		if int(date) < first || int(date) >= end {
			continue
		}
		pass, err := c.passes(f, i)
		if err != nil {
			return err
		}
		if pass {
			if err := c.enter(f.User[i], (int(date)-first)/unit); err != nil {
				return err
			}
		}
	}
	return c.ctx.Err()
}

// passes tells whether a first event matches the filters.
func (c *retaining) passes(f *block.Firsts, i int) (bool, error) {
	for _, filter := range c.plan.filters {
		v := f.Dims[place(c.plan.full, filter.dim)][i]
		if int(v) >= len(filter.matches) {
			return false, c.plan.nameless(filter.dim, v)
		}
		if !filter.matches[v] {
			return false, nil
		}
	}
	return true, nil
}

func (c *retaining) enter(user uint32, cohort int) error {
	if int(user) >= len(c.cohortOf) {
		return fmt.Errorf("user %d of %d", user, len(c.cohortOf)-1)
	}
	c.cohortOf[user] = uint16(cohort)
	c.someone[user/64] |= 1 << (user % 64)
	c.counts.users[cohort]++
	return nil
}

// zones covers the instants of all cohorts without a gap, and some more: no zone is further than a day from UTC.
func (p *retentionPlan) zones() []rollcall.Zone {
	const margin = 24 * hourMS
	ms, until := p.first.UTC().UnixMilli()-margin, p.date(p.cohorts).UTC().UnixMilli()+margin
	zones := []rollcall.Zone{p.cal.Zone(ms)}
	for last := zones[0]; last.Until < until; zones = append(zones, last) {
		last = p.cal.Zone(last.Until)
	}
	zones[0].From = max(zones[0].From, ms)
	zones[len(zones)-1].Until = min(zones[len(zones)-1].Until, until)
	return zones
}

// zoneOf gives the zone that holds an instant which one of them holds.
func (c *retaining) zoneOf(ms int64) rollcall.Zone {
	i, found := slices.BinarySearchFunc(c.zones, ms, func(z rollcall.Zone, ms int64) int { return cmp.Compare(z.From, ms) })
	if !found {
		i--
	}
	return c.zones[i]
}

// countUnits counts the days, which are those of whole units.
func (c *retaining) countUnits(days []unitedDay) error {
	for len(days) > 0 {
		unit := (days[0].date - c.ask.first) / c.ask.unit
		n := 1
		for n < len(days) && (days[n].date-c.ask.first)/c.ask.unit == unit {
			n++
		}
		c.countUnit(int(unit), c.together(days[:n]))
		days = days[n:]
		if err := c.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// together gives the users of some days, valid until the next call.
func (c *retaining) together(days []unitedDay) []uint64 {
	if one := &days[0].groups[0]; len(days) == 1 && one.bits != nil {
		return one.bits
	}
	clear(c.united)
	for _, d := range days {
		d.groups[0].join(c.united)
	}
	return c.united
}

func (c *retaining) countUnit(unit int, active []uint64) {
	for i, w := range active[:min(len(active), len(c.someone))] {
		for w &= c.someone[i]; w != 0; w &= w - 1 {
			cohort := int(c.cohortOf[i*64+bits.TrailingZeros64(w)])
			if period := unit - cohort; period >= 0 && period < c.ask.length {
				c.counts.active[cohort*c.ask.length+period]++
			}
		}
	}
}
