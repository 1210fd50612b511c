// Package aggregate owns shards: it fetches their records from the log, decodes and folds them, and commits the deltas
// to the store. One goroutine folds each shard; one commits all of them together, so that one transaction carries what
// every shard folded since the last. Shards come and go while it runs, as its ownership says.
//
//	log ─Fetch→ fetcher (decode) ─→ worker (resolve values · prepare · load state · fold) ─Cut→ committer ─Commit→ store
//
//	a shard:   Take ─→ acquire · load · replay ─→ fold, commit … ─→ Release: last commit with a snapshot ─→ gone
//	                                                       └─────→ Lose, or fenced: gone as it is (and taken again if still owned)
//
// Invariants:
//
//   - what a commit carries is exactly the effect of the records between the stored offset and the new one;
//   - a worker goes on folding while a commit is under way; its next delta starts where the committed one ends, and is
//     committed after it;
//   - what is tried again is the same share, so that a commit that was applied although its answer was lost is recognised
//     by the store's position: the share's epoch and its end;
//   - a share that meets a fence is dropped with its shard, and the others are committed without it;
//   - when Release returns, another owner finds everything committed and needs to replay nothing; it gives up when its ctx ends;
//   - after a restart the state is that of the snapshot offset, and the records up to the committed offset are folded
//     again without being counted;
//   - the numbers of dimension values are read anew once a shard is acquired: its state may hold some of other processes;
//   - keys and sessions of a snapshot that is not yet committed are still found;
//   - readers are told of a commit (Deps.Announce) after it is in the store and before anyone who waits for it; the log
//     (Deps.Reporter) after both.
//
// The cap on the values of a dimension and day is kept by each process over what it has seen and what the store held when
// it looked: several that meet new values at the same time may admit more than the cap, each up to it.
//
// Failure: while the store is unreachable the committer retries with backoff and the workers stop at a bounded number of
// uncommitted events; the log absorbs. A shard that another process took is let go. Without an ownership a fenced commit
// stops Run, as damaged state and a corrupt log always do: nothing of the open delta is written.
package aggregate
