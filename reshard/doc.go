// Package reshard copies an embedded log into one of another number of shards, for a build that takes the place of the active one.
//
//	log of n shards ─→ records by time of receipt, up to one instant ─→ rows by the shard of their user ─→ log of m shards
//	(goes on taking events)                                            (Copy.Bounds copies what has come)
//
// Who asks a Copy where it ends has it copy first. So a rebuild that folds to the end of a Copy has folded everything that was in the
// log when it asked, and nothing else has to bring the two level.
//
// Invariants:
//
//   - the copy holds each event of the log once, byte for byte, with its time of receipt;
//   - the events of a user keep their order;
//   - a row that was erased stays behind: it counts nowhere, and the offsets of the copy are its own;
//   - once Settle has returned, the copy is durable, holds all of a log that nobody writes any more, and has its marks.
//
// What happens on failure:
//
//	the process ends                the copy is worth nothing: nobody was told that any of it is durable. The next one begins anew
//	the log's beginning is trimmed  eventlog.ErrTrimmed; nothing is copied
//	a record is no batch            record.ErrMalformed with shard and offset; the copy ends
//	the disk is full                eventlog.ErrFull; the copy ends
package reshard
