// Package sqlsource reads the events that another team keeps in a table of its main database (MySQL 8, MariaDB, TiDB),
// in the order of time, without getting in that database's way.
//
// A Source walks the table by keyset: the rows behind a Cursor, in the order of an index that begins with the time column
// and ends with what makes a row unique, a page at a time. Each page is a few short statements of their own, read only,
// READ COMMITTED, on one connection, with a timeout; no transaction stays open. A page is given as NDJSON, one line a
// row, under the names that the receiver's decoder reads, so that a row means what the same line in a file means.
//
// Invariants:
//
//   - every row that is there when the walk reaches its place, with a time from Since up to, not including, Until, is in
//     exactly one page; a walk that begins at the Cursor of a page gives the rows behind that page;
//   - a row always gets the same event id: its event_id column, or the name of the table, # and its key. So rows that are
//     read twice count once;
//   - each statement reads its rows from the index in order: Open refuses a table where a statement would sort or scan
//     (EXPLAIN is asked), and says which index is missing;
//   - no more than Rate rows a second are read; less while statements take longer than usual, and none while the server
//     runs more than MaxRunning statements at a time;
//   - identifiers in statements come from the server's own catalogue and are quoted; values are arguments. No error and
//     no log line repeats the password.
//
// Times. TIMESTAMP is read in UTC, whatever the server's time zone is, and passed on as RFC 3339. DATETIME and DATE have no
// zone: they are taken for local times in Location. Where its clocks are set back, a DATETIME has two instants, and the
// first is taken, as the decoder does with files. A bound that lies in such a repeated hour can't be compared with a
// DATETIME: it is refused. Integers and decimals are Unix times, in a unit told by the magnitude of the newest.
//
// Rows that come late. A row that is committed with an older time than the walk has reached is not seen. Lag keeps the walk
// away from the present, where this happens; in a time zone that is setting its clocks back it keeps away from the
// whole repeated hour. Reading again from the start finds rows that came later still, and counts the others once.
//
// On failure:
//
//	the connection breaks, the server restarts   the page is asked for again, for two minutes, then Next fails
//	a statement takes longer than its timeout    the page is asked for again with half the rows
//	the table changes its columns meanwhile      Next fails with the server's message
//	a value that no event can have               it is passed on as it is; the decoder refuses it, with its reason
package sqlsource
