// Package kafkatest starts a real Apache Kafka for tests: one process that is broker and controller, on free ports of the
// loopback, with data in the test's temporary directory. It is killed when the test ends, or dies with it. It fails the test
// where Java or the jars are missing: scripts/services install brings them.
//
// Invariants: what a broker has acknowledged is there after Kill and Restart, on the same ports; a Start takes about three
// seconds, most of it one core of the broker's.
//
// It runs on Unix only, as tests freeze servers with signals.
package kafkatest
