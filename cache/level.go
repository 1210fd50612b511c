package cache

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/zeebo/xxh3"

	"rollcall/block"
)

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

// fromLevel puts what the second level has into loaded and gives the rest.
func fromLevel[B any](ctx context.Context, v *View, s source[B], keys []Key, loaded map[Key]kept) (missing []Key) {
	level := v.cache.deps.Level
	if level == nil || s.encode == nil {
		return keys
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = levelKey(k)
	}
	blobs := level.Get(ctx, names)
	for i, k := range keys {
		if i >= len(blobs) || blobs[i] == nil {
			missing = append(missing, k)
			continue
		}
		e, err := unpack(s, names[i], blobs[i], k)
		if err != nil {
			v.cache.deps.Logger.Warn("a block of the second level is not what it should be", "error", err)
			missing = append(missing, k)
			continue
		}
		loaded[k] = e
	}
	return missing
}

// unpack reads a blob of the second level; what has no content is of a period whose block is empty.
func unpack[B any](s source[B], name string, blob []byte, k Key) (e kept, err error) {
	content, ok := unseal(name, blob)
	if !ok {
		return e, fmt.Errorf("%d bytes under %q: %w", len(blob), name, block.ErrCorrupt)
	}
	if len(content) == 0 {
		return e, nil
	}
	b, err := s.decode(content, k)
	if err != nil {
		return e, err
	}
	return kept{b, clamp(s.size(b))}, nil
}

// seal puts a checksum of a blob and of its name before it, so that one that is cut off, or of another name, is told.
func seal(name string, blob []byte) []byte {
	sealed := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(blob)), xxh3.HashSeed(blob, xxh3.HashString(name)))
	return append(sealed, blob...)
}

func unseal(name string, sealed []byte) (blob []byte, ok bool) {
	if len(sealed) < 8 {
		return nil, false
	}
	blob = sealed[8:]
	return blob, binary.LittleEndian.Uint64(sealed) == xxh3.HashSeed(blob, xxh3.HashString(name))
}
