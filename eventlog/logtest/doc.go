// Package logtest tests logs: Run is the conformance suite that the embedded log and every adapter passes, and Disk is a
// file system in memory that fails and crashes on demand.
//
// Invariants: Run assumes of a log only what package eventlog promises: offsets rise, but they need not be dense, and
// one Append may become one record or several. A Disk after Crash holds what a machine may hold after losing power: all
// that was synced, and of the rest any part.
//
// On failure Run fails the test; a Disk fails only where it is told to.
package logtest
