package verify

import (
	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// Standing is how far the days of a store are verified.
type Standing struct {
	Through *rollcall.Date   // newest day up to which all closed days are verified as they are now, without a difference; nil for none
	Days    int              // closed days that have data
	Good    int              // of them, verified as they are now
	Bad     []store.Verified // days that differed and are as they were then, and store.WholeLog
	Pending []rollcall.Date  // closed days to verify, rising: new, or committed to since
	At      int64            // of the last verification, Unix ms; 0 for none
	Took    int64            // ms
}

// StandingOf compares what was verified with the store's head, of the days from oldest on. A day is closed once it is over.
func StandingOf(h *store.Head, kept []store.Verified, oldest, today rollcall.Date) (s Standing) {
	of := map[rollcall.Date]store.Verified{}
	for _, v := range kept {
		if v.At > s.At {
			s.At, s.Took = v.At, v.Took
		}
		if v.Build == h.Build {
			of[v.Day] = v
		}
	}
	whole := true
	if v, ok := of[store.WholeLog]; ok && v.Differences > 0 {
		s.Bad, whole = append(s.Bad, v), false
	}
	for _, stamp := range h.Stamps[store.DayClock] {
		d := rollcall.Date(stamp.Period)
		if d < oldest {
			continue
		}
		if d >= today {
			break
		}
		v, ok := of[d]
		s.Days++
		switch {
		case !ok || v.Version != stamp.Version:
			s.Pending, whole = append(s.Pending, d), false
		case v.Differences > 0:
			s.Bad, whole = append(s.Bad, v), false
		default:
			s.Good++
		}
		if whole {
			s.Through = &d
		}
	}
	return s
}

// Verified is what a report finds of the days it recounted, and of the whole log. Days that were committed to meanwhile are not in it.
func (r *Report) Verified(days []rollcall.Date, at, took int64) []store.Verified {
	found := func(d rollcall.Date, version uint64) store.Verified {
		return store.Verified{Day: d, Build: r.Build, Version: version, At: at, Took: took, Differences: r.daily[d]}
	}
	all := []store.Verified{found(store.WholeLog, r.Version)}
	for _, d := range days {
		if len(r.Days) > 0 && !r.movedSet[d] {
			all = append(all, found(d, r.head.Stamp(store.DayClock, block.Period(d))))
		}
	}
	return all
}
