package query

import (
	"sync"

	"rollcall"
	"rollcall/store"
)

// dictionary finds values by their text. It grows with the store's lists of values, in which a number never changes.
type dictionary struct {
	mu       sync.RWMutex
	identity uint64 // of the store
	of       []map[string]rollcall.Value
}

// number gives the number of a value of dimension d; false when the head has no such value.
func (n *dictionary) number(h *store.Head, d int, text string) (v rollcall.Value, ok bool) {
	switch text {
	case "", rollcall.NotSet:
		return rollcall.NotSetValue, true
	case rollcall.Other:
		return rollcall.OtherValue, true
	}
	n.mu.RLock()
	known := n.covers(h, d)
	if known {
		v, ok = n.of[d][text]
	}
	n.mu.RUnlock()
	if !known {
		v, ok = n.extend(h, d, text)
	}
	return v, ok && d < len(h.Values) && int(v) < len(h.Values[d])
}

func (n *dictionary) covers(h *store.Head, d int) bool {
	return n.identity == h.Identity && d < len(n.of) && d < len(h.Values) && len(n.of[d]) >= len(h.Values[d])-int(rollcall.FirstValue)
}

func (n *dictionary) extend(h *store.Head, d int, text string) (v rollcall.Value, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.identity != h.Identity {
		n.identity, n.of = h.Identity, nil
	}
	for len(n.of) <= d {
		n.of = append(n.of, map[string]rollcall.Value{})
	}
	if d < len(h.Values) {
		for i := len(n.of[d]) + int(rollcall.FirstValue); i < len(h.Values[d]); i++ {
			n.of[d][h.Values[d][i]] = rollcall.Value(i)
		}
	}
	v, ok = n.of[d][text]
	return v, ok
}
