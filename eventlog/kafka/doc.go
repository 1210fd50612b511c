// Package kafka is the log over Apache Kafka: a topic whose partitions are the shards.
//
// Invariants:
//
//   - Append returns nil only when all in-sync replicas have every record of the call; a retry of the client's own never
//     doubles a record;
//   - Fetch gives exactly the committed records of a partition from the offset asked for, each with the same offset, time and
//     bytes at every reading, and steps over nothing but what Kafka holds no record for;
//   - an offset that the log does not hold (any more) is ErrTrimmed or ErrLost at once: never does Fetch wait for other
//     records to take its place;
//   - a topic with another number of partitions, or made anew under its name, ends all work with an error that says so;
//   - what waits in memory is bounded: AppendBytes to be written, FetchBytes that were read ahead, one poll to be written anew;
//   - a shard is released before the group gives it to another member, as long as this one answers within SessionTimeout
//     and lets go within RebalanceTimeout; who may write is not decided here but by the fence of the store;
//   - Rekey: each message of the source is in the topic once, to readers of committed records.
//
// The way:
//
//	Append ─→ producer, acks=all ─→ partition ─→ reader, one partition a request ─→ Fetch, Messages
//	(append.go)                                  (reader.go, readers.go)            (fetch.go)
//	Own ─→ member of a group that fetches nothing ─→ Owner        Report ─→ offsets of the group
//	(own.go)                                                      (report.go)
//
// What happens on failure:
//
//	no broker answers       Fetch waits and tries on, with a log line now and then; Append and Bounds give ErrUnavailable
//	                        after AppendTimeout; Own keeps its shards until the group has given them away
//	a leader moves          the same, for as long as it takes
//	login refused           an error at once, with what to do
//	records deleted         ErrTrimmed where the reader was overtaken
//	topic deleted, remade   ErrLost in all calls, within Refresh at the latest
//	partitions added        an error in all calls, within Refresh at the latest
//	a damaged batch         an error with shard and offset; it is not stepped over
//	fenced from the group   Owner.Lose, and the member joins again
package kafka
