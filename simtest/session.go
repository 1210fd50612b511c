package simtest

import (
	"cmp"
	"slices"
)

type session struct {
	entry    *fact
	duration int64 // ms
	bounce   bool
}

// sessionize makes the sessions of all users, and one of each session record.
func (o *Oracle) sessionize(byUser map[string][]*fact) []session {
	var all []session
	for _, f := range o.facts {
		if f.record {
			all = append(all, session{f, f.duration, f.bounce})
		}
	}
	for _, facts := range byUser {
		named := map[string][]*fact{}
		var loose []*fact
		for _, f := range facts {
			switch {
			case f.record:
			case f.session != "":
				named[f.session] = append(named[f.session], f)
			default:
				loose = append(loose, f)
			}
		}
		for _, run := range named {
			all = append(all, o.session(run))
		}
		for _, run := range o.runs(loose) {
			all = append(all, o.session(run))
		}
	}
	return all
}

// runs cuts events where two neighbours in time are of two sessions.
func (o *Oracle) runs(facts []*fact) [][]*fact {
	slices.SortFunc(facts, func(a, b *fact) int { return cmp.Compare(a.time, b.time) })
	var runs [][]*fact
	for i, f := range facts {
		if i == 0 || o.part(facts[i-1], f) {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], f)
	}
	return runs
}

func (o *Oracle) session(facts []*fact) session {
	s := session{entry: earliest(facts)}
	interactive := 0
	for _, f := range facts {
		s.duration = max(s.duration, f.time-s.entry.time)
		if _, passive := o.rule(f); !slices.Contains(passive, f.kind) {
			interactive++
		}
	}
	s.bounce = interactive <= 1
	return s
}

// rule tells what a session of an event is made by: which rule that is, and what is passive under it.
func (c *Config) rule(f *fact) (number int, passive []string) {
	for i, r := range c.Earlier {
		if f.time < r.Until {
			return i, r.Passive
		}
	}
	return len(c.Earlier), c.Passive
}

// part tells whether two events, one after the other, are under two rules or too far from each other.
func (c *Config) part(f, g *fact) bool {
	before, _ := c.rule(f)
	now, _ := c.rule(g)
	gap := c.Gap
	if now < len(c.Earlier) {
		gap = c.Earlier[now].Gap
	}
	return before != now || g.time-f.time > gap.Milliseconds()
}
