package cache

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall/block"
	"rollcall/store"
)

func versionOf(t *testing.T, c *Cache) uint64 {
	t.Helper()
	h, err := c.Head(context.Background())
	must(t, err)
	return h.Version
}

// Within Poll the store is asked once; after it, again.
func TestNoViewIsOlderThanPoll(t *testing.T) {
	w, clock := newWorld(1, 1), newClock()
	c := cacheOver(w, clock, Config{Poll: time.Second}, nil)
	for range 5 {
		if versionOf(t, c) != 1 || w.asked() != 1 {
			t.Fatal(w.asked())
		}
	}
	w.commit(1)
	clock.pass(time.Second - 1)
	if versionOf(t, c) != 1 || w.asked() != 1 {
		t.Fatal("asked before Poll has passed")
	}
	clock.pass(1)
	if versionOf(t, c) != 2 || w.asked() != 2 {
		t.Fatal("not asked after Poll")
	}
}

// While one reader is on its way to the store for an announced commit, no other gets the head from before it.
func TestAnnouncedWhileAnotherAsks(t *testing.T) {
	w, clock := newWorld(1, 1), newClock()
	c := cacheOver(w, clock, Config{Poll: time.Hour}, nil)
	versionOf(t, c)
	w.gate, w.arrived = make(chan struct{}), make(chan struct{}, 9)
	w.commit(1)
	c.Announce()
	first := make(chan uint64)
	go func() { h, _ := c.Head(context.Background()); first <- h.Version }()
	<-w.arrived // the first reader is asking
	second := make(chan uint64)
	go func() { h, _ := c.Head(context.Background()); second <- h.Version }()
	select {
	case v := <-second:
		t.Fatalf("version %d was served after version 2 had been announced", v)
	case <-time.After(50 * time.Millisecond): // it waits for the first, as it should
	}
	close(w.gate)
	if a, b := <-first, <-second; a != 2 || b != 2 {
		t.Fatal(a, b)
	}
}

// After Announce returns, every view holds the commit, whoever asks how.
func TestAnnouncedIsSeen(t *testing.T) {
	w := newWorld(1, 1)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 300 {
				n := w.commit(1)
				c.Announce()
				if h, err := c.Head(context.Background()); err != nil || h.Version < n {
					t.Errorf("version %d announced, %+v served: %v", n, h, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

var errDown = errors.New("down")

// A store that fails: the last head, as stale, asked again once per Poll or when there is word of a commit.
func TestStoreThatFails(t *testing.T) {
	w, clock := newWorld(1, 1), newClock()
	c := cacheOver(w, clock, Config{Poll: time.Second}, nil)
	versionOf(t, c)
	w.fail(errDown)
	clock.pass(time.Second)
	for range 5 {
		h, stale, err := c.Newest(context.Background())
		if err != nil || !stale || h.Version != 1 || w.asked() != 2 {
			t.Fatal(h, stale, err, w.asked())
		}
	}
	must(t, c.Read(context.Background(), func(v *View) error {
		if !v.Stale().Equal(time.Unix(1_700_000_000, 0)) {
			t.Error(v.Stale())
		}
		return nil
	}))
	clock.pass(time.Second)
	versionOf(t, c)
	if w.asked() != 3 {
		t.Fatal("not asked again after Poll")
	}
	w.commit(1)
	w.fail(nil)
	c.Announce()
	if h, stale, err := c.Newest(context.Background()); err != nil || stale || h.Version != 2 {
		t.Fatal(h, stale, err)
	}
}

// Readers that wait while another finds the store gone take its word: one attempt, not one each.
func TestFailureIsSharedByThoseWhoWait(t *testing.T) {
	w := newWorld(1, 1)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	versionOf(t, c)
	w.gate, w.arrived = make(chan struct{}), make(chan struct{}, 99)
	w.fail(errDown)
	c.Announce()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, stale, err := c.Newest(context.Background()); err != nil || !stale {
				t.Error(stale, err)
			}
		})
	}
	<-w.arrived
	time.Sleep(20 * time.Millisecond) // so that most of the others wait for their turn; the test holds if they don't
	close(w.gate)
	wg.Wait()
	if n := w.asked(); n > 3 {
		t.Fatalf("the store that is down was asked %d times", n)
	}
}

func TestFirstHeadFails(t *testing.T) {
	w := newWorld(1, 1)
	w.fail(errDown)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	if _, err := c.Head(context.Background()); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	w.fail(nil)
	versionOf(t, c)
}

// A reader whose context ended neither makes the head stale nor hides an announcement, and one that waits for a slow
// store goes when its own context ends.
func TestReaderThatGaveUp(t *testing.T) {
	w := newWorld(1, 1)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	versionOf(t, c)
	w.gate, w.arrived = make(chan struct{}), make(chan struct{}, 9)
	w.commit(1)
	c.Announce()
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan error)
	go func() { _, err := c.Head(ctx); gone <- err }()
	<-w.arrived
	waiting, leave := context.WithCancel(context.Background())
	leave()
	if _, err := c.Head(waiting); !errors.Is(err, context.Canceled) { // while the other asks
		t.Fatal(err)
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	close(w.gate)
	if h, stale, err := c.Newest(context.Background()); err != nil || stale || h.Version != 2 {
		t.Fatal(h, stale, err)
	}
}

// Another store under the same address is a new head, though its versions are smaller, and none of the blocks of the
// first is taken for one of its own.
func TestAnotherStore(t *testing.T) {
	w, level := newWorld(2, 1, 2, 3), newLevel()
	w.commit(1, 2)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, level)
	must(t, readAll(context.Background(), c))
	w.mu.Lock()
	w.head.Identity, w.head.Version = 8, 1
	w.empty = map[block.Period]bool{1: true, 2: true, 3: true}
	w.mu.Unlock()
	c.Announce()
	must(t, c.Read(context.Background(), func(v *View) error {
		found, err := versions(context.Background(), v)
		if v.Head().Identity != 8 || len(found) != 3 || found[0]+found[1]+found[2] != 0 {
			t.Errorf("%+v: %v", v.Head(), found)
		}
		return err
	}))
}

// Next waits for a newer head.
func TestNext(t *testing.T) {
	w := newWorld(1, 1)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	h, err := c.Next(ctx, nil)
	must(t, err)
	got := make(chan *store.Head)
	go func() { h, _ := c.Next(ctx, h); got <- h }()
	w.commit(1)
	c.Announce()
	if next := <-got; next.Version != 2 {
		t.Fatal(next)
	}
	stop()
	must(t, <-done)
	if _, err := c.Next(ctx, &store.Head{Identity: 7, Build: 1, Version: 99}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// Run sees commits that nobody announced within Poll, and ends with its context.
func TestRunPolls(t *testing.T) {
	defer goleak.VerifyNone(t)
	w := newWorld(1, 1)
	c := cacheOver(w, nil, Config{Poll: 20 * time.Millisecond}, nil)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	h, err := c.Next(ctx, nil)
	must(t, err)
	w.commit(1)
	_, err = c.Next(ctx, h) // hangs unless Run looks
	must(t, err)
	stop()
	must(t, <-done)
}
