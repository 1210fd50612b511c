package query

import (
	"context"
	"time"

	"rollcall/cache"
	"rollcall/store"
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

// validity tells for which head, and until when, an answer is known to hold without looking at its question again.
type validity struct {
	head  *store.Head
	until time.Time
}

// recheck is how long an answer holds for one head before its question is read again: what it asks for may depend on the
// time of day.
const recheck = time.Second
