package main

import (
	"context"
	"time"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/eventlog"
)

func (n *node) newAggregator(ctx context.Context) (*aggregate.Aggregator, error) {
	c := &n.cfg
	var turn func(context.Context) func()
	var err error
	if n.turns, err = openTurns(c, n.logger); err != nil {
		return nil, err
	}
	if n.turns != nil {
		turn = n.turns.Take
	}
	var log interface {
		eventlog.Fetcher
		eventlog.Reporter
	} = n.log
	if n.embedded != nil {
		n.desk = &desk{logPart: n.log}
		log = n.desk
	}
	return aggregate.New(ctx, aggregateConfig(c, n.calendar), aggregate.Deps{Log: log, Shards: c.LogShards, Store: n.store, Logger: n.logger, Now: time.Now,
		Ownership: n.following(), Reporter: n.holding(log), Announce: n.cache.Announce, Turn: turn, Step: failpoint()})
}

// holding gives the reporter that keeps in the log what the archive lacks.
func (n *node) holding(log eventlog.Reporter) eventlog.Reporter {
	if n.archive == nil {
		return log
	}
	return n.archive.Holding(log)
}

// following gives the ownership that an archive of a log on servers goes by.
func (n *node) following() eventlog.Ownership {
	if n.archive == nil || n.ownership == nil {
		return n.ownership
	}
	return n.archive.Following(n.ownership)
}

// aggregateConfig gives what folding depends on.
func aggregateConfig(c *Config, calendar rollcall.Calendar) aggregate.Config {
	rules, _ := c.rules(calendar) // calendarOf has read them
	return aggregate.Config{
		Dimensions: c.Dimensions, Renamed: reversed(c.Renamed), Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: calendar, SessionGap: c.SessionGap,
		PassiveTypes: c.PassiveTypes, Earlier: rules, LateHorizon: c.LateHorizon, MinuteRetention: c.MinuteRetention, HourRetention: c.HourRetention,
		MaxValues: c.MaxDimensionValues, CommitInterval: c.CommitInterval, StateBytes: c.StateMemory,
	}
}

// reversed gives dimensions by the names they had before.
func reversed(renamed map[string]string) map[string]string {
	now := make(map[string]string, len(renamed))
	for name, was := range renamed {
		now[was] = name
	}
	return now
}

// calendarOf gives the days of the report time zone, in which all rules of before can be read.
func calendarOf(c *Config) (rollcall.Calendar, error) {
	location, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return rollcall.Calendar{}, err
	}
	calendar := rollcall.NewCalendar(location)
	_, err = c.rules(calendar)
	return calendar, err
}
