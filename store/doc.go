// Package store is the contract of the store: what one commit carries, what a reader sees, and which errors there are.
// Adapters are store/sqlite and store/mysql; storetest is the conformance suite that each of them passes.
//
// Invariants that every adapter keeps:
//
//   - a Commit is applied whole or not at all; it is applied only if, for each of its shards, the stored epoch equals
//     the commit's and the stored offset equals From (the fence); otherwise ErrFenced and nothing has changed;
//   - Acquire raises the epoch of a shard, so that any earlier owner is fenced from then on;
//   - a View is one consistent state: the effect of some prefix of the commits, and nothing of the others;
//   - the cells of a view are the sums, and the sets the unions, of all deltas committed, whatever compaction did;
//   - a period of each clock has the version of the last commit that touched it, given in that commit, so that within a
//     build equal versions mean equal content: cells and user sets, ledger rows, first events;
//   - the changes of a day add up to its total cell, as far back as they are kept; each is written in the transaction of the
//     commit that it tells of;
//   - a value's number never changes and is never given twice.
//
// When the disk or server fails, the call fails with the operation in the error and the transaction is gone; the caller
// may repeat it. A blob that fails its checksum gives block.ErrCorrupt with the key of the block.
package store
