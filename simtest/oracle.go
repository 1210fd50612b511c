package simtest

import (
	"slices"

	"rollcall"
	"rollcall/record"
)

// Oracle holds what the events of a log come to.
type Oracle struct {
	Config
	Duplicates int // events dropped because their id was seen before
	Late       int // events dropped because they lie beyond the late horizon

	facts    []*fact
	sessions []session
	firsts   []*fact           // the earliest event of each user
	byDate   map[int64][]*fact // facts by civil date
}

// NewOracle reads events in log order. It keeps nothing of them.
func NewOracle(c Config, events []Logged) *Oracle {
	o := &Oracle{Config: c, byDate: map[int64][]*fact{}}
	o.accept(events)
	byUser := map[string][]*fact{}
	for _, f := range o.facts {
		o.byDate[f.date] = append(o.byDate[f.date], f)
		if f.user != "" {
			byUser[f.user] = append(byUser[f.user], f)
		}
	}
	for _, facts := range byUser {
		o.firsts = append(o.firsts, earliest(facts))
	}
	o.sessions = o.sessionize(byUser)
	return o
}

// Accepted is the number of events that count.
func (o *Oracle) Accepted() int { return len(o.facts) }

// Users is the number of distinct users.
func (o *Oracle) Users() int { return len(o.firsts) }

// Whole tells whether every accepted event counts in a grain.
func (o *Oracle) Whole(g rollcall.Grain) bool {
	return !slices.ContainsFunc(o.facts, func(f *fact) bool { return !o.within(f, g) })
}

func (o *Oracle) accept(events []Logged) {
	type identity struct{ user, id string }
	seen := map[identity]bool{}
	newest, read := map[int]int64{}, map[int]int{} // by shard
	for i := range events {
		f := o.fact(&events[i], i)
		if o.late(f, newest, read) {
			o.Late++
			continue
		}
		key := identity{f.user, f.id}
		if f.id != "" && seen[key] {
			o.Duplicates++
			continue
		}
		seen[key] = true
		o.facts = append(o.facts, f)
	}
}

func (o *Oracle) late(f *fact, newest map[int]int64, read map[int]int) bool {
	if o.LateHorizon == 0 {
		return false
	}
	shard := record.ShardOf([]byte(f.user), max(o.Shards, 1))
	if t, ok := newest[shard]; !ok || f.time > t {
		newest[shard] = f.time
	}
	if read[shard]++; len(o.AnyAge) > 0 && read[shard] <= o.AnyAge[shard] {
		return false
	}
	return f.date < o.date(newest[shard]-o.LateHorizon.Milliseconds())
}

func earliest(facts []*fact) *fact {
	first := facts[0]
	for _, f := range facts {
		if f.before(first) {
			first = f
		}
	}
	return first
}
