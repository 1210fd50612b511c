package query

import (
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
	everybody := newTable(&p.plan)
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
	if err := c.plan.check(c.plan.full, f.Dims); err != nil {
		return err
	}
	pass := c.plan.selected(c.plan.full, f.Dims, f.Len())
	var zone rollcall.Zone
	for i, ms := range f.Time {
		if pass != nil && !pass[i] {
			continue
		}
		if !zone.Holds(ms) {
			if zone = c.zoneOf(ms); !zone.Holds(ms) {
				continue
			}
		}
		date, _ := zone.Date(ms)
		cohort := (int(date) - int(c.ask.first)) / int(c.ask.unit)
		if date < c.ask.first || cohort >= c.ask.cohorts {
			continue
		}
		user := int(f.User[i])
		if user >= len(c.cohortOf) {
			return fmt.Errorf("user %d of %d", user, len(c.cohortOf)-1)
		}
		c.cohortOf[user] = uint16(cohort)
		c.someone[user/64] |= 1 << (user % 64)
		c.counts.users[cohort]++
	}
	return c.ctx.Err()
}

// zones covers the instants of all cohorts, and some more.
func (p *retentionPlan) zones() (zones []rollcall.Zone) {
	const margin = 24 * hourMS // no zone is further from UTC
	until := p.date(p.cohorts).UTC().UnixMilli() + margin
	for ms := p.first.UTC().UnixMilli() - margin; ms < until; ms = zones[len(zones)-1].Until {
		zones = append(zones, p.cal.Zone(ms))
	}
	return zones
}

// zoneOf does not hold an instant that is in no cohort.
func (c *retaining) zoneOf(ms int64) rollcall.Zone {
	i, _ := slices.BinarySearchFunc(c.zones, ms, func(z rollcall.Zone, ms int64) int {
		if z.Until <= ms {
			return -1
		}
		return 1
	})
	return c.zones[min(i, len(c.zones)-1)]
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
