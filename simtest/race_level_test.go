package simtest_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// flakyLevel is a second level that loses, delays and damages what it is given.
type flakyLevel struct {
	mu                        sync.Mutex
	blobs                     map[string][]byte
	waiting                   sync.WaitGroup
	gets, hits, lost, damaged atomic.Int64
}

func (l *flakyLevel) Get(_ context.Context, keys []string) [][]byte {
	if rand.IntN(20) == 0 {
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
	}
	l.gets.Add(int64(len(keys)))
	if rand.IntN(30) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make([][]byte, len(keys))
	for i, k := range keys {
		blob := l.blobs[k]
		switch {
		case blob == nil:
		case rand.IntN(16) == 0:
			l.lost.Add(1)
		case rand.IntN(16) == 0:
			l.damaged.Add(1)
			found[i] = damage(blob)
		default:
			l.hits.Add(1)
			found[i] = blob
		}
	}
	return found
}

func damage(blob []byte) []byte {
	spoiled := append([]byte{}, blob...)
	if rand.IntN(2) == 0 {
		return spoiled[:rand.IntN(len(spoiled))]
	}
	spoiled[rand.IntN(len(spoiled))] ^= 1 << rand.IntN(8)
	return spoiled
}

func (l *flakyLevel) Put(blobs map[string][]byte) {
	if rand.IntN(10) == 0 {
		return
	}
	put := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.blobs) > 20_000 {
			clear(l.blobs)
		}
		maps.Copy(l.blobs, blobs)
	}
	if rand.IntN(4) > 0 {
		put()
		return
	}
	l.waiting.Go(func() { time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond); put() })
}

func (l *flakyLevel) Delete(keys []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		delete(l.blobs, k)
	}
}
