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
	rows   []byte  // the body, but for the tail of a JSON reply
	result *Result // what is too large to be kept as a body; nil otherwise
	late   int64
	dups   int64
	build  uint32
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

// Question is a request on the way to its answer.
type Question struct {
	Tag    string // of the answer
	engine *Engine
	text   string
	req    *Request
	kept   *Answer // nil when there is none that holds
	head   *store.Head
	stale  bool
}

// Ask finds out which answer a question has, without reading any block. Text is the question as it was asked, the same for
// the same question; parse reads it. Errors are those of parse and of Query.
func (e *Engine) Ask(ctx context.Context, text string, parse func() (*Request, error)) (*Question, error) {
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
	p, err := e.plan(q.req, head)
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
		if a, ok := kept.(*Answer); ok {
			a.asked.Store(true)
			return a
		}
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
		p, err := e.plan(q.req, v.Head())
		if err != nil {
			return err
		}
		res, err := p.run(ctx, v, e.cache.Memory())
		if err != nil {
			return err
		}
		a = &Answer{Tag: res.Tag, Format: p.format, late: res.Late, dups: res.Duplicates, build: res.Build, head: v.Head()}
		a.valid.Store(&validity{v.Head(), until})
		a.asked.Store(true)
		return a.finish(res)
	})
	if err == nil && a.result == nil && len(a.rows) <= maxKept {
		e.cache.Memory().Put(answerKey(q.text), a, len(a.rows)+len(a.Tag)+200)
	}
	return a, err
}

func (a *Answer) finish(res *Result) error {
	if res.Len() > maxKeptRows {
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
	default:
		return r.writeJSONRows(w)
	}
}

// Body gives the whole body, appended to dst; not ok when the answer is so large that it must be written by Write. complete
// tells up to when every event acknowledged is in the figures, as known before the question was asked; the zero time for
// unknown.
func (q *Question) Body(dst []byte, a *Answer, complete time.Time) (body []byte, ok bool) {
	if a.result != nil {
		return nil, false
	}
	dst = append(dst, a.rows...)
	if a.Format == "json" {
		asOf, complete := q.fresh(complete)
		dst = appendTail(dst, asOf, complete, a.late, a.dups, a.build)
	}
	return dst, true
}

// Write writes the body of a large answer as it is made.
func (q *Question) Write(w io.Writer, a *Answer, complete time.Time) error {
	res := *a.result
	res.AsOf, res.CompleteThrough = q.fresh(complete)
	if a.Format == "json" {
		return res.WriteJSON(w)
	}
	return res.writeRows(w)
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

func appendTail(line []byte, asOf, complete time.Time, late, duplicates int64, build uint32) []byte {
	line = append(line, "],\n\"as_of\":"...)
	line = appendInstant(line, asOf)
	line = appendInstant(append(line, `,"complete_through":`...), complete)
	line = strconv.AppendInt(append(line, `,"late":`...), late, 10)
	line = strconv.AppendInt(append(line, `,"duplicates":`...), duplicates, 10)
	line = strconv.AppendUint(append(line, `,"exact":true,"build":`...), uint64(build), 10)
	return append(line, '}', '\n')
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
