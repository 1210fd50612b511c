// Package mysql is the store of many processes: the contract of package store over MySQL 8, MariaDB or TiDB. Its
// statements keep to what all three take.
//
// Everything large is a chunk (package store/chunk), as in the embedded store. Beside the chunks, the day cells of the full
// cuboid are kept as rows, which the view aggregated_daily_metrics shows to anyone's SQL. docs/design/store.md has the
// layout and its measurements, docs/sql.md the view.
//
//	Commit ─ encode ─► lock shards, fence │ chunks · ledger · letters │ base cells · head · periods ─► COMMIT
//	                    nobody else's      nobody else's               shared with other processes, held for the end only
//	View ─► one snapshot of its own connection (REPEATABLE READ), which locks nothing
//	Compact ─ lock of the server's ─ read ─ merge ─► short transaction: replace exactly the chunks read, or leave the key alone
//
// Each build has tables of its own (docs/design/builds.md); the table builds lists them. The rows of shards and of the head have
// other keys while their build is not active, so that each transaction learns it from the rows that it locks.
//
// Invariants, besides those of package store:
//
//   - rows are locked in one order: shards, chunks, ledger, letters, base cells, head, periods, each by rising key; a
//     transaction that the server ends for another's sake is repeated, at most ten times;
//   - exactly one build is active, and a transaction of another's handle changes nothing;
//   - versions rise in the order of commits, as each holds the row of the head from taking its version to its end;
//   - a FencedError has the stored position as of no transaction under way: it waits for the one that holds the shard;
//   - base_cells are the sums of the day cells of the full cuboid committed;
//   - a writer that says nothing for a third of Config.StatementTimeout, frozen or gone with its machine, is ended by the server,
//     and what it held is free: no process holds up the others for longer;
//   - the process has at most Config.MaxOpenConns connections, and views never take those of commits;
//   - no error repeats the address, which holds a password.
//
// On failure: an error inside a transaction rolls it back and is returned with the operation. When the connection breaks
// while a commit ends its outcome is unknown; the same commit, repeated, is applied or fenced by itself. A server that does
// not answer fails a call after Config.StatementTimeout and a second, or at the context's deadline. A commit that returned
// nil is as durable as the server is set to make it (innodb_flush_log_at_trx_commit=1). A database for other dimensions or
// shards, or of a newer release, is refused, unchanged.
package mysql
