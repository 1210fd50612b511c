// Command rollcall is the program: one file per sub-command, the configuration (config.go, load.go, check.go), and the
// wiring of the parts (wiring.go). Nothing else in the house names an adapter.
//
// Exit status: 0 done, 1 failed, 2 wrong use, 3 verify found differences.
//
// Invariants:
//
//   - the configuration that counts is, rising: defaults, what the data directory was made with, the file of --config,
//     the environment, flags; `config print` shows it;
//   - a setting that gives the stored figures their meaning (time zone, dimensions, session gap, passive types, shards)
//     can't change under a data directory or a store on a server: it is refused, never mixed;
//   - no message and no print repeats a password or a key;
//   - a Redis that is not there, or does not answer, changes no answer and stops nothing;
//   - an interrupt stops taking in, then commits what the log acknowledged; a second one ends the process at once, and
//     the next start goes on from the log.
package main
