package main

import (
	"context"
	"time"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/block"
	"rollcall/store"
)

const (
	compactEvery = 2 * time.Second
	expireEvery  = time.Hour
	trimEvery    = time.Minute
)

// keepHouse compacts the store after commits, and lets go of what retention no longer keeps. A failure is logged and tried
// again: figures do not depend on it.
func (n *node) keepHouse(ctx context.Context) {
	tick := time.NewTicker(compactEvery)
	defer tick.Stop()
	commits, expired, trimmed := int64(0), time.Time{}, time.Time{}
	for {
		if now := time.Now(); now.Sub(trimmed) >= trimEvery {
			trimmed = now
			n.report(ctx, "trim the quarantine", n.trimmer.Trim(ctx, now))
		}
		if now := time.Now(); now.Sub(expired) >= expireEvery {
			expired = now
			n.report(ctx, "expire", n.expire(ctx, now))
			n.report(ctx, "forget who was erased", n.forgetErased(ctx))
			n.cache.Announce()
		}
		if s := n.aggregator.Status(); s.Commits != commits {
			commits = s.Commits
			_, err := n.store.Compact(ctx, false, aggregate.MergeState)
			n.report(ctx, "compact", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (n *node) expire(ctx context.Context, now time.Time) error {
	if n.embedded != nil {
		if _, err := n.embedded.Retain(now); err != nil {
			return err
		}
	}
	minutes := now.Add(-n.cfg.MinuteRetention).UnixMilli() / time.Minute.Milliseconds()
	if err := n.store.Expire(ctx, rollcall.Minute, block.Period(minutes-59)); err != nil { // the last hour that is wholly over
		return err
	}
	if err := n.store.ExpireHistory(ctx, now.AddDate(0, 0, -store.HistoryDays).UnixMilli()); err != nil {
		return err
	}
	if err := n.store.Expire(ctx, rollcall.Hour, block.Period(n.calendar.Date(now.Add(-n.cfg.HourRetention).UnixMilli()))); err != nil || n.cfg.DayRetention == 0 {
		return err
	}
	return n.store.Expire(ctx, rollcall.Day, block.Period(n.calendar.Date(now.Add(-n.cfg.DayRetention).UnixMilli())))
}

func (n *node) report(ctx context.Context, operation string, err error) {
	if err != nil && ctx.Err() == nil {
		n.logger.Error(operation, "error", err)
	}
}
