package record

import (
	"encoding/binary"

	"rollcall"
)

// Limits are the settings, from a record of the log on, that tell in which grains its events count and which are late. They
// are written where they come into force, as they may be changed under the data.
type Limits struct {
	From         rollcall.Offset // the first record that they hold for
	At           int64           // Unix ms
	Minute, Hour int64           // retention of these grains, ms
	Late         int64           // late horizon, ms; 0 for none
}

// Same tells whether the settings are those of o, wherever they came into force.
func (l Limits) Same(o Limits) bool {
	return l.Minute == o.Minute && l.Hour == o.Hour && l.Late == o.Late
}

// AppendLimits appends the bytes of limits. Later ones are appended behind earlier ones.
func AppendLimits(b []byte, l Limits) []byte {
	b = binary.AppendUvarint(b, uint64(l.From))
	for _, v := range [...]int64{l.At, l.Minute, l.Hour, l.Late} {
		b = binary.AppendVarint(b, v)
	}
	return b
}

// ReadLimits reads what AppendLimits has appended. ErrMalformed for anything else.
func ReadLimits(b []byte) (all []Limits, err error) {
	r := reader{b: b}
	for r.left() > 0 {
		l := Limits{From: rollcall.Offset(r.uvarint()), At: r.varint(), Minute: r.varint(), Hour: r.varint(), Late: r.varint()}
		if r.bad {
			return nil, ErrMalformed
		}
		all = append(all, l)
	}
	return all, nil
}
