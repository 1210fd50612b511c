// Package sqlite is the embedded store: the contract of package store over one SQLite file in WAL mode.
//
// Everything large is a chunk, an immutable blob filed under a key; a commit appends chunks, a view merges the chunks of
// a key as it reads them, and compaction replaces several chunks of a key by one of the same content. docs/design/store.md
// has the layout and its measurements.
//
//	Commit ─ encode ─► one transaction on the one writing connection ─► file ◄─ read transaction of each View
//	Compact ─ read ─ merge ─► short transaction: replace exactly the chunks read, or leave the key alone
//
// Invariants, besides those of package store:
//
//   - one process at a time has the store open for writing, and in it one transaction at a time writes;
//   - a commit is durable when Commit returns nil: the WAL was synced (synchronous=FULL);
//   - the chunks of a key listed by falling level, then rising number, are oldest first;
//   - a number of a value that was returned by Intern is durable.
//
// On failure: an error inside a transaction rolls it back and is returned with the operation; the store stays usable.
// After kill -9 or a power cut the file reopens with every commit that returned nil and with no part of any other. A full
// disk fails commits and leaves reads working. A blob that does not match its checksum fails the read with
// block.ErrCorrupt and the key. A file made for other dimensions or shards is refused, unchanged.
package sqlite
