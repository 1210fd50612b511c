package intake

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"rollcall"
	"rollcall/decode"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store"
)

// Kept is the quarantine as those need it who clear it.
type Kept interface {
	Letters(ctx context.Context, q store.LetterQuery) ([]store.DeadLetter, error)
	DeleteLetters(ctx context.Context, numbers []int64) (deleted int64, err error)
}

// ReplayConfig shapes a replay.
type ReplayConfig struct {
	Shape
	Store uint64          // identity of the store: numbers of letters are of one store
	Leave map[string]bool // reasons of letters that putting in again can't heal
	// Late tells whether an event of a time, Unix ms, would be beyond the late horizon of its shard; nil is never.
	Late func(shard int, ms int64) bool
}

// ReplayDeps is what a replay works with.
type ReplayDeps struct {
	Log     eventlog.Appender
	Letters Kept
	Step    func(step string) // called at each of ReplaySteps; nil for none
}

// ReplaySteps are the steps of a replay that a test may stop it at, in order.
var ReplaySteps = [...]string{"replay.read", "replay.appended", "replay.deleted"}

// ReplayQuery tells which letters are put in again.
type ReplayQuery struct {
	After  int64  // those with a greater number
	Reason string // only these; "" for all
	Limit  int64  // most letters that are looked at; 0 for all
	Dry    bool   // only look: nothing is appended, nothing deleted
}

// Replayed counts what became of letters.
type Replayed struct {
	Read     int64
	Accepted int64            // durable in the log; on a dry run, would be
	Rejected map[string]int64 // by the reason that they would have today
	Left     map[string]int64 // by their reason, or as below
}

// Why letters are left alone, besides their own reasons.
const (
	NotJSON = "no_json_object"    // a line of CSV, whose header is not kept, or Avro or Protobuf
	TooLate = "would_be_too_late" // the event is good, and would only go to the quarantine again, as late
)

const (
	replayLetters = 1000        // that share an Append and a transaction
	replayBytes   = recordBytes // of them, unless one is longer
)

// Replay puts dead letters through intake again. What is accepted now is durable in the log before its letter is deleted,
// and what is not keeps its letter as it is.
//
// An event without an event_id is given one that is a function of its letter. So a replay that was cut off between the two
// and is run again with the same settings appends the same events, which count once.
type Replay struct {
	cfg     ReplayConfig
	deps    ReplayDeps
	decoder *decode.Decoder
	batch   *batch
	ev      rollcall.Event
	id      []byte
	read    atomic.Int64
}

// NewReplay checks cfg by making its decoder.
func NewReplay(cfg ReplayConfig, deps ReplayDeps) (*Replay, error) {
	cfg.Shards = deps.Log.Shards()
	d, err := cfg.decoder()
	if err != nil {
		return nil, err
	}
	if cfg.Late == nil {
		cfg.Late = func(int, int64) bool { return false }
	}
	if deps.Step == nil {
		deps.Step = func(string) {}
	}
	return &Replay{cfg: cfg, deps: deps, decoder: d, batch: newBatch(&cfg.Shape)}, nil
}

// Read is the number of letters looked at so far, for a progress display. It may be called at any time.
func (r *Replay) Read() int64 { return r.read.Load() }

// Run looks at letters in the order of their numbers. When ctx ends it stops with ctx's error once those at hand are
// settled. What it counts is done, with or without an error.
func (r *Replay) Run(ctx context.Context, q ReplayQuery) (Replayed, error) {
	sum := Replayed{Rejected: map[string]int64{}, Left: map[string]int64{}}
	for after := q.After; q.Limit == 0 || sum.Read < q.Limit; {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		most := int64(replayLetters)
		if q.Limit > 0 {
			most = min(most, q.Limit-sum.Read)
		}
		letters, last, err := r.next(ctx, store.LetterQuery{After: after, Reason: q.Reason, Limit: int(most)})
		if err != nil || last == 0 {
			return sum, err
		}
		if err := r.settle(ctx, letters, q.Dry, &sum); err != nil {
			return sum, fmt.Errorf("replay letters behind %d: %w", after, err)
		}
		after = last
	}
	return sum, nil
}

// next reads as many letters as q allows and have room, and gives the number of the last; 0 when there are none.
func (r *Replay) next(ctx context.Context, q store.LetterQuery) (letters []store.DeadLetter, last int64, err error) {
	sizes := q
	sizes.MaxRaw = 1
	heads, err := r.deps.Letters.Letters(ctx, sizes)
	if err != nil {
		return nil, 0, err
	}
	room := replayBytes
	for i := range heads {
		if room -= heads[i].Bytes; room < 0 && i > 0 {
			break
		}
		last = heads[i].Number
	}
	q.Before = last + 1
	if last != 0 {
		letters, err = r.deps.Letters.Letters(ctx, q)
	}
	return letters, last, err
}

// settle puts letters in again and deletes those that are accepted.
func (r *Replay) settle(ctx context.Context, letters []store.DeadLetter, dry bool, sum *Replayed) error {
	r.deps.Step(ReplaySteps[0])
	r.batch.reset()
	var gone []int64
	for i := range letters {
		if l := &letters[i]; r.take(l, sum) {
			gone = append(gone, l.Number)
		}
	}
	if !dry && len(gone) > 0 {
		// An interrupt must not leave the outcome open.
		ctx, cancel := graceful(ctx, followGrace)
		defer cancel()
		if err := r.deps.Log.Append(ctx, r.batch.seal(), nil); err != nil {
			return err
		}
		r.deps.Step(ReplaySteps[1])
		if _, err := r.deps.Letters.DeleteLetters(ctx, gone); err != nil {
			return err
		}
		r.deps.Step(ReplaySteps[2])
	}
	sum.Accepted += int64(len(gone))
	return nil
}

// take adds the event of a letter to the batch, if it is accepted.
func (r *Replay) take(l *store.DeadLetter, sum *Replayed) bool {
	sum.Read++
	r.read.Add(1)
	switch {
	case r.cfg.Leave[l.Reason]:
		sum.Left[l.Reason]++
		return false
	case !bytes.HasPrefix(bytes.TrimLeft(l.Raw, " \t\r\n"), []byte{'{'}):
		sum.Left[NotJSON]++
		return false
	}
	if rej := r.decoder.Event(l.Raw, &r.ev); rej != nil {
		sum.Rejected[string(rej.Reason)]++
		return false
	}
	if r.cfg.Late(record.ShardOf(r.ev.User, r.cfg.Shards), r.ev.Time) {
		sum.Left[TooLate]++
		return false
	}
	if len(r.ev.ID) == 0 {
		r.id = appendLetterID(r.id[:0], r.cfg.Store, l)
		r.ev.ID = r.id
	}
	r.batch.add(&r.ev)
	return true
}

// placed matches the sources that name a message for ever. A message may stand in the quarantine twice, after a crash.
var placed = regexp.MustCompile(`^(kafka:.*@[0-9]+|redis:.*@[0-9]+-[0-9]+)(#[0-9]+)?$`)

// appendLetterID names the event of a letter: by its place, where that is one, or by its number. The hash of its bytes
// keeps it from being taken for another when a store is put back from a copy, or a topic made anew.
func appendLetterID(b []byte, identity uint64, l *store.DeadLetter) []byte {
	raw := xxh3.Hash128(l.Raw).Bytes()
	if placed.MatchString(l.Source) {
		return fmt.Appendf(b, "quarantine/%x/%x", xxh3.Hash128([]byte(l.Source)).Bytes(), raw)
	}
	return fmt.Appendf(b, "quarantine/%016x/%d/%x", identity, l.Number, raw)
}
