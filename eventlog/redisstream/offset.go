package redisstream

import (
	"fmt"
	"strconv"
	"strings"

	"rollcall"
)

const (
	seqBits = 21
	maxMs   = 1 << (63 - seqBits) // offsets fit the signed integers of databases
)

// offsetOf is the offset of an entry: ms<<21 | seq of its id ms-seq.
func offsetOf(id string) (rollcall.Offset, error) {
	before, after, found := strings.Cut(id, "-")
	ms, err := strconv.ParseUint(before, 10, 64)
	seq, err2 := strconv.ParseUint(after, 10, 64)
	if !found || err != nil || err2 != nil || ms >= maxMs || seq >= 1<<seqBits {
		return 0, fmt.Errorf("entry id %.40q is outside of what an offset holds: look at the clock of the Redis server", id)
	}
	return rollcall.Offset(ms<<seqBits | seq), nil
}

func idOf(o rollcall.Offset) string {
	b := strconv.AppendUint(make([]byte, 0, 24), uint64(o>>seqBits), 10)
	return string(strconv.AppendUint(append(b, '-'), uint64(o&(1<<seqBits-1)), 10))
}

// millis is the time of receipt.
func millis(o rollcall.Offset) int64 { return int64(o >> seqBits) }
