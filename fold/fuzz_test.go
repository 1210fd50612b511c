package fold_test

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"rollcall"
	"rollcall/fold"
)

// FuzzState hands any bytes, with a checksum that fits, to everything that reads chunks of state: an error or a value, but
// no panic and no memory beyond what the bytes can stand for.
func FuzzState(f *testing.F) {
	f.Add([]byte{0, 0})
	f.Add([]byte{2, 1, 5, 6, 1, 3, 2, 9, 4, 0, 0, 8})
	f.Add([]byte{1, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0, 0, 33, 171, 205})
	cfg := fold.Config{Dims: 1, Cuboids: rollcall.Cuboids(1), Text: func(int, rollcall.Value) string { return "" }}
	f.Fuzz(func(t *testing.T, body []byte) {
		data := binary.LittleEndian.AppendUint32(body[:len(body):len(body)], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		chunks := [][]byte{data, data}
		_, _ = fold.MergeUsers(chunks)
		_, _ = fold.ReadFirsts(chunks)
		_, _ = fold.MergeSessions(chunks)
		_, _ = fold.MergeIDs(3, chunks)
		_, _ = fold.MergeSessionIDs(3, chunks)
		_, _ = fold.ReadKey(data)
		if l, err := fold.ReadSessionIDs(0, chunks); err == nil {
			l.Find(fold.UserKey{Hash: 1, User: 1})
		}
		s := fold.New(cfg, fold.Key{1, 2})
		_ = s.LoadUsers(chunks)
		_ = s.LoadSessions(1, chunks)
		_ = s.LoadIDs(0, chunks)
		_ = s.LoadHead(data)
	})
}
