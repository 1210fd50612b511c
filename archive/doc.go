// Package archive keeps the events of the log as Parquet files by event day, for anybody's SQL. It follows each shard behind
// the committed offset of the store, and tells accepted events from the rest as the commits did (store.Drops): what lies under
// events is what the figures count, and a plain count over it gives them; duplicates and late events lie under dropped.
//
//	log ─Fetch→ gather ─→ judge (rows that the commits dropped) ─→ group by day ─→ file ─→ manifest ─→ the log may let go
//	 pass.go                                                         columns.go     manifest.go  archive.go (Holding)
//	files of a day ─→ staged ─→ manifest ─→ old ones away, new one in place ─→ manifest        merge.go, with expire
//	files ─→ cursors, a stretch of rows each ─→ merged by offset and row ─→ Reader ─→ Behind a log that was trimmed
//	                                     cursor.go, decode.go, merged.go, reader.go, behind.go
//
//	events/event_date=2026-11-01/SHARD-FROM-UNTIL.parquet    accepted events, in log order
//	dropped/event_date=2026-11-01/SHARD-FROM-UNTIL.parquet   the rest, with the reason
//	staged/shard-N, staged/shard-N-EPOCH                     what is being merged
//	manifest/shard-N.json                                    files, rows, times and hash sums of a shard, and how far it is
//
// Invariants:
//
//   - each row of a committed record is in exactly one file of the manifest, or will be; records from Next on are in the log still;
//   - the accepted rows and the sum of their hashes are those of the ledger (Prove), through any crash, merge and retention;
//   - under the name of a .parquet file there is a whole file, and no row is in two of them at any time: who lists the
//     directories sees at worst a part of the last pass, or a day without what is being merged at that moment;
//   - one process writes a shard: the owner of the log's directory or, with a log on servers, the owner of the shard. Two that
//     both believe they own it each make the same files of the same records, and each change of the manifest is one's only
//     (Fence): who takes a shard over raises its epoch, and from then on the other changes nothing (owner.go);
//   - with a log that can't be written anew, the owner of a shard erases users from its files before it does anything else there
//     (Erasing): then no file has a row of theirs from before, and the sums are those of the ledger without them;
//   - Reader gives the records that the log had, with the same offsets, times, rows and hashes, or an error that names the file.
//     It holds a bounded number of rows, and one open file, however many days lie beside each other in the log.
//
// What happens on failure:
//
//	crash while a pass is written    the manifest said before which records it takes: it is done again into the same files
//	crash while files are merged     before the manifest knows of it, it has not begun; after that it is finished
//	a place that is full or away     logged, tried again; the log keeps what is not archived
//	a log trimmed too far            eventlog.ErrTrimmed: somebody else has trimmed it; nothing is skipped silently
//	another zone, dimensions, key    New refuses the archive
//	a file lost, cut or changed      Reader names it: by its size, its number of rows, its checksums, or the row that is missing
//	files merged while they are read Reader goes on with those of the next manifest
//	an owner frozen, another writes  its next change of the manifest is refused, and it takes back what it wrote meanwhile. One that is killed
//	                                 between such a late write and that leaves a file that no manifest names: only who lists the bucket sees it
package archive
