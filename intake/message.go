package intake

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/decode"
	"rollcall/eventlog"
	"rollcall/store"
)

// Format turns the value of a message into the JSON text of its record.
type Format interface {
	// AppendJSON appends to b and keeps nothing of value. ErrMismatch tells that the value is at fault, whenever it is
	// asked; any other error that ctx has ended.
	AppendJSON(ctx context.Context, b, value []byte) ([]byte, error)
}

// ErrMismatch is wrapped by the error of a Format whose value does not match its schema.
var ErrMismatch = errors.New("the message does not match its schema")

// Reasons against a message, besides those of package decode.
const (
	ReasonMismatch   = "schema_mismatch"
	ReasonEmpty      = "empty_message"
	ReasonManyFaults = "many_faults" // the letter is the whole message
)

// recordBytes is about the largest payload of a record: Kafka takes a megabyte of it, by default.
const recordBytes = 512 << 10

// letterLimit is how many records of one message become dead letters of their own; beyond, the message becomes one, whole.
const letterLimit = 1000

// MessageConfig is what is known of messages.
type MessageConfig struct {
	Shape
	Format      Format // of the values; nil is JSON: an object, an array of objects, or NDJSON
	MessageTime bool   // an event without a time has its message's
	Batches     bool   // the values are batches of another log of Rollcall's, and keep their time of receipt; Format says nothing
}

// TranslatorDeps is what a Translator works with.
type TranslatorDeps struct {
	Quarantine *Quarantine
	Now        func() time.Time
}

// Totals counts messages as they were translated: what is read again after a failure counts again.
type Totals struct {
	Messages, Accepted, Rejected int64
	Empty                        int64 // without a value, as compacted topics have them: no event and no fault
}

// Translator turns messages into events. It keeps its memory; it is not safe for concurrent use, but for Totals.
type Translator struct {
	cfg     MessageConfig
	topic   Topic
	deps    TranslatorDeps
	decoder *decode.Decoder
	batch   *batch
	full    []eventlog.Record
	json    []byte
	ev      rollcall.Event
	letters []store.DeadLetter
	counts  Totals // since begin
	total   totals

	m     *eventlog.Message // at hand
	found int               // records of it
	first int               // of its letters
	time  int64             // of it
	take  taker
	each  decode.Each

	unpacked unpacked
	received int64 // by the log the batches are of, of the events in batch, Unix ms
}

// taker takes the events of the message at hand; alone when it holds one.
type taker func(ev *rollcall.Event, alone bool) error

type totals struct{ messages, accepted, rejected, empty atomic.Int64 }

// NewTranslator checks cfg by making its decoder. Shape.Shards is what Split splits by.
func NewTranslator(cfg MessageConfig, topic Topic, deps TranslatorDeps) (*Translator, error) {
	d, err := cfg.decoder()
	if err != nil {
		return nil, err
	}
	t := &Translator{cfg: cfg, topic: topic, deps: deps, decoder: d, batch: newBatch(&cfg.Shape)}
	if cfg.MessageTime {
		d.At(&t.time)
	}
	t.each = t.one
	return t, nil
}

// Split translates messages into records of the shards their users belong to, valid until the next call. What it refuses
// is durable in the quarantine when it returns. An error tells that ctx has ended.
func (t *Translator) Split(ctx context.Context, messages []eventlog.Message) ([]eventlog.Record, error) {
	t.begin(t.add)
	t.batch.reset()
	t.full, t.received = t.full[:0], 0
	for i := range messages {
		if err := t.translate(ctx, &messages[i]); err != nil {
			return nil, err
		}
	}
	if err := t.end(ctx, true); err != nil {
		return nil, err
	}
	return append(t.full, t.sealed()...), nil
}

// add adds an event to the batch. A record that is large enough is set aside.
func (t *Translator) add(ev *rollcall.Event, _ bool) error {
	shard := t.batch.add(ev)
	if e := t.batch.encoders[shard]; e.Size() > recordBytes {
		t.full = append(t.full, eventlog.Record{Shard: shard, Received: t.received, Count: e.Count(), Payload: slices.Clone(e.Bytes())})
		e.Reset()
	}
	return nil
}

func (t *Translator) begin(take taker) {
	clear(t.letters)
	t.take, t.letters, t.counts = take, t.letters[:0], Totals{}
}

// end keeps the letters, if they are to be kept.
func (t *Translator) end(ctx context.Context, keep bool) error {
	if keep && len(t.letters) > 0 {
		if err := t.deps.Quarantine.Keep(ctx, t.letters); err != nil {
			return err
		}
	}
	t.total.add(t.counts)
	return nil
}

// noTime is the clock of a translator whose letters nobody keeps.
func noTime() time.Time { return time.Time{} }
