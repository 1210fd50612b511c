// Package block holds the columnar blocks that fold emits, the store keeps and the query reads: Cells (counters of the
// cells of one grain, period and cuboid) and Sets (who was active, for the full cuboid of one period and shard).
// It is pure: no I/O, no clock.
//
//	rows in any order ── CellsBuilder, SetsBuilder ──► block ── Encode ──► blob ── DecodeCells ──► Cells
//	                                                                            └─ OpenSets ──► Packed ── Sets ──► Sets
//	                                     blocks of one key ── MergeCells, MergeSets ──► block
//
// Packed are user sets as they are stored: the users of a cell are decoded when they are asked for, and several blobs of one
// key stand for their union.
//
// Invariants:
//
//   - the rows of a block are sorted and unique by their key, so that equal content has equal bytes;
//   - Merge is commutative and associative, and Merge of a split gives the whole: cells add, masks are united;
//   - Decode of Encode gives the same block; Decode of any other bytes gives an error, never a panic and never a block
//     larger than the bytes can stand for: at most 64 rows for each byte.
//
// A blob that fails its checksum, or was made for another key, is reported as ErrCorrupt with the key; nothing is
// guessed.
package block
