// Package rollcall is the vocabulary of the program: events, time buckets, dimensions, cuboids, counters, offsets.
// It imports the standard library only, does no I/O, and holds no state; every other package speaks its words.
//
// The words are defined in docs/words.md. The invariants that these types carry:
//
//   - times are Unix milliseconds (int64), durations milliseconds, days are ordinals of the civil date in the report
//     time zone, and no other unit appears in an exported field;
//   - a Calendar maps an instant to exactly one minute, hour and day bucket, daylight saving included;
//   - Counters form a commutative group under Add, so that any order and any batching of deltas gives the same sums.
package rollcall
