// Package apptest runs the real binary, as a user would: it imports files, serves HTTP, asks, kills it at any moment and
// starts it again, and compares what it says with the oracle of simtest. The package holds the means to start and to ask;
// its tests are the claims.
//
// Invariants that the tests check:
//
//   - the answers of the command line and of HTTP, in every format, equal the oracle's over the same events;
//   - an event that was acknowledged with 202 is counted exactly once, whenever the process was killed and however
//     often its producer sent it again;
//   - sending or importing the same events again changes no figure;
//   - wrong use ends with exit status 2 or 400 and says what would have been right.
//
// The binary is built once a process of tests, per set of build tags. With ROLLCALL_APPTEST_RACE=1 it is built with the
// race detector. When the binary fails to start, ends on its own or does not answer in time, the test fails with what
// it wrote to standard error.
package apptest
