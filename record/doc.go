// Package record is the payload of a log record: a batch of events of one shard. It encodes at intake and decodes at the
// aggregator, and gives every event the shard it belongs to and the 128-bit hash that the ledger sums. It is pure.
//
// A batch keeps each distinct text and each distinct combination of dimension values once; an event refers to its
// combination by number. So the aggregator resolves dimensions once a combination and batch, not once an event.
//
// Invariants:
//
//   - Decode of Encode gives the same events in the same order, whatever bytes they hold;
//   - the hash of an event depends on its content only, not on the batch, the shard, or the order in it;
//   - Decode of any other bytes gives an error, never a panic; the log's checksum is what protects the content.
package record
