package api

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"rollcall"
	"rollcall/store"
)

const (
	maxListed = 400 // buckets of an event; more are a reset
	maxKept   = 64  // encoded events of one head
)

// instantLayout is RFC 3339 with ms.
const instantLayout = "2006-01-02T15:04:05.000Z07:00"

// change is the data of a change event. Days and hours are those in which figures have changed since the event before.
type change struct {
	Version         uint64   `json:"version"`
	Build           uint32   `json:"build"`
	At              string   `json:"at"`               // the server's clock
	AsOf            *string  `json:"as_of"`            // null when nothing was committed
	CompleteThrough *string  `json:"complete_through"` // null when that is not known
	Days            []string `json:"days"`
	Hours           []string `json:"hours"`
	Reset           bool     `json:"reset,omitzero"` // anything may have changed
}

// place is a version that a listener has come to.
type place struct {
	build   uint32
	version uint64
}

func placeOf(h *store.Head) place { return place{h.Build, h.Version} }

// parsePlace reads an event id, <build>-<version>.
func parsePlace(text string) (p place, ok bool) {
	b, v, ok := strings.Cut(text, "-")
	build, err1 := strconv.ParseUint(b, 10, 32)
	version, err2 := strconv.ParseUint(v, 10, 64)
	return place{uint32(build), version}, ok && err1 == nil && err2 == nil
}

// changes encodes events, each once for all listeners that have come as far.
type changes struct {
	server *server
	mu     sync.Mutex
	head   *store.Head
	events map[place][]byte // by where the listener is, for head
}

// event gives the bytes of what has changed from since to head. They are not to be changed.
func (c *changes) event(since place, head *store.Head) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.head != head || len(c.events) >= maxKept {
		c.head, c.events = head, map[place][]byte{}
	}
	event, known := c.events[since]
	if !known {
		event = c.encode(since, head)
		c.events[since] = event
	}
	return event
}

func (c *changes) encode(since place, head *store.Head) []byte {
	data, err := json.Marshal(c.server.changed(since, head))
	if err != nil {
		panic(err) // its texts are dates and times
	}
	return fmt.Appendf(nil, "id: %d-%d\nevent: change\ndata: %s\n\n", head.Build, head.Version, data)
}

// changed lists what commits after since have touched. A listener of another build, or ahead of the head, has to reset.
func (s *server) changed(since place, head *store.Head) *change {
	c := &change{Version: head.Version, Build: head.Build, At: s.instant(time.Now()), Days: []string{}, Hours: []string{},
		Reset: since.build != head.Build || since.version > head.Version}
	if head.Committed != 0 {
		c.AsOf = ptr(s.instant(time.UnixMilli(head.Committed)))
	}
	if s.Freshness != nil {
		c.CompleteThrough = ptr(s.instant(s.Freshness()))
	}
	if c.Reset {
		return c
	}
	for _, stamp := range head.Stamps[store.DayClock] {
		if stamp.Version > since.version && len(c.Days) <= maxListed {
			c.Days = append(c.Days, rollcall.Date(stamp.Period).String())
		}
	}
	for _, stamp := range head.Stamps[store.MinuteClock] {
		if stamp.Version > since.version && len(c.Hours) <= maxListed {
			c.Hours = append(c.Hours, s.in(time.Unix(int64(stamp.Period)*60, 0)).Format(time.RFC3339))
		}
	}
	if len(c.Days)+len(c.Hours) > maxListed {
		c.Reset, c.Days, c.Hours = true, []string{}, []string{}
	}
	return c
}

func (s *server) in(t time.Time) time.Time { return t.In(s.Calendar.Location()) }

func (s *server) instant(t time.Time) string { return s.in(t).Format(instantLayout) }

func ptr[T any](v T) *T { return &v }
