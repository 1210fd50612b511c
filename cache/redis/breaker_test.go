package redis

import (
	"errors"
	"testing"
	"time"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newBreaker() (*breaker, *clock, *int) {
	c, turns := &clock{time.Unix(0, 0)}, 0
	return &breaker{limit: 3, pause: time.Second, now: c.Now, change: func(bool, error) { turns++ }}, c, &turns
}

// call makes one call and tells whether it was let in.
func call(b *breaker, err error) bool {
	p, ok := b.enter()
	if ok {
		b.leave(p, err)
	}
	return ok
}

func wantState(t *testing.T, b *breaker, want string) {
	t.Helper()
	if got, _ := b.state(); got != want {
		t.Errorf("breaker is %s, want %s", got, want)
	}
}

func TestBreaker(t *testing.T) {
	b, c, turns := newBreaker()
	bad := errors.New("bad")
	for _, err := range []error{bad, bad, nil, bad, bad} {
		call(b, err)
	}
	wantState(t, b, "closed")
	call(b, bad)
	wantState(t, b, "open")
	if call(b, nil) {
		t.Error("an open breaker lets a call in")
	}
	for range 3 { // each try that fails costs one call a pause
		c.now = c.now.Add(time.Second)
		wantState(t, b, "half-open")
		if !call(b, bad) || call(b, nil) {
			t.Error("not one try a pause")
		}
	}
	c.now = c.now.Add(time.Second)
	try, ok := b.enter()
	if _, second := b.enter(); !ok || second {
		t.Error("not one try at a time")
	}
	b.forget(try)
	if !call(b, nil) {
		t.Error("a try that told nothing keeps the next one out")
	}
	wantState(t, b, "closed")
	if *turns != 2 || b.openings != 1 {
		t.Errorf("turned %d times, opened %d", *turns, b.openings)
	}
}

// A call that began before the breaker opened tells nothing of the server after.
func TestBreakerIgnoresOldCalls(t *testing.T) {
	b, c, _ := newBreaker()
	old, _ := b.enter()
	for range 3 {
		call(b, errors.New("bad"))
	}
	b.leave(old, nil)
	wantState(t, b, "open")
	c.now = c.now.Add(time.Second)
	try, _ := b.enter()
	b.forget(old)
	if call(b, nil) {
		t.Error("an old call freed the place of the try")
	}
	b.leave(try, nil)
	wantState(t, b, "closed")
}
