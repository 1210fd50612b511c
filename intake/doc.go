// Package intake brings events into the log: Handler is the HTTP edge (POST /v1/events), Files reads files, and what other
// services write to topics comes in by messages. All limit, decode, group by shard, append, and acknowledge only what is
// durable. Quarantine takes what could not be accepted, Replay puts it in again, and Trimmer lets the oldest of it go.
//
//	messages ─→ Translator ─┬→ Foreign: a topic keyed by user is the log itself, no copy is made
//	(a Topic)   (Format:    ├→ Follower ─→ another log, with the position as its mark
//	             registry;  └→ Split, for a rekeying by Kafka's transactions
//	             unpack: a log of Rollcall's)
//	                Keyed tells which way is right
//
// Invariants:
//
//   - a reply 202, and a Summary, count as accepted only events whose Append returned nil;
//   - one request is one Append: after a crash all of its events are there or none is;
//   - a bad line never sinks a good one: it is reported, kept in quarantine byte for byte, and the rest goes on;
//   - events of a file reach each shard in the order of the file, and a mark moves with them, so that an interrupted
//     import goes on exactly behind the last durable event;
//   - each record of a message becomes one event or, byte for byte, one dead letter that is durable before the position
//     moves behind it; twice after a crash between the two. A value that is null is no record;
//   - what Foreign gives is a function of the messages: a replay gives the same events in the same order, each counting in
//     the same grains, however its fetches are cut. It gives no event of a message that is not keyed by its user, or that
//     lies where none of the partitioners does that put all others where they are;
//   - what a Follower brings is in the log once, whatever fails or is killed, as long as one runs at a time;
//   - what a Replay accepts is in the log before its letter goes, under an event id that is its producer's or a function of
//     the letter: cut off between the two and run again with the same settings, it counts once;
//   - nothing is allocated per event in the steady state, and the memory of a request or an import is bounded.
//
// What happens on failure:
//
//	the body is over a limit            413, nothing is appended
//	its encoding or framing is broken   400, nothing is appended
//	the rate is exceeded, the log full  429 with Retry-After
//	the log is down                     503 with Retry-After; the outcome is unknown, an event_id makes the retry safe
//	a topic or a log is away            a Follower tries again, with pauses up to 5 s; Foreign waits as its topic does
//	messages went before they were read a Follower counts and logs a gap, and goes on
//	a topic ends before its mark        a Follower ends with eventlog.ErrLost: it is another topic
//	a message is not keyed by its user  Foreign's Fetch gives what is before it, then *NotKeyedError for ever
//	a dead letter of a message can't be kept  its messages wait; of a request or a file:
//	the quarantine can't be written     it is tried again; what can't be kept is counted and logged, never silent
package intake
