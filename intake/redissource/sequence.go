package redissource

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// sequence follows the numbers of the messages of a channel.
type sequence struct {
	next    int64
	started bool
}

const maxMissing = 1 << 32 // a greater leap is a new beginning

// see gives how many numbers are missing before that of the message. A smaller number than expected begins anew; a
// message without one tells nothing.
func (s *sequence) see(value []byte, field string) (missing int64) {
	n, ok := numberOf(value, field)
	if !ok {
		return 0
	}
	if s.started && n > s.next && n-s.next < maxMissing {
		missing = n - s.next
	}
	s.next, s.started = n+1, true
	return missing
}

// numberOf gives the integer in a field of a JSON object.
func numberOf(value []byte, field string) (int64, bool) {
	if !bytes.Contains(value, []byte(field)) {
		return 0, false
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(value))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return 0, false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return 0, false
		}
		if name.String() == field {
			v, err := d.ReadValue()
			if err != nil {
				return 0, false
			}
			n, err := strconv.ParseInt(string(bytes.Trim(v, `"`)), 10, 64)
			return n, err == nil && n >= 0 && n < 1<<62
		}
		if d.SkipValue() != nil {
			return 0, false
		}
	}
	return 0, false
}
