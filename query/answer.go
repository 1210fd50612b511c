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

// What has more rows, or bytes of body, is written as it is made and not kept.
const (
	maxKeptRows = 1 << 15
	maxKept     = 4 << 20
)

func (p *plan) answer(ctx context.Context, view *cache.View, memory *cache.Memory) (*Answer, error) {
	res, err := p.run(ctx, view, memory)
	if err != nil {
		return nil, err
	}
	a := &Answer{Tag: res.Tag, Format: p.format, rest: res.rest()}
	return a, a.finish(res)
}

// Answer gives the answer: the one kept, or one that is made now and kept. Callers with the same question wait for one of
// them to make it. Errors are those of Query.
func (q *Question) Answer(ctx context.Context) (*Answer, error) {
	for q.kept == nil {
		a, mine, err := q.join(ctx)
		if gone := (&gaveUpError{}); !mine && ctx.Err() == nil && errors.As(err, &gone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if q.kept = a; a.Tag != q.Tag {
			q.head = a.head // which is newer: the tail tells of what the rows hold
		}
	}
	return q.kept, nil
}

// join makes the answer, or waits for another caller that makes it: it is not mine then.
func (q *Question) join(ctx context.Context) (a *Answer, mine bool, err error) {
	made, err, _ := q.engine.making.Do(q.Tag, func() (any, error) {
		mine = true
		a, err := q.engine.make(ctx, q)
		if err != nil && ctx.Err() != nil {
			err = &gaveUpError{err}
		}
		return a, err
	})
	a, _ = made.(*Answer)
	return a, mine, err
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

// Fits tells whether the rows of the body are at hand and take at most so many bytes.
func (a *Answer) Fits(bytes int) bool { return a.result == nil && len(a.rows) <= bytes }

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

// gaveUpError is what went wrong for a caller whose ctx ended while it made an answer, in whatever words the store has for it: it
// says nothing about the answer.
type gaveUpError struct{ cause error }

func (g *gaveUpError) Error() string { return g.cause.Error() }
func (g *gaveUpError) Unwrap() error { return g.cause }
