package query

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"rollcall/cache"
	"rollcall/store"
)

// Answer is a finished reply. Its rows hold as long as its tag is that of the question; what tells how fresh it is follows
// the newest commit.
type Answer struct {
	Tag    string
	Format string
	rows   []byte      // the body, but for the tail of a JSON reply
	result *Result     // what is too large to be kept as a body; nil otherwise
	rest   []byte      // of the tail, after the times
	head   *store.Head // that it was made from
	valid  atomic.Pointer[validity]
	asked  atomic.Bool // since it was last found to hold
}

// validity tells for which head, and until when, an answer is known to hold without looking at its question again.
type validity struct {
	head  *store.Head
	until time.Time
}

// recheck is how long an answer holds for one head before its question is read again: what it asks for may depend on the
// time of day.
const recheck = time.Second

// What has more rows, or bytes of body, is written as it is made and not kept.
const (
	maxKeptRows = 1 << 15
	maxKept     = 4 << 20
)

// request is a question as it was read.
type request interface {
	// planned checks it against a head. Errors: *BadRequest.
	planned(e *Engine, head *store.Head) (planned, error)
}

// planned is a request that was checked, and how it is answered.
type planned interface {
	// tag names the answer: two equal tags mean equal rows.
	tag() string
	// answer makes it, from a view with the head of the plan.
	answer(ctx context.Context, view *cache.View, memory *cache.Memory) (*Answer, error)
}

func (r *Request) planned(e *Engine, head *store.Head) (planned, error) { return e.plan(r, head) }

func (p *plan) answer(ctx context.Context, view *cache.View, memory *cache.Memory) (*Answer, error) {
	res, err := p.run(ctx, view, memory)
	if err != nil {
		return nil, err
	}
	a := &Answer{Tag: res.Tag, Format: p.format, rest: res.rest()}
	return a, a.finish(res)
}

// Question is a request on the way to its answer.
type Question struct {
	Tag    string // of the answer
	engine *Engine
	text   string
	req    request
	kept   *Answer // nil when there is none that holds
	head   *store.Head
	stale  bool
}

// Ask finds out which answer a question has, without reading any block. Text is the question as it was asked, the same for
// the same question; parse reads it. Errors are those of parse and of Query.
func (e *Engine) Ask(ctx context.Context, text string, parse func() (*Request, error)) (*Question, error) {
	return e.askAs(ctx, text, func() (request, error) { return parse() })
}

// askAs is ask for someone who will read the answer.
func (e *Engine) askAs(ctx context.Context, text string, parse func() (request, error)) (*Question, error) {
	q, err := e.ask(ctx, text, parse)
	if err == nil && q.kept != nil && !q.kept.asked.Load() {
		q.kept.asked.Store(true)
	}
	return q, err
}

func (e *Engine) ask(ctx context.Context, text string, parse func() (request, error)) (*Question, error) {
	head, stale, err := e.cache.Newest(ctx)
	if err != nil {
		return nil, err
	}
	q := &Question{engine: e, text: text, head: head, stale: stale}
	a := e.keptAnswer(text)
	now := e.cfg.Now()
	if a != nil {
		if v := a.valid.Load(); v.head == head && now.Before(v.until) {
			q.Tag, q.kept = a.Tag, a
			return q, nil
		}
	}
	if q.req, err = parse(); err != nil {
		return nil, err
	}
	p, err := q.req.planned(e, head)
	if err != nil {
		return nil, err
	}
	if q.Tag = p.tag(); a != nil && a.Tag == q.Tag {
		a.valid.Store(&validity{head, e.until(now)})
		q.kept = a
	}
	return q, nil
}

func (e *Engine) keptAnswer(text string) *Answer {
	if kept, ok := e.cache.Memory().Get(answerKey(text)); ok {
		a, _ := kept.(*Answer)
		return a
	}
	return nil
}

func answerKey(text string) cache.Key { return cache.Key{Kind: cache.KindAnswer, Text: text} }

// until is when a question of now must be read again: soon, and at midnight.
func (e *Engine) until(now time.Time) time.Time {
	soon := now.Add(recheck)
	if midnight := time.UnixMilli(e.cfg.Calendar.DayStart(e.cfg.Calendar.Date(now.UnixMilli()) + 1)); midnight.Before(soon) && midnight.After(now) {
		return midnight
	}
	return soon
}

// Answer gives the answer: the one kept, or one that is made now and kept. Callers with the same question wait for one of
// them to make it. Errors are those of Query.
func (q *Question) Answer(ctx context.Context) (*Answer, error) {
	for q.kept == nil {
		mine := false
		made, err, _ := q.engine.making.Do(q.Tag, func() (any, error) { mine = true; return q.engine.make(ctx, q) })
		if err != nil && !mine && ctx.Err() == nil && isContextError(err) {
			continue // the caller that was making it gave up
		}
		if err != nil {
			return nil, err
		}
		if q.kept, _ = made.(*Answer); q.kept.Tag != q.Tag {
			q.head = q.kept.head // which is newer: the tail tells of what the rows hold
		}
	}
	return q.kept, nil
}

func (e *Engine) make(ctx context.Context, q *Question) (*Answer, error) {
	var a *Answer
	err := e.cache.Read(ctx, func(v *cache.View) error {
		until := e.until(e.cfg.Now()) // before the question is read
		p, err := q.req.planned(e, v.Head())
		if err != nil {
			return err
		}
		if a, err = p.answer(ctx, v, e.cache.Memory()); err == nil {
			a.head = v.Head()
			a.valid.Store(&validity{v.Head(), until})
		}
		return err
	})
	if err == nil && a.result == nil && len(a.rows) <= maxKept {
		e.cache.Memory().Put(answerKey(q.text), a, len(a.rows)+len(a.Tag)+200)
		e.recent.remember(q.text, q.req, a, e.cfg.Now())
	}
	return a, err
}

func (a *Answer) finish(res *Result) error {
	if res.Len() > maxKeptRows || a.Format == "parquet" { // which tells how fresh it is in its metadata
		a.result = res
		return nil
	}
	var body bytes.Buffer
	err := res.writeRows(&body)
	a.rows = body.Bytes()
	return err
}

// writeRows writes the body, but for the tail of a JSON reply.
func (r *Result) writeRows(w io.Writer) error {
	switch r.plan.format {
	case "csv":
		return r.WriteCSV(w)
	case "parquet":
		return r.WriteParquet(w)
	default:
		return r.writeJSONRows(w)
	}
}

// Kept gives the answer when it is at hand, nil when it must be made.
func (q *Question) Kept() *Answer { return q.kept }

// Size gives the length of the body that Write writes, when it is known.
func (q *Question) Size(a *Answer, complete time.Time) (size int, known bool) {
	var tail [256]byte
	return len(a.rows) + len(q.tail(tail[:0], a, complete)), a.result == nil
}

// Write writes the body. complete tells up to when every event acknowledged is in the figures, as known before the question
// was asked; the zero time for unknown.
func (q *Question) Write(w io.Writer, a *Answer, complete time.Time) error {
	if a.result != nil {
		res := *a.result
		res.AsOf, res.CompleteThrough = q.fresh(complete)
		if a.Format == "json" {
			return res.WriteJSON(w)
		}
		return res.writeRows(w)
	}
	if _, err := w.Write(a.rows); err != nil {
		return err
	}
	var tail [256]byte
	_, err := w.Write(q.tail(tail[:0], a, complete))
	return err
}

// tail is what follows the rows of a JSON reply.
func (q *Question) tail(dst []byte, a *Answer, complete time.Time) []byte {
	if a.Format != "json" {
		return dst
	}
	asOf, through := q.fresh(complete)
	return appendTail(dst, asOf, through, a.rest)
}

// fresh gives the times of the tail: what is known of the newest commit, and no more when the store can't be reached.
func (q *Question) fresh(complete time.Time) (asOf, through time.Time) {
	zone := q.engine.cfg.Calendar.Location()
	if q.head.Committed == 0 {
		return asOf, asOf
	}
	asOf = time.UnixMilli(q.head.Committed).In(zone)
	if complete.IsZero() || q.stale {
		return asOf, asOf
	}
	return asOf, complete.In(zone)
}

// appendTail ends a JSON reply: the bracket of its rows, the times, and the rest as rest and restOf give it.
func appendTail(line []byte, asOf, complete time.Time, rest []byte) []byte {
	line = append(line, "],\n\"as_of\":"...)
	line = appendInstant(line, asOf)
	line = appendInstant(append(line, `,"complete_through":`...), complete)
	return append(line, rest...)
}

func (r *Result) rest() []byte {
	line := strconv.AppendInt([]byte(`,"late":`), r.Late, 10)
	line = strconv.AppendInt(append(line, `,"duplicates":`...), r.Duplicates, 10)
	return append(line, restOf(r.Build)...)
}

func restOf(build uint32) []byte {
	return append(strconv.AppendUint([]byte(`,"exact":true,"build":`), uint64(build), 10), '}', '\n')
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
