package simtest_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
	"rollcall/store/sqlite"
)

// hourly is a store whose commits come a third of an hour apart, so that a day is counted over many hours.
type hourly struct {
	*sqlite.Store
	commits *atomic.Int64
}

func (h hourly) Commit(ctx context.Context, c *store.Commit) error {
	c.At = h.commits.Add(1) * 20 * 60_000
	return h.Store.Commit(ctx, c)
}

// checkHistory tells a day whose changes do not add up to its total cell and to its part of the ledger.
func (p *pipeline) checkHistory(ctx context.Context) error {
	v, err := p.store.View(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	want := map[rollcall.Date]*store.Change{}
	of := func(d rollcall.Date) *store.Change {
		if want[d] == nil {
			want[d] = &store.Change{}
		}
		return want[d]
	}
	total, err := v.Cells(ctx, rollcall.Day, 0, -1<<30, 1<<30)
	if err != nil {
		return err
	}
	for _, c := range total {
		for row := range c.Len() {
			for k := range c.Counters {
				of(rollcall.Date(c.Key.Period)).Counters[k] += c.Counters[k][row]
			}
		}
	}
	ledger, err := v.Ledger(ctx, -1<<60, 1<<60, false)
	if err != nil {
		return err
	}
	for _, r := range ledger {
		day := of(rollcall.NewCalendar(p.world.Config.Location).Date(r.Hour))
		day.Duplicates, day.Late = day.Duplicates+r.Duplicates, day.Late+r.Late
	}
	for day, sum := range want {
		if err := checkDay(ctx, v, day, sum); err != nil {
			return err
		}
	}
	return nil
}

func checkDay(ctx context.Context, v store.View, day rollcall.Date, want *store.Change) error {
	h, err := v.History(ctx, day)
	if err != nil {
		return err
	}
	var got store.Change
	version := uint64(0)
	for _, c := range h.Changes {
		got.Counters.Add(&c.Counters)
		got.Duplicates, got.Late = got.Duplicates+c.Duplicates, got.Late+c.Late
		if c.LastVersion < c.FirstVersion || c.Commits < 1 || c.Commits > 3 || c.Hour < h.Begins {
			return fmt.Errorf("history of %v: %+v", day, h.Changes)
		}
		version = max(version, c.LastVersion)
	}
	if newest := v.Head().Stamp(store.DayClock, block.Period(day)); newest > version {
		return fmt.Errorf("history of %v ends at version %d, the day is at %d", day, version, newest)
	}
	if got != *want {
		return fmt.Errorf("history of %v adds up to %+v, want %+v", day, got, *want)
	}
	return nil
}
