// Package cache keeps what the store has at hand: blocks in memory first, in a second level shared by processes next, and
// it knows the versions that tell whether they still hold.
//
//	commit ──Announce──► Heads ──version──► View ── memory ─miss→ Level (Redis) ─miss→ store
//	           or polling                                ◄──────────── written back ────────┘
//
// The first events of a dictionary's parts are kept in the same way, in memory only: they are read out of the state by a
// function of whoever knows its format.
//
// A block is kept under its key and the version of the last commit that touched its period. The version comes from the
// transaction of that commit, so a block that has been superseded is under a key that nobody asks for any more: it can't
// be served, it can only take room until it is deleted.
//
// Invariants:
//
//   - all that a View gives is of one state of the store: that of its head. When the store has gone on and a block of
//     that state can no longer be had, the read ends with ErrMoved, and Read asks again with the newer state;
//   - no view is older than Config.Poll, unless the store can't be reached, and then it says so;
//   - after Announce returns, every view opened in the process holds the commit announced;
//   - a block missing in memory is fetched by one goroutine, whoever else waits for it; when that one gives up, by the next;
//   - nobody who holds a view of the store waits for one who waits for a view: Config.Readers have the right to open one
//     before they say what they fetch;
//   - a blob of the second level is taken only when its checksum, made with its key, holds: one that is damaged, cut off or
//     of another block, version or store is a miss;
//   - memory stays within its budget, give or take what readers hold in their hands.
//
// When the store can't be reached, views go on with the last head known, and reads of what is kept; a read of anything else
// fails with the store's error. A store that is down is asked once in Poll, and at each announcement. When the second level is slow or gone, reads go on to the store.
package cache
