package redis

import "sync"

// pending is what waits to be written: the last call for each key.
type pending struct {
	maxKeys, maxBytes int

	mu    sync.Mutex
	ops   map[string]op
	bytes int
	news  chan struct{} // holds a token while there may be something
}

// op is a put, or a delete if gone.
type op struct {
	blob []byte
	gone bool
}

func newPending(maxKeys, maxBytes int) *pending {
	return &pending{maxKeys: maxKeys, maxBytes: maxBytes, ops: make(map[string]op), news: make(chan struct{}, 1)}
}

// add keeps o as what is to be done with key. Without room for it there is nothing to be done with key any more, as an
// older blob must not come after a newer call, and add gives false.
func (p *pending) add(key string, o op) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old, found := p.ops[key]; found {
		p.bytes -= len(old.blob)
		delete(p.ops, key)
	}
	if len(p.ops) >= p.maxKeys || p.bytes+len(o.blob) > p.maxBytes {
		return false
	}
	p.ops[key] = o
	p.bytes += len(o.blob)
	select {
	case p.news <- struct{}{}:
	default:
	}
	return true
}

// take gives some of what waits, in any order: up to count keys and more than bytes only by the last of them.
func (p *pending) take(count, bytes int) map[string]op {
	p.mu.Lock()
	defer p.mu.Unlock()
	some := make(map[string]op, min(count, len(p.ops)))
	for key, o := range p.ops {
		if len(some) >= count || bytes <= 0 {
			break
		}
		some[key] = o
		bytes -= len(o.blob)
		p.bytes -= len(o.blob)
		delete(p.ops, key)
	}
	return some
}

func (p *pending) size() (keys, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ops), p.bytes
}
