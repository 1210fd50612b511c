// Package redisaddr reads the addresses of Redis servers, for every package that uses one, so that all take the same
// forms: a server, a Cluster, a master behind Sentinel, with TLS or without.
//
// Invariants: no error and no String repeats a password; what String gives, Parse takes.
//
// On failure Parse says what is wrong with the address, and nothing is connected to: this package knows no network.
package redisaddr
