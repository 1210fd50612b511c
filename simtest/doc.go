// Package simtest is the independent check: an oracle that computes every figure from the plain list of events by
// sorting, grouping and counting, generators of events and queries that are likely to break something, and a driver
// that compares any implementation with the oracle. It knows the words of docs/words.md and docs/design/semantics.md
// and shares no code with fold, aggregate or query; buckets come from package time, not from rollcall.Calendar.
//
// Invariants:
//
//   - the oracle is a function of the events in log order and the configuration; it keeps nothing incrementally;
//   - where the order of arrival must not matter (no reused event ids, no horizon, no retention) it does not;
//   - Run fails when any answer differs in any cell, and says which query, which rows, what was expected and found.
//
// Where the contract leaves room, the oracle takes this reading:
//
//   - an empty dimension value compares as the text (not set) when ties are broken;
//   - of two events that tie in time, event id and dimensions, the one earlier in the log is the entry (it matters
//     only for the grains the session counts in);
//   - an event is late when its day is before the day that lies late_horizon before the newest event its shard has
//     seen, late events and duplicates among them; lateness is tested before duplication, and a late event's id is not
//     remembered;
//   - an event counts in the hour or minute when received − time < retention of the grain;
//   - wau and mau count whole days, even when the range begins or ends within one;
//   - rows that tie in the order asked for keep the default order; dimensions sort by the bytes of their values, in
//     the order of group_by.
//
// Unknown names in a query panic: the oracle is asked by tests only.
package simtest
