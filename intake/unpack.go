package intake

import (
	"cmp"
	"slices"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
)

// unpacked is a batch of another log of Rollcall's.
type unpacked struct {
	record.Batch
	event rollcall.Event // of the batch's dimensions
	at    []int          // of each configured dimension among them, -1 for none
}

// places says where the batch has each dimension, by its input field as in other sources.
func (u *unpacked) places(s *Shape) {
	u.at = u.at[:0]
	for _, d := range s.Dimensions {
		field := cmp.Or(s.Fields[d], d)
		u.at = append(u.at, slices.IndexFunc(u.DimNames, func(n []byte) bool { return string(n) == field }))
	}
}

// row writes row i into ev.
func (u *unpacked) row(i int, ev *rollcall.Event) {
	u.Event(i, &u.event)
	dims := ev.Dims[:0]
	for _, from := range u.at {
		var value []byte
		if from >= 0 {
			value = u.event.Dims[from]
		}
		dims = append(dims, value)
	}
	*ev = u.event
	ev.Dims = dims
}

// unpack gives the events of the batch at hand to take. What was erased stays behind.
func (t *Translator) unpack() error {
	u := &t.unpacked
	if err := u.Decode(t.m.Value); err != nil {
		t.refuse(t.m.Value, ReasonMismatch, "no batch of a log of Rollcall's: "+err.Error())
		return nil
	}
	t.part(t.m.Time)
	u.places(&t.cfg.Shape)
	for i := range u.Rows {
		if u.Rows[i].Erased {
			continue
		}
		u.row(i, &t.ev)
		t.counts.Accepted++
		if err := t.take(&t.ev, false); err != nil {
			return err
		}
	}
	return nil
}

// part sets the records aside that were received at another time: a record has one.
func (t *Translator) part(received int64) {
	if received == t.received {
		return
	}
	for _, r := range t.sealed() {
		r.Payload = slices.Clone(r.Payload)
		t.full = append(t.full, r)
	}
	t.batch.reset()
	t.received = received
}

// sealed gives the records of what waits, valid until the batch's next reset.
func (t *Translator) sealed() []eventlog.Record {
	records := t.batch.seal()
	for i := range records {
		records[i].Received = t.received
	}
	return records
}
