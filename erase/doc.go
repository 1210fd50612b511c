// Package erase takes users out of what is kept of their events: out of what a log gives (Reading, Listed), and out of the
// quarantine (Letters). The log's own files are written anew by eventlog.Log.Erase, those of the archive by
// archive.Archive.Erase, and the figures by a rebuild that reads through Reading.
//
// Invariants:
//
//   - a reader through Reading or Listed gets each record at its offset, with its time and as many rows as before;
//   - an event of the users is a blank row; all others are byte for byte what they were, with their hashes;
//   - a list holds no user id: 128 bits of its HMAC-SHA256 under a key that lies in the store;
//   - with an empty list, and for records behind all that it names, reading costs nothing;
//   - a dead letter goes when a field of it is the user's id, or, when its bytes can't be read as fields, holds it.
//
// What happens on failure: a record that is no batch stops the reader with record.ErrMalformed, as it stops everybody; letters are
// deleted some at a time, and those that are left go the next time.
package erase
