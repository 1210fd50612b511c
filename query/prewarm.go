package query

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// recent remembers the questions asked lately, so that their answers are made anew after a commit, before anyone asks.
type recent struct {
	mu        sync.Mutex
	questions map[string]*asked
}

type asked struct {
	req    request
	answer *Answer
	at     time.Time
}

const (
	maxRecent = 64
	recently  = time.Minute
	// Of the time that making answers anew takes, this many times as much passes before it is done again: so it never takes
	// more than a fifth of one core.
	rest = 4
)

// remember takes a question whose answer was just made.
func (r *recent) remember(text string, req request, a *Answer, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.questions == nil {
		r.questions = map[string]*asked{}
	}
	if q := r.questions[text]; q != nil {
		q.answer = a
		return
	}
	if len(r.questions) >= maxRecent {
		delete(r.questions, r.oldest())
	}
	r.questions[text] = &asked{req, a, now}
}

func (r *recent) oldest() (text string) {
	for t, q := range r.questions {
		if text == "" || q.at.Before(r.questions[text].at) {
			text = t
		}
	}
	return text
}

// lately gives the questions asked within the last minute, the last asked first, and forgets the others.
func (r *recent) lately(now time.Time) (texts []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for text, q := range r.questions {
		if q.answer.asked.Swap(false) {
			q.at = now
		}
		if now.Sub(q.at) > recently {
			delete(r.questions, text)
			continue
		}
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int {
		return cmp.Or(r.questions[b].at.Compare(r.questions[a].at), cmp.Compare(a, b))
	})
	return texts
}

func (r *recent) request(text string) request {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.questions[text]; q != nil {
		return q.req
	}
	return nil
}

// Prewarm makes the answers of the questions asked lately anew after commits, until ctx ends. A question that fails is left
// to whoever asks it next.
func (e *Engine) Prewarm(ctx context.Context) error {
	head, err := e.cache.Next(ctx, nil)
	for err == nil {
		began := time.Now()
		for _, text := range e.recent.lately(e.cfg.Now()) {
			if ctx.Err() == nil {
				e.renew(ctx, text)
			}
		}
		if err := sleep(ctx, rest*time.Since(began)); err != nil {
			return nil
		}
		head, err = e.cache.Next(ctx, head)
	}
	return nil // only the end of ctx stops the waiting
}

func (e *Engine) renew(ctx context.Context, text string) {
	req := e.recent.request(text)
	if req == nil {
		return
	}
	if q, err := e.ask(ctx, text, func() (request, error) { return req, nil }); err == nil && q.kept == nil {
		_, _ = q.Answer(ctx) // see Prewarm
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
