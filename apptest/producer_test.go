package apptest

import (
	"context"
	"fmt"
	"math/rand"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall"
	"rollcall/simtest"
)

// load is what several producers send, and where to.
type load struct {
	config       *simtest.Config
	server       atomic.Pointer[Client]
	acknowledged atomic.Int64  // bodies
	progress     chan struct{} // tells of an acknowledgement; a look may be missed
	mu           sync.Mutex
	events       []simtest.Logged // acknowledged
	wait         sync.WaitGroup
}

const (
	producers   = 4
	bodyEvents  = 25
	loadUsers   = 300
	loadMinutes = 5 * 24 * 60
)

// produce starts producers that send until ctx ends, each ending with everything it sent acknowledged.
func produce(ctx context.Context, t *testing.T, config *simtest.Config) *load {
	l := &load{config: config, progress: make(chan struct{}, 1)}
	now := time.Now()
	for p := range producers {
		d := rand.New(rand.NewSource(*seed + int64(p)))
		l.wait.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := l.deliver(batch(d, config, now, fmt.Sprintf("%d-%d", p, n))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return l
}

// batch makes events with ids of their own, of users that all producers share.
func batch(d *rand.Rand, c *simtest.Config, now time.Time, name string) []simtest.Logged {
	events := make([]simtest.Logged, 1+d.Intn(bodyEvents))
	for i := range events {
		e := rollcall.Event{
			User: []byte(fmt.Sprint("user", d.Intn(loadUsers))),
			ID:   []byte(fmt.Sprint(name, "-", i)),
			Type: []byte([]string{"", "click", "heartbeat"}[d.Intn(3)]),
			Time: now.Add(-time.Duration(d.Intn(loadMinutes)) * time.Minute).UnixMilli(),
		}
		for range c.Dimensions {
			e.Dims = append(e.Dims, []byte([]string{"", "A", "B", "C"}[d.Intn(4)]))
		}
		if d.Intn(20) == 0 {
			e.Session = []byte(fmt.Sprint("s", d.Intn(10)))
		}
		events[i] = simtest.Logged{Event: e, Received: now.UnixMilli()}
	}
	return events
}

// imported brings ten batches in from the command line.
func (l *load) imported(t *testing.T, bin string, flags []string, d *rand.Rand, now time.Time, name string) {
	t.Helper()
	var events []simtest.Logged
	for i := range 10 {
		events = append(events, batch(d, l.config, now, fmt.Sprint(name, i))...)
	}
	MustRun(t, bin, lines(t, l.config, events), append([]string{"import", "-"}, flags...)...)
	l.events = append(l.events, events...)
}

// deliver sends a body again and again until it is acknowledged.
func (l *load) deliver(events []simtest.Logged) error {
	body, err := Lines(l.config, events)
	if err != nil {
		return err
	}
	late := time.After(2 * time.Minute)
	for !l.accepted(body, len(events)) {
		select {
		case <-time.After(poll):
		case <-late:
			return fmt.Errorf("%d events not acknowledged in two minutes", len(events))
		}
	}
	l.mu.Lock()
	l.events = append(l.events, events...)
	l.mu.Unlock()
	l.acknowledged.Add(1)
	select {
	case l.progress <- struct{}{}:
	default:
	}
	return nil
}

func (l *load) accepted(body []byte, n int) bool {
	server := l.server.Load()
	if server == nil {
		return false
	}
	a, err := server.Post(body, nil)
	return err == nil && a.Accepted == n
}

// after waits until n more bodies are acknowledged, or ended is closed.
func (l *load) after(n int64, ended <-chan struct{}) {
	for goal := l.acknowledged.Load() + n; l.acknowledged.Load() < goal; {
		select {
		case <-l.progress:
		case <-ended:
			return
		}
	}
}

// world is what has been acknowledged.
func (l *load) world(now time.Time) simtest.World {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := *l.config
	return simtest.World{
		Config: c, Events: append([]simtest.Logged(nil), l.events...), Now: now.UnixMilli(),
		Start: c.StartOf(now.UnixMilli(), -6), Values: []string{"A", "B", "C", rollcall.NotSet},
	}
}
