// Package chunk is what the adapters of the store have in common: everything large is a chunk, an immutable blob filed
// under a key. A commit appends chunks, a view merges the chunks of a key as it reads them, and compaction replaces
// several chunks of a key by one of the same content. Where chunks lie, and in which transaction, is the adapter's.
//
//	store.Commit ── Encode, State ──► chunks ── an adapter's table ──► chunks ── Cells, Sets ──► blocks
//	                                     └──────────── Merge (compaction) ──┘
//
// Invariants:
//
//   - the chunks of a key listed by falling level, then rising number, are oldest first;
//   - the blocks that Cells and Sets give are those of the commits, whatever was merged and in whatever groups;
//   - Encode gives at most one chunk for a key, State keeps the order of what one commit adds to a key.
//
// A blob that fails its checksum gives block.ErrCorrupt with the key and number of the chunk. The package is pure.
package chunk
