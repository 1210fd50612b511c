package store

import "rollcall"

// HistoryDays is how many days a Change is kept: so that a day can be held against the same one a year ago, and that one
// still be explained, with a month to spare.
const HistoryDays = 400

// Change is what the commits of one hour did to the figures of one day. The changes of a day add up to its total cell.
type Change struct {
	Day                       rollcall.Date
	Hour                      int64 // start of the hour bucket of the commits, in the report time zone: Unix ms
	Commits                   int64
	FirstVersion, LastVersion uint64
	First, Last               int64             // of the commits, Unix ms
	Counters                  rollcall.Counters // signed: what the total cell of the day gained
	// Retracted counts the sessions taken from a cell of the full cuboid: they moved to another cell or day, or became part
	// of another session. What one shard of one commit takes from a cell and gives back to it is not seen: a lower bound.
	Retracted int64
	// Duplicates and Late are dropped events, on the day that their hour of the ledger begins in.
	Duplicates, Late int64
}

// History is how the figures of a day came about.
type History struct {
	Begins  int64    // the oldest hour of which any change is kept, Unix ms; 0 for none
	Changes []Change // of the day, by rising hour
}
