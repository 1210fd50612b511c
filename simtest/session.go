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

// runs cuts events where two neighbours in time are more than the gap apart.
func (o *Oracle) runs(facts []*fact) [][]*fact {
	slices.SortFunc(facts, func(a, b *fact) int { return cmp.Compare(a.time, b.time) })
	var runs [][]*fact
	for i, f := range facts {
		if i == 0 || f.time-facts[i-1].time > o.Gap.Milliseconds() {
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
		if !slices.Contains(o.Passive, f.kind) {
			interactive++
		}
	}
	s.bounce = interactive <= 1
	return s
}
