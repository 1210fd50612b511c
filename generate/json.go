package generate

import (
	"time"

	"rollcall"
)

// JSON writes events as NDJSON under their canonical names, times as RFC 3339 in UTC with ms. It serves the events of
// this package, whose texts need no escape.
type JSON struct {
	dims []string // `,"name":"`
	day  int64    // the day that date holds, in days since 1970
	date []byte   // 2026-11-01T
}

// NewJSON makes the writer for events with these dimensions.
func NewJSON(dims []string) *JSON {
	j := &JSON{day: -1 << 62}
	for _, d := range dims {
		j.dims = append(j.dims, `,"`+d+`":"`)
	}
	return j
}

// Append adds one event and a line end to dst. Values that are not set are left out.
func (j *JSON) Append(dst []byte, ev *rollcall.Event) []byte {
	dst = append(dst, `{"event_id":"`...)
	dst = append(dst, ev.ID...)
	dst = append(dst, `","user_id":"`...)
	dst = append(dst, ev.User...)
	dst = append(dst, `","time":"`...)
	dst = j.time(dst, ev.Time)
	dst = append(dst, `","type":"`...)
	dst = append(dst, ev.Type...)
	dst = append(dst, '"')
	for i, v := range ev.Dims {
		if len(v) > 0 {
			dst = append(dst, j.dims[i]...)
			dst = append(dst, v...)
			dst = append(dst, '"')
		}
	}
	return append(dst, '}', '\n')
}

func (j *JSON) time(dst []byte, ms int64) []byte {
	day := ms / dayMS
	if ms < day*dayMS {
		day--
	}
	if day != j.day {
		j.day = day
		j.date = time.UnixMilli(day*dayMS).UTC().AppendFormat(j.date[:0], "2006-01-02T")
	}
	ms -= day * dayMS
	dst = append(dst, j.date...)
	dst = append2(dst, ms/3600_000, ':')
	dst = append2(dst, ms/60_000%60, ':')
	dst = append2(dst, ms/1000%60, '.')
	ms %= 1000
	return append(dst, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

func append2(dst []byte, v int64, sep byte) []byte {
	return append(dst, byte('0'+v/10), byte('0'+v%10), sep)
}
