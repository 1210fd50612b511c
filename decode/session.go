package decode

import (
	"bytes"

	"rollcall"
)

const maxDuration = 100 * 366 * dayMS // of a session, ms

// sessionRecord reads what makes an event a session record. Neither duration nor bounce: it is none.
func (d *Decoder) sessionRecord(ev *rollcall.Event) *Reject {
	duration, bounce := d.fields[fieldDuration], d.fields[fieldBounce]
	v, b := d.get(duration), d.get(bounce)
	switch {
	case v == nil && b == nil:
		return nil
	case v == nil:
		return d.badSession(duration, "is missing beside "+d.names.list[bounce])
	case b == nil:
		return d.badSession(bounce, "is missing beside "+d.names.list[duration])
	}
	ok := false
	if ev.Duration, ok = seconds(v); !ok {
		return d.badSession(duration, "want seconds, from 0 to 100 years")
	}
	if ev.Bounce, ok = truth(b); !ok {
		return d.badSession(bounce, "want true, false, 0 or 1")
	}
	newUser := d.fields[fieldNewUser]
	if v := d.get(newUser); v != nil {
		if ev.NewUser, ok = truth(v); !ok {
			return d.badSession(newUser, "want true, false, 0 or 1")
		}
	}
	ev.Record = true
	return nil
}

func (d *Decoder) badSession(input uint8, detail string) *Reject {
	return d.refuse(InvalidSessionRecord, d.names.list[input], detail)
}

// seconds reads a duration and gives it in ms, rounded to the nearest.
func seconds(v *value) (int64, bool) {
	if v.kind != number && v.kind != text {
		return 0, false
	}
	n, ok := parseDecimal(v.text)
	if !ok || n.neg && n.m > 0 {
		return 0, false
	}
	ms, ok := n.nearest(3)
	return ms, ok && ms <= maxDuration
}

// truth reads a boolean, 0 or 1, or the text of one in any case.
func truth(v *value) (yes, ok bool) {
	switch {
	case v.kind == composite:
		return false, false
	case len(v.text) == 1:
		return v.text[0] == '1', v.text[0] == '0' || v.text[0] == '1'
	case bytes.EqualFold(v.text, []byte("true")):
		return true, true
	}
	return false, bytes.EqualFold(v.text, []byte("false"))
}
