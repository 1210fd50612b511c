package query

import (
	"slices"
	"time"

	"rollcall"
	"rollcall/store"
)

// maxSteps bounds the steps that come one by one; those that are older are united.
const maxSteps = 200

// setSteps tells how the day came about: total is its total cell, end the instant at which it ends.
func (e *Explanation) setSteps(h *store.History, total store.Change, end int64, zone *time.Location) {
	if h.Begins != 0 {
		e.Begins = time.UnixMilli(h.Begins).In(zone)
	}
	before := total
	for i := range h.Changes {
		before = withoutHistory(before, &h.Changes[i])
	}
	if before != (store.Change{}) {
		e.Steps = append(e.Steps, stepOf(stepBefore, []store.Change{before}, zone))
	}
	n := 0
	for n < len(h.Changes) && h.Changes[n].Hour < end {
		n++
	}
	switch {
	case n > 0:
		e.Steps = append(e.Steps, stepOf(stepDay, h.Changes[:n], zone))
	case len(e.Steps) == 0 && len(h.Changes) > 0:
		n = 1
		e.Steps = append(e.Steps, stepOf(stepFirst, h.Changes[:n], zone))
	}
	e.setLater(h.Changes[n:], zone)
}

func (e *Explanation) setLater(later []store.Change, zone *time.Location) {
	e.Since = stepOf(stepLater, later, zone)
	if over := len(later) - maxSteps; over > 0 {
		e.Steps = append(e.Steps, stepOf(stepLater, later[:over+1], zone))
		later = later[over+1:]
	}
	for i := range later {
		e.Steps = append(e.Steps, stepOf(stepLater, later[i:i+1], zone))
	}
	e.Verdict = e.verdict()
}

func (e *Explanation) verdict() string {
	switch {
	case !slices.ContainsFunc(e.Steps, DayStep.counts):
		return verdictEmpty
	case !e.Over:
		return verdictOpen
	case e.Since.counts():
		return verdictChanged
	default:
		return verdictUnchanged
	}
}

// counts tells whether the step changed a figure, or moved something between cells.
func (s DayStep) counts() bool {
	return s.Events != 0 || s.Sessions != 0 || s.TakenBack != 0 || s.Bounces != 0 || s.Duration != 0 || s.NewUsers != 0 || s.ActiveUsers != 0
}

// stepOf sums changes of rising hours.
func stepOf(kind string, changes []store.Change, zone *time.Location) DayStep {
	s := DayStep{Kind: kind}
	var sum store.Change
	for i := range changes {
		c := &changes[i]
		sum.Counters.Add(&c.Counters)
		sum.Retracted, sum.Duplicates, sum.Late = sum.Retracted+c.Retracted, sum.Duplicates+c.Duplicates, sum.Late+c.Late
		if c.Commits == 0 {
			continue
		}
		s.Hours, s.Commits = s.Hours+1, s.Commits+c.Commits
		if s.From.IsZero() {
			s.From, s.FirstVersion = time.UnixMilli(c.First).In(zone), c.FirstVersion
		}
		s.To, s.LastVersion = time.UnixMilli(c.Last).In(zone), c.LastVersion
	}
	n := &sum.Counters
	s.Events, s.Sessions, s.TakenBack, s.Bounces = n[rollcall.Events], n[rollcall.Sessions], sum.Retracted, n[rollcall.Bounces]
	s.Duration, s.NewUsers, s.ActiveUsers = float64(n[rollcall.Duration])/1000, n[rollcall.NewUsers], n[rollcall.Active]+n[rollcall.Counted]
	s.Duplicates, s.Late = sum.Duplicates, sum.Late
	return s
}

// withoutHistory takes a change off what is not yet accounted for.
func withoutHistory(rest store.Change, c *store.Change) store.Change {
	for k := range rest.Counters {
		rest.Counters[k] -= c.Counters[k]
	}
	rest.Duplicates, rest.Late = rest.Duplicates-c.Duplicates, rest.Late-c.Late
	return rest
}
