package redissource

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/rueidis"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/intake"
)

const (
	seqBits = 21
	maxMs   = 1 << (63 - seqBits) // marks are signed
)

// offsetOf is the offset of an entry: ms<<21 | seq of its id ms-seq.
func offsetOf(id string) (rollcall.Offset, error) {
	before, after, found := strings.Cut(id, "-")
	ms, err := strconv.ParseUint(before, 10, 64)
	seq, err2 := strconv.ParseUint(after, 10, 64)
	if !found || err != nil || err2 != nil || ms >= maxMs || seq >= 1<<seqBits {
		return 0, fmt.Errorf("entry id %.40q: an id has ms below 2^%d and a number below 2^%d; let the server choose it (XADD … *)", id, 63-seqBits, seqBits)
	}
	return rollcall.Offset(ms<<seqBits | seq), nil
}

func idOf(o rollcall.Offset) string {
	return strconv.FormatUint(uint64(o>>seqBits), 10) + "-" + strconv.FormatUint(uint64(o&(1<<seqBits-1)), 10)
}

// message makes a message of an entry. One with a field of the name given that holds an object or an array is that; any
// other is an object of its own fields, whose values are texts.
func message(e *rueidis.XRangeSlice, field string) (eventlog.Message, error) {
	at, err := offsetOf(e.ID)
	m := eventlog.Message{Offset: at, Next: at + 1, Time: int64(at >> seqBits)}
	if err != nil {
		return m, err
	}
	for i := range e.FieldValues {
		if f := &e.FieldValues[i]; f.Field == field && len(f.Value) > 0 && (f.Value[0] == '{' || f.Value[0] == '[') {
			m.Value = []byte(f.Value)
			return m, nil
		}
	}
	m.Value = append(m.Value, '{')
	for i, f := range e.FieldValues {
		if i > 0 {
			m.Value = append(m.Value, ',')
		}
		m.Value = intake.AppendString(m.Value, f.Field)
		m.Value = append(m.Value, ':')
		m.Value = intake.AppendString(m.Value, f.Value)
	}
	m.Value = append(m.Value, '}')
	return m, nil
}
