package intake

import (
	"context"
	"errors"
	"fmt"

	"rollcall"
	"rollcall/eventlog"
)

// NotKeyedError tells of a message that shows its topic not to be keyed by user: the events of a user may lie in several
// partitions, which must not be taken for shards.
type NotKeyedError struct {
	At  string // topic, partition and offset
	Key []byte // a copy; nil where the message has none
	Why string
}

const shownKey = 64 // bytes of a key in a message

func (e *NotKeyedError) Error() string {
	key := "no key"
	if e.Key != nil {
		key = fmt.Sprintf("key %.*q", shownKey, e.Key)
	}
	return fmt.Sprintf("%s: %s: %s: the topic is not keyed by user_id: set source.rekey: always and start with a new store", e.At, key, e.Why)
}

// keyed tells, as a *NotKeyedError, why the key of m is not that of ev's user, or none of the partitioners left explains
// its partition. It gives those that do. An event without a user may lie anywhere.
func (t *Topic) keyed(m *eventlog.Message, ev *rollcall.Event, left Partitioners) (Partitioners, error) {
	switch {
	case len(ev.User) == 0:
		return left, nil
	case string(m.Key) != string(ev.User):
		return left, t.notKeyed(m, fmt.Sprintf("user_id is %.*q", shownKey, ev.User))
	}
	if explained := left.explain(m.Key, m.Shard, t.Partitions); explained != 0 {
		return explained, nil
	}
	return 0, t.notKeyed(m, fmt.Sprintf("no partitioner that puts the other keys where they are (%s) puts this one there; are there other than %d partitions, or producers of several kinds?", left, t.Partitions))
}

func (t *Topic) notKeyed(m *eventlog.Message, why string) error {
	e := &NotKeyedError{At: t.At(m), Why: why}
	if m.Key != nil {
		e.Key = append([]byte{}, m.Key...)
	}
	return e
}

// Verdict tells whether a topic is keyed by user.
type Verdict struct {
	Checked      int          // events looked at; with none there is nothing to judge by
	Keyed        bool         // key and user_id are the same in all of them, and a partitioner explains where they are
	Partitioners Partitioners // those that do
	Why          *NotKeyedError
}

// Keyed judges a topic by samples of its messages. Messages without an event or with faults tell nothing.
func Keyed(ctx context.Context, cfg MessageConfig, topic Topic, samples []eventlog.Message) (Verdict, error) {
	cfg.Shards = 1
	t, err := NewTranslator(cfg, topic, TranslatorDeps{Now: noTime})
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Partitioners: AllPartitioners}
	t.begin(func(ev *rollcall.Event, _ bool) (err error) {
		v.Checked++
		v.Partitioners, err = topic.keyed(t.m, ev, v.Partitioners)
		return err
	})
	for i := range samples {
		if err := t.translate(ctx, &samples[i]); errors.As(err, &v.Why) {
			v.Partitioners = 0
			return v, nil
		} else if err != nil {
			return Verdict{}, err
		}
	}
	v.Keyed = v.Checked > 0
	return v, nil
}
