// Package aggregate owns shards: it fetches their records from the log, decodes and folds them, and commits the deltas
// to the store. One goroutine folds each shard; one commits all of them together, so that one transaction carries what
// every shard folded since the last.
//
//	log ─Fetch→ fetcher (decode) ─→ worker (resolve values · prepare · load state · fold) ─Cut→ committer ─Commit→ store
//
// Invariants:
//
//   - what a commit carries is exactly the effect of the records between the stored offset and the new one;
//   - a worker goes on folding while a commit is under way; its next delta starts where the committed one ends, and is
//     committed after it;
//   - after a restart the state is that of the snapshot offset, and the records up to the committed offset are folded
//     again without being counted;
//   - keys and sessions of a snapshot that is not yet committed are still found;
//   - readers are told of a commit (Deps.Announce) after it is in the store and before anyone who waits for it.
//
// Failure: while the store is unreachable the committer retries with backoff and the workers stop at a bounded number of
// uncommitted events; the log absorbs. A fenced commit, damaged state and a corrupt log stop Run with the error: nothing
// of the open delta is written.
package aggregate
