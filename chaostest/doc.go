// Package chaostest proves that figures stay exact while everything around them fails: real Kafka, MariaDB and Redis, the
// real binary as roles, and between every process and every server a proxy of its own that can delay, cut or swallow
// what passes.
//
//	 Traffic ─→ Producer ══HTTP══ intake ─┐                        ┌─ query ══HTTP══ Compare ←─ simtest.Oracle
//	(traffic.go)(producer.go)             Link ── Kafka, MariaDB, Redis ── Link           (compare.go) │
//	     └───────→ Ledger (ledger.go)     └─ aggregate, aggregate, aggregate ─┘                         │
//	                 └──────────────────────── what was acknowledged ──────────────────────────────────┘
//
// Lanes of faults (schedule.go) run beside each other: one does things to processes, one to servers, one to the network.
// The order of the faults in a lane follows from the seed alone; the moments at which they strike do not.
//
// Invariants:
//
//   - every event has an id and is sent, byte for byte the same, until it is acknowledged: so exactly the events of the
//     Ledger are in the log, some of them several times;
//   - the events of a user come from one producer, which waits for each body: so the first of two events of one id is
//     known, and the oracle's answer is the only right one;
//   - an event carries, as a dimension, the phase it was first sent in, and a phase has one set of faults in force: so what
//     is lost or doubled is laid at the door of faults by the product's own figures;
//   - what the comparison finds it would find: the old way (increments without fence, offsets committed after them) fails
//     it under the same faults.
//
// What happens on failure: the test names the rows that differ, the seed, and where the logs of all processes are.
package chaostest
