package intake

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"rollcall"
	"rollcall/decode"
	"rollcall/eventlog"
	"rollcall/store"
)

// translate gives the events of a message to take, and makes letters of what is refused.
func (t *Translator) translate(ctx context.Context, m *eventlog.Message) error {
	t.m, t.found, t.first, t.time = m, 0, len(t.letters), m.Time
	switch {
	case m.Control:
		return nil
	case m.Value == nil:
		t.counts.Messages++
		t.counts.Empty++
		return nil
	}
	t.counts.Messages++
	if t.cfg.Batches {
		return t.unpack()
	}
	if t.cfg.Format != nil {
		return t.formatted(ctx)
	}
	if t.decoder.Event(m.Value, &t.ev) == nil {
		t.counts.Accepted++
		return t.take(&t.ev, true)
	}
	return t.several()
}

// several translates a message that is not one good record: an array, NDJSON, or a faulty one.
func (t *Translator) several() error {
	if err := t.decoder.Body(t.m.Value, t.each); err != nil {
		return err
	}
	if t.found == 0 && !isArray(t.m.Value) {
		t.refuse(t.m.Value, ReasonEmpty, "a message has a record")
	}
	if len(t.letters) > t.first+letterLimit {
		clear(t.letters[t.first:])
		t.letters = t.letters[:t.first]
		t.letter(t.m.Value, ReasonManyFaults, "more than "+strconv.Itoa(letterLimit)+" of its records are refused; the others are accepted")
	}
	return nil
}

// formatted translates a message that is no JSON. What is kept of it is its own bytes.
func (t *Translator) formatted(ctx context.Context) (err error) {
	t.json, err = t.cfg.Format.AppendJSON(ctx, t.json[:0], t.m.Value)
	if errors.Is(err, ErrMismatch) {
		t.refuse(t.m.Value, ReasonMismatch, err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", t.topic.At(t.m), err)
	}
	if rej := t.decoder.Event(t.json, &t.ev); rej != nil {
		t.refuse(t.m.Value, string(rej.Reason), rej.Error())
		return nil
	}
	t.counts.Accepted++
	return t.take(&t.ev, true)
}

// one takes one of several records of a message.
func (t *Translator) one(index int, raw []byte, ev *rollcall.Event, rej *decode.Reject) error {
	t.found++
	if rej == nil {
		t.counts.Accepted++
		return t.take(ev, false)
	}
	t.counts.Rejected++
	if len(t.letters) <= t.first+letterLimit {
		t.letter(raw, string(rej.Reason), rej.Error())
		if index > 0 { // every record has a place of its own
			t.letters[len(t.letters)-1].Source += "#" + strconv.Itoa(index)
		}
	}
	return nil
}

func (t *Translator) refuse(raw []byte, reason, detail string) {
	t.counts.Rejected++
	t.letter(raw, reason, detail)
}

func (t *Translator) letter(raw []byte, reason, detail string) {
	t.letters = append(t.letters, store.DeadLetter{At: t.deps.Now().UnixMilli(), Source: t.topic.At(t.m), Reason: reason, Detail: detail, Raw: raw})
}

// Totals may be called at any time.
func (t *Translator) Totals() Totals { return t.total.get() }

func (t *totals) add(c Totals) {
	t.messages.Add(c.Messages)
	t.accepted.Add(c.Accepted)
	t.rejected.Add(c.Rejected)
	t.empty.Add(c.Empty)
}

func (t *totals) get() Totals {
	return Totals{t.messages.Load(), t.accepted.Load(), t.rejected.Load(), t.empty.Load()}
}

func isArray(b []byte) bool {
	for _, c := range b {
		if c > ' ' {
			return c == '['
		}
	}
	return false
}
