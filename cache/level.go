package cache

import "context"

// Level is a second level of blobs, shared by processes. It never fails a reader: whatever is wrong with it, Get finds
// nothing, soon, and the reader goes on to the store.
type Level interface {
	// Get gives the blob of each key, nil for those not found. It returns within a bounded time whatever the server does.
	Get(ctx context.Context, keys []string) [][]byte
	// Put keeps blobs for a limited time. It does not wait for the server; what is too large or too many is dropped. The
	// blobs must not be changed afterwards.
	Put(blobs map[string][]byte)
	// Delete lets go of keys that have been superseded. It does not wait for the server.
	Delete(keys []string)
}

// Announcements tell other processes of commits. They may be lost: polling makes up for them.
type Announcements interface {
	// Announce tells every listener of a commit. It does not wait for the server.
	Announce()
	// Listen calls heard after each announcement of any process, and after each reconnection, until ctx ends. It
	// returns nil then.
	Listen(ctx context.Context, heard func()) error
}
