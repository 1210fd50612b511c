package simtest

import (
	"slices"
	"time"

	"rollcall"
)

// Logged is an event as the log holds it.
type Logged struct {
	rollcall.Event
	Received int64 // Unix ms, when the log received it
}

// Clone copies every byte of an event.
func (l Logged) Clone() Logged { return Logged{l.Event.Clone(), l.Received} }

// Config is what the figures depend on besides the events.
type Config struct {
	Location   *time.Location
	Dimensions []string
	Gap        time.Duration   // session_gap
	Passive    []string        // passive_types
	Earlier    []rollcall.Rule // of the days before

	Shards      int           // for LateHorizon only
	LateHorizon time.Duration // 0: unlimited
	AnyAge      []int         // by shard: how many events from its beginning on are never late; nil for none

	MinuteRetention time.Duration // 0: unlimited
	HourRetention   time.Duration // 0: unlimited
}

// fact is an accepted event, its fields as texts.
type fact struct {
	user, id, session, kind string
	dims                    []string
	time, received          int64
	duration                int64
	record, bounce, newUser bool
	position                int   // in the log
	date                    int64 // civil date, days since 1970-01-01
}

func (c *Config) fact(l *Logged, position int) *fact {
	f := &fact{
		user: string(l.User), id: string(l.ID), session: string(l.Session), kind: string(l.Type),
		time: l.Time, received: l.Received, duration: l.Duration,
		record: l.Record, bounce: l.Bounce, newUser: l.NewUser,
		position: position, date: c.date(l.Time),
	}
	if f.kind == "" {
		f.kind = rollcall.DefaultType
	}
	for i := range c.Dimensions {
		f.dims = append(f.dims, valueText(string(l.Dims[i])))
	}
	return f
}

func valueText(v string) string {
	if v == "" {
		return rollcall.NotSet
	}
	return v
}

// within tells whether the event counts in the cells of a grain.
func (c *Config) within(f *fact, g rollcall.Grain) bool {
	retention := time.Duration(0)
	switch g {
	case rollcall.Minute:
		retention = c.MinuteRetention
	case rollcall.Hour:
		retention = c.HourRetention
	}
	return retention == 0 || f.received-f.time < retention.Milliseconds()
}

// before orders the events that compete for being the first.
func (f *fact) before(g *fact) bool {
	if f.time != g.time {
		return f.time < g.time
	}
	if f.id != g.id {
		return f.id < g.id
	}
	if d := slices.Compare(f.dims, g.dims); d != 0 {
		return d < 0
	}
	return f.position < g.position
}
