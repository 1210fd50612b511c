package record

import (
	"bytes"
	"fmt"

	"rollcall"
)

// Users tells whose events are to be erased. Nobody's are by its zero value.
type Users struct {
	match func(user []byte) bool
	only  []byte // the one user who is meant, if there is one
}

// UsersNamed are the users of these ids. A look-up costs the same however many they are.
func UsersNamed(ids ...string) Users {
	if len(ids) == 1 {
		only := []byte(ids[0])
		return Users{func(user []byte) bool { return bytes.Equal(user, only) }, only}
	}
	set := make(map[string]struct{}, len(ids))
	for _, id := range ids {
		set[id] = struct{}{}
	}
	return Users{match: func(user []byte) bool { _, ok := set[string(user)]; return ok }}
}

// UsersWho are the users whom match names.
func UsersWho(match func(user []byte) bool) Users { return Users{match: match} }

// Match tells whether a user is meant. An event without a user is nobody's.
func (u Users) Match(user []byte) bool { return u.match != nil && len(user) > 0 && u.match(user) }

// Erase is the function Erase for these users. A payload without the one user who is meant costs a search for the id.
func (u Users) Erase(payload []byte) (out []byte, erased int, err error) {
	if u.match == nil || len(u.only) > 0 && !bytes.Contains(payload, u.only) {
		return payload, 0, nil
	}
	return Erase(payload, u.match)
}

// Erase makes the events of the users whom match names blank rows, and tells how many these were. The other events keep
// their rows, bytes and hashes; texts that none of them has are gone. A payload without such events is returned as it
// is, at the cost of a walk over its rows; any other is encoded anew. ErrMalformed when it is no batch.
func Erase(payload []byte, match func(user []byte) bool) (out []byte, erased int, err error) {
	if found, err := anyOf(payload, match); err != nil || !found {
		return payload, 0, err
	}
	var b Batch
	if err := b.Decode(payload); err != nil {
		return nil, 0, err
	}
	names := make([]string, len(b.DimNames))
	for i, n := range b.DimNames {
		names[i] = string(n)
	}
	e, ev := NewEncoder(names), rollcall.Event{}
	for i := range b.Rows {
		switch r := &b.Rows[i]; {
		case r.Erased:
			e.AddErased()
		case len(r.User) > 0 && match(r.User):
			e.AddErased()
			erased++
		default:
			b.Event(i, &ev)
			e.Add(&ev)
		}
	}
	return e.Bytes(), erased, nil
}

// anyOf tells whether a batch has an event of a user whom match names. It reads the users only.
func anyOf(payload []byte, match func(user []byte) bool) (bool, error) {
	d := reader{b: payload}
	if d.version = d.byte(); d.version != version && d.version != versionErased {
		return false, fmt.Errorf("%w: version", ErrMalformed)
	}
	dims := d.count(1)
	for range dims {
		d.text()
	}
	for range d.count(1) {
		d.text()
	}
	for range d.count(dims) * dims {
		d.uvarint()
	}
	n := d.count(len(blank))
	d.varint()
	var r Row
	for ; n > 0 && !d.bad; n-- {
		if d.row(&r); len(r.User) > 0 && match(r.User) && !d.bad {
			return true, nil
		}
		r = Row{}
	}
	if d.bad || d.left() > 0 {
		return false, ErrMalformed
	}
	return false, nil
}
