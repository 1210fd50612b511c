// Package mysqltest runs real MariaDB servers for tests: on loopback, on a port of their own, with data in a directory of
// the test. A server ends with its test, and on Linux with the process of the test however that dies. Every commit is
// synced (innodb_flush_log_at_trx_commit=1), so that what a client was told survives Kill.
//
// It runs on Unix only, as tests freeze servers with signals. Where mariadbd is missing it fails: scripts/services installs it.
package mysqltest
