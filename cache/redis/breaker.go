package redis

import (
	"sync"
	"time"
)

// breaker keeps calls from a server that does not answer. Closed, it lets all pass; after limit failures in a row it is
// open and lets none pass for a pause, then one try at a time; a success closes it, a failure begins a new pause.
type breaker struct {
	limit  int
	pause  time.Duration
	now    func() time.Time
	change func(open bool, cause error) // called on opening from closed and on closing, one at a time

	mu       sync.Mutex
	open     bool
	failures int       // in a row, while closed
	until    time.Time // no try before, while open
	trying   bool
	openings int64
	epoch    int64 // of the last opening or closing: outcomes of calls let in before it don't count
}

// pass is a call that was let in.
type pass struct{ epoch int64 }

// enter asks to make a call. With true, exactly one of leave and forget must follow.
func (b *breaker) enter() (pass, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		if b.trying || b.now().Before(b.until) {
			return pass{}, false
		}
		b.trying = true
	}
	return pass{b.epoch}, true
}

// leave tells how the call went.
func (b *breaker) leave(p pass, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.epoch != b.epoch {
		return
	}
	b.trying = false
	switch {
	case err == nil && b.open:
		b.turn(false, nil)
	case err == nil:
		b.failures = 0
	case b.open:
		b.until = b.now().Add(b.pause)
	default:
		if b.failures++; b.failures >= b.limit {
			b.turn(true, err)
		}
	}
}

// forget takes a call back that told nothing of the server.
func (b *breaker) forget(p pass) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.epoch == b.epoch {
		b.trying = false
	}
}

func (b *breaker) turn(open bool, cause error) {
	b.open, b.failures = open, 0
	b.epoch++
	b.until = b.now().Add(b.pause)
	if open {
		b.openings++
	}
	b.change(open, cause)
}

// state is "closed", "open", or "half-open" when the next call is a try.
func (b *breaker) state() (name string, openings int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		name = "closed"
	case b.trying || !b.now().Before(b.until):
		name = "half-open"
	default:
		name = "open"
	}
	return name, b.openings
}

func (b *breaker) closed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.open
}
