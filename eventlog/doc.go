// Package eventlog is the log: the durable, partitioned, replayable sequence of accepted events. It holds the contract
// and the embedded log; eventlog/kafka and eventlog/redisstream are adapters of the same contract, and
// eventlog/logtest is the conformance suite that each of them passes. The payload of a record is opaque here; package
// record gives it meaning.
//
// Invariants:
//
//   - Append returns nil only when every record of the call is durable; after a crash at any moment, every record whose
//     Append returned nil is read back, byte for byte, at the same offset;
//   - the records of one Append are all there after a crash, or none of them is (over Kafka some may be, when Append failed);
//   - the records of a shard have strictly rising offsets, and Fetch returns them in that order without a gap;
//   - a damaged record is never returned and never skipped: see CorruptError;
//   - Erase changes the payloads that it was told to, and nothing else; when it has returned, no file holds the old ones.
//
// The embedded log, Log, is one sequence of frames in segment files for all shards; docs/design/log.md says why.
//
//	 Append ─→ gather ─→ frame ─→ write, sync ─→ acknowledge
//	(append.go) (gather.go)      (flush.go) └──→ chunk in memory ─→ Fetch (fetch.go)
//	                              roll.go            ↑ chunk.go, segment.go: read again and checked
//	                              retain.go          └── segment files ←─ recover.go, verify.go
//	                                                          ↑ erase.go, rewrite.go, edition.go: written anew
//
// What happens on failure:
//
//	crash, power loss       the unfinished last frame is cut off on Open; nobody was told that it is durable
//	damaged durable bytes   *CorruptError from Open, Fetch or Verify, with file and byte; nothing is skipped
//	disk or MaxBytes full   the write is undone, its Appends get ErrFull, later ones work when there is room
//	failed write or sync    its Appends and all later ones get ErrUnavailable until Open; Fetch goes on
//	a second process        ErrLocked with the id of the first
//	retention can't delete  logged; the segment stays and is tried again
//	crash while erasing     each segment is the old or the new one, whole; Erase is called again
package eventlog
