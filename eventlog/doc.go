// Package eventlog is the log: the durable, partitioned, replayable sequence of accepted events. It holds the contract
// and the embedded log; eventlog/kafka and eventlog/redisstream are adapters of the same contract, and
// eventlog/logtest is the conformance suite that each of them passes. The payload of a record is opaque here; package
// record gives it meaning.
//
// Invariants:
//
//   - Append returns nil only when every record of the call is durable; after a crash at any moment, every record whose
//     Append returned nil is read back, byte for byte, at the same offset;
//   - the records of one Append are all there after a crash, or none of them is;
//   - the records of a shard have strictly rising offsets, and Fetch returns them in that order without a gap;
//   - a damaged record is never returned and never skipped: see CorruptError.
package eventlog
