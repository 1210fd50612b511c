// Package intake brings events into the log: Handler is the HTTP edge (POST /v1/events), Files reads files. Both limit,
// decode, group by shard, append, and acknowledge only what is durable. Quarantine takes what could not be accepted.
//
// Invariants:
//
//   - a reply 202, and a Summary, count as accepted only events whose Append returned nil;
//   - one request is one Append: after a crash all of its events are there or none is;
//   - a bad line never sinks a good one: it is reported, kept in quarantine byte for byte, and the rest goes on;
//   - events of a file reach each shard in the order of the file, and a mark moves with them, so that an interrupted
//     import goes on exactly behind the last durable event;
//   - nothing is allocated per event in the steady state, and the memory of a request or an import is bounded.
//
// What happens on failure:
//
//	the body is over a limit            413, nothing is appended
//	its encoding or framing is broken   400, nothing is appended
//	the rate is exceeded, the log full  429 with Retry-After
//	the log is down                     503 with Retry-After; the outcome is unknown, an event_id makes the retry safe
//	the quarantine can't be written     it is tried again; what can't be kept is counted and logged, never silent
package intake
