// Package archive keeps the events of the log as Parquet files by event day, for anybody's SQL. It follows each shard behind
// the committed offset of the store, and tells accepted events from the rest as the commits did (store.Drops): what lies under
// events is what the figures count, and a plain count over it gives them; duplicates and late events lie under dropped.
//
//	log ─Fetch→ gather ─→ judge (rows that the commits dropped) ─→ group by day ─→ file ─→ manifest ─→ the log may let go
//	 pass.go                                                         columns.go     manifest.go  archive.go (Holding)
//	files of a day ─→ staged ─→ manifest ─→ old ones away, new one in place ─→ manifest        merge.go, with expire
//
//	events/event_date=2026-11-01/SHARD-FROM-UNTIL.parquet    accepted events, in log order
//	dropped/event_date=2026-11-01/SHARD-FROM-UNTIL.parquet   the rest, with the reason
//	staged/shard-N                                           what is being merged
//	manifest/shard-N.json                                    files, rows, times and hash sums of a shard, and how far it is
//
// Invariants:
//
//   - each row of a committed record is in exactly one file of the manifest, or will be; records from Next on are in the log still;
//   - the accepted rows and the sum of their hashes are those of the ledger (Prove), through any crash, merge and retention;
//   - under the name of a .parquet file there is a whole file, and no row is in two of them at any time: who lists the
//     directories sees at worst a part of the last pass, or a day without what is being merged at that moment;
//   - one process writes a shard: the owner of the log's directory.
//
// What happens on failure:
//
//	crash while a pass is written    the manifest said before which records it takes: it is done again into the same files
//	crash while files are merged     before the manifest knows of it, it has not begun; after that it is finished
//	a place that is full or away     logged, tried again; the log keeps what is not archived
//	a log trimmed too far            eventlog.ErrTrimmed: somebody else has trimmed it; nothing is skipped silently
//	another zone, dimensions, key    New refuses the archive
package archive
