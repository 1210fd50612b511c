package api

import (
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	heartbeat  = 15 * time.Second       // the longest silence of a stream
	behindTick = time.Second            // between events while the figures are behind
	shared     = 250 * time.Millisecond // how long one look at the freshness serves all listeners
)

// fresh is the data of a freshness event.
type fresh struct {
	At              string  `json:"at"`
	CompleteThrough *string `json:"complete_through"`
}

// freshness encodes freshness events, one for all listeners that ask within a short while.
type freshness struct {
	server *server
	mu     sync.Mutex
	at     time.Time
	behind bool
	event  []byte
}

// look gives the event, and whether the figures are behind by more than a tick: then no commit tells the listeners how
// far, and they are told each tick.
func (f *freshness) look(now time.Time) (event []byte, behind bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if age := now.Sub(f.at); f.event != nil && age >= 0 && age < shared {
		return f.event, f.behind
	}
	data := fresh{At: f.server.instant(now)}
	f.at, f.behind = now, false
	if f.server.Freshness != nil {
		through := f.server.Freshness()
		data.CompleteThrough, f.behind = ptr(f.server.instant(through)), now.Sub(through) > behindTick
	}
	body, err := json.Marshal(data)
	if err != nil {
		panic(err) // its texts are times
	}
	f.event = fmt.Appendf(nil, "event: freshness\ndata: %s\n\n", body)
	return f.event, f.behind
}
