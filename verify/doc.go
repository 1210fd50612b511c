// Package verify proves the stored figures: it reads the events again, counts them in the plainest way that is fast enough,
// and compares. It knows what the words mean (docs/words.md, docs/design/semantics.md) and shares no code with fold; a test of the
// house sees to that.
//
// Two things are compared, all of one view of the store:
//
//   - the ledger: per shard and UTC hour, how many events are accepted, the sum of their hashes, duplicates and late ones;
//     a lost, doubled or changed event shows there, whatever its day;
//   - the figures of chosen days: every counter of every cell of every cuboid, in each grain, and every user set, member by
//     member.
//
// The way of the data: Source gives the batches of a shard in log order → shard drops late events and duplicates, sums the ledger,
// and keeps the rest in columns → recount groups them by user, and each user's by time → tally counts → compare meets the
// view's blocks. Shards are counted two at a time, a shard too large for memory in several passes, a part of its users each.
//
// Background does this for closed days, slowly, beside a process's other work, and keeps in the store what it found; Standing
// tells from that how far all is proven. RunTable compares with a table of raw events that SQL counts, instead of the log.
//
// Invariants:
//
//   - what is compared is a function of the log below the offsets of the view, of the settings, and of facts of the store that the
//     log does not tell: the numbers of dimension values, which values were beyond the cap on a day, which rows were late (believed only
//     where it can be), which retention was in force where, and when the store was read;
//   - users are numbered in the order of their first event that is not late, as the store's dictionary does;
//   - what can't be verified is said in the Report, never passed over.
//
// When reading fails, Run returns the error with the shard and offset. When the log's beginning is gone, nothing of that shard can
// be proven, and no day; when its end is, the ledger names the hours whose events are missing.
package verify
