// Package redissource reads events that other services write to Redis: Stream, a Redis Stream as an intake.Topic of one
// partition, and PubSub, a connector that listens to channels and appends to a log.
//
// Invariants:
//
//   - the entries of a stream come in the order of their ids, each once, from any position on; positions are ids as
//     numbers, ms<<21 | seq;
//   - so an intake.Follower brings each entry that is not deleted before it was read into the log exactly once;
//   - a message of Pub/Sub comes into the log once or not at all: Redis keeps none for a listener that is away. What is
//     known to be missed is counted: the times and the length of absences, messages that found the queue full or could
//     not be appended, and, where messages are numbered, the numbers that never came;
//   - what waits to be appended is bounded, in bytes;
//   - no message or error repeats a password.
//
// What happens on failure:
//
//	Redis is away          it is tried again, with pauses up to 2 s; a stream is read on, what was published is gone and an absence is counted
//	the log is away        a stream waits; of Pub/Sub up to QueueBytes wait, and what comes then is dropped and counted
//	an append of unknown outcome  the log's mark tells whether it is there; in a log without marks it is not repeated
//	an entry was deleted before the one behind it was read   what was deleted with it can't be known: a gap is counted
package redissource
