// Package fold turns a shard's sequence of events into signed deltas: counters of cells, user sets, dictionary entries,
// ledger rows. It is pure: no I/O, no clock, no randomness, no goroutine; what it needs from the store it asks for by
// returning a Need, and its caller loads it.
//
// A Shard is the state of one shard. The way of an event through it:
//
//	Prepare   user → dense id, event id → hash; which ids may have been seen in what was written out
//	Fold      late? · duplicate? · presence (new in the day, hour, minute?) · session · new user · ledger
//	Cut       the deltas since the last Cut, as columnar blocks sorted by key
//	Snapshot  the sessions and ids that changed since the last Snapshot
//	Evict     parts of state that are in the store are let go; Fold asks for them again on demand
//
// Invariants:
//
//   - the state is a function of the event sequence alone: any split into batches, any Cut, Snapshot or Evict between
//     them, any reload of what was written out gives the same figures;
//   - the sum of all deltas is the figure of the de-duplicated events, whatever their order (but for duplicates that
//     differ in content, where the first in log order wins, and the cap, where the first values win);
//   - user sets and first events are united idempotently, so that state of these kinds may be ahead of the snapshot
//     offset: replaying the log from the snapshot to the committed offset leaves them as they are;
//   - Fold has counted nothing of a row for which it returns a Need, and folds that row after loading.
//
// Failure: a chunk of state that does not decode is an error of Load; the caller stops the shard. Nothing is guessed.
package fold
