// Package redistest starts real Redis servers for tests: one, a Sentinel group, a Cluster. They are child processes on
// free ports of the loopback, with data in the test's temporary directory, and are killed when the test ends. It fails the
// test where redis-server is missing: scripts/services installs it.
//
// It runs on Unix only, as tests freeze servers with signals.
package redistest
