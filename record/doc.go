// Package record is the payload of a log record: a batch of events of one shard. It encodes at intake and decodes at the
// aggregator, and gives every event the shard it belongs to and the 128-bit hash that the ledger sums. It is pure.
//
// A batch keeps each distinct text and each distinct combination of dimension values once; an event refers to its
// combination by number. So the aggregator resolves dimensions once a combination and batch, not once an event.
//
// An event can be erased: it leaves a blank row, so that the others keep their numbers, by which offsets and drops name
// them. What only erased events had is gone from the bytes.
//
// Invariants:
//
//   - Decode of Encode gives the same events in the same order, whatever bytes they hold;
//   - the hash of an event depends on its content only, not on the batch, the shard, or the order in it;
//   - erasing changes no other event, nor its row or hash, and leaves no text behind that no other event has;
//   - Decode of any other bytes gives an error, never a panic; the log's checksum is what protects the content.
package record
