package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// Fifty readers ask for the same missing blocks: one loads them.
func TestOneFillerPerKey(t *testing.T) {
	w := newWorld(1, 1, 2, 3)
	c := cacheOver(w, nil, Config{Poll: time.Hour, Readers: 60}, nil)
	versionOf(t, c)
	var asking atomic.Int32
	all := make(chan struct{})
	w.loading = func(context.Context) error { <-all; return nil }
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			err := c.Read(context.Background(), func(v *View) error {
				if asking.Add(1) == 50 {
					close(all)
				}
				_, err := versions(context.Background(), v)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if loads := w.loaded(); !slices.Equal(loads, []string{"cells 1-3"}) {
		t.Fatal(loads)
	}
}

// A filler whose context ends half-way fails alone: another takes its place.
func TestFillerThatGaveUp(t *testing.T) {
	w := newWorld(1, 1, 2, 3)
	c := cacheOver(w, nil, Config{Poll: time.Hour, Readers: 60}, nil)
	versionOf(t, c)
	ctx, cancel := context.WithCancel(context.Background())
	began := make(chan struct{})
	var once sync.Once
	w.loading = func(ctx context.Context) error {
		var err error
		once.Do(func() { close(began); <-ctx.Done(); err = ctx.Err() })
		return err
	}
	gone := make(chan error)
	go func() { gone <- readAll(ctx, c) }()
	<-began
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := readAll(context.Background(), c); err != nil {
				t.Error(err)
			}
		})
	}
	time.Sleep(10 * time.Millisecond) // so that most join the filler; the test holds if they don't
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	wg.Wait()
	periods := 0
	loads := w.loaded()
	for _, l := range loads {
		var from, until int
		if _, err := fmt.Sscanf(l[strings.LastIndexByte(l, ' ')+1:], "%d-%d", &from, &until); err != nil {
			t.Fatal(l, err)
		}
		periods += until - from + 1
	}
	if periods != 4*3 { // those of the one given up, then of cells, sets, sets with masks, by one reader or in parts by several
		t.Fatal(loads)
	}
}

// A store that fails fails the readers of what is missing, once each at most, and not those of what is kept.
func TestMissesWhileTheStoreFails(t *testing.T) {
	w := newWorld(1, 1)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	must(t, readAll(context.Background(), c))
	w.fail(errDown)
	c.Announce()
	must(t, readAll(context.Background(), c))
	before := w.asked()
	err := c.Read(context.Background(), func(v *View) error {
		_, _, err := v.Dropped(context.Background(), dayMS, 2*dayMS)
		return err
	})
	if !errors.Is(err, errDown) || w.asked() != before+1 {
		t.Fatal(err, w.asked()-before)
	}
}

// The store moves between head and read: Read asks again, and what has not changed is not loaded again.
func TestMoved(t *testing.T) {
	w := newWorld(1, 1, 2, 30, 40)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	must(t, c.Read(context.Background(), func(v *View) error { // days 1 and 2 get warm
		_, err := v.Cells(context.Background(), rollcall.Day, 0, v.Head().Stamps[store.DayClock][:2])
		return err
	}))
	w.loaded()
	w.commit(40) // nobody announces it
	var seen []uint64
	tries := 0
	must(t, c.Read(context.Background(), func(v *View) (err error) {
		tries++
		if seen, err = versions(context.Background(), v); err == nil && !slices.Equal(seen, stamped(v.Head())) {
			t.Errorf("%v of %v", seen, stamped(v.Head()))
		}
		return err
	}))
	if tries != 2 || c.Moved() != 1 || !slices.Equal(seen, []uint64{1, 1, 1, 2}) {
		t.Fatal(tries, seen)
	}
	if loads := w.loaded(); !slices.Equal(loads, []string{"cells 30-30", "cells 40-40"}) {
		t.Fatal(loads)
	}
	if versionOf(t, c) != 2 {
		t.Fatal("the next reader is sent the same way")
	}
}

// A reader that was sent on to a newer state can't be sent on again by joining a filler that has gone further still.
func TestMovedJoinsOneWhoHasMovedFurther(t *testing.T) {
	w := newWorld(1, 1)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	versionOf(t, c)
	w.commit(1)
	tries := 0
	err := c.Read(context.Background(), func(v *View) error {
		if tries++; tries == 1 {
			return ErrMoved
		}
		behind := &View{cache: c, ctx: context.Background(), head: v.Head()}
		w.commit(1)
		w.mu.Lock()
		w.arrived, w.gate = make(chan struct{}, 1), make(chan struct{})
		w.mu.Unlock()
		failed := make(chan error)
		go func() { // asks for the blocks of v's head, but opens the store when they are gone
			_, err := versions(context.Background(), behind)
			failed <- errors.Join(err, behind.close())
		}()
		<-w.arrived
		go func() { time.Sleep(20 * time.Millisecond); close(w.gate) }() // v joins the filler meanwhile
		found, err := versions(context.Background(), v)
		if behind := <-failed; !errors.Is(behind, ErrMoved) {
			t.Error(behind)
		}
		if err == nil && found[0] != 2 {
			t.Error(found)
		}
		return err
	})
	if err != nil || tries != 2 {
		t.Fatal(tries, err)
	}
}

// What one part of a read opened serves the parts that come later, though the context of that part has ended.
func TestViewOutlivesAPartOfTheRead(t *testing.T) {
	w := newWorld(1, 1)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	must(t, c.Read(context.Background(), func(v *View) error {
		part, end := context.WithCancel(context.Background())
		_, err := versions(part, v)
		must(t, err)
		end()
		_, _, err = v.Dropped(context.Background(), dayMS, 2*dayMS)
		return err
	}))
}

// Readers that have a view open wait for blocks of a reader that has none yet: it gets one in the end.
func TestReadersDoNotWaitInACircle(t *testing.T) {
	const views = 4
	w := newWorld(1, 1, 2, 3)
	w.pool = make(chan struct{}, views)
	c := cacheOver(w, nil, Config{Poll: time.Hour, Readers: views - 1}, nil)
	must(t, c.Read(context.Background(), func(v *View) error { _, err := versions(context.Background(), v); return err }))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	sets := func(v *View) error {
		_, err := v.Sets(ctx, rollcall.Day, 0, v.Head().Stamps[store.DayClock], false)
		return err
	}
	var wg sync.WaitGroup
	claimed := make(chan struct{})
	for i := range views { // each has loaded something of its own before it asks for what all ask for
		wg.Go(func() {
			err := c.Read(ctx, func(v *View) error {
				if _, err := v.Cells(ctx, rollcall.Day, rollcall.Cuboid(i+1), v.Head().Stamps[store.DayClock]); err != nil {
					return err
				}
				<-claimed
				return sets(v)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for began := time.Now(); len(w.pool) < views && time.Since(began) < 100*time.Millisecond; { // they never are all there
		time.Sleep(time.Millisecond)
	}
	wg.Go(func() {
		if err := c.Read(ctx, sets); err != nil {
			t.Error(err)
		}
	})
	time.Sleep(20 * time.Millisecond) // that it says what it fetches
	close(claimed)
	wg.Wait()
}

// With a small budget many blocks are read, all of them right, and the weight stays within it.
func TestBudget(t *testing.T) {
	var periods []block.Period
	for p := range block.Period(400) {
		periods = append(periods, p)
	}
	w := newWorld(2, periods...)
	const budget = 20_000
	c := cacheOver(w, nil, Config{Poll: time.Hour, Bytes: budget}, nil)
	for range 3 {
		must(t, readAll(context.Background(), c))
		c.memory.cache.CleanUp()
		if weight := c.memory.cache.WeightedSize(); weight > budget {
			t.Fatalf("%d bytes of %d", weight, budget)
		}
	}
	c.Memory().Put(Key{Kind: KindAnswer, Text: strings.Repeat("x", 100)}, "too large", 2*budget)
	c.memory.cache.CleanUp()
	if _, ok := c.Memory().Get(Key{Kind: KindAnswer, Text: strings.Repeat("x", 100)}); ok || c.memory.cache.WeightedSize() > budget {
		t.Fatal("a value larger than the budget was kept")
	}
}

// A reader of the store that was replaced keeps what it loads apart from the blocks of the new one.
func TestLateFillerOfAnotherStore(t *testing.T) {
	w := newWorld(1, 1)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	must(t, c.Read(context.Background(), func(v *View) error {
		_, _, err := v.Dropped(context.Background(), dayMS, 2*dayMS) // opens the old store
		must(t, err)
		w.mu.Lock()
		w.head.Identity = 8
		w.mu.Unlock()
		c.Announce()
		versionOf(t, c)
		_, err = versions(context.Background(), v) // loads blocks of the old one
		return err
	}))
	w.mu.Lock()
	w.empty = map[block.Period]bool{1: true}
	w.mu.Unlock()
	must(t, c.Read(context.Background(), func(v *View) error {
		if found, err := versions(context.Background(), v); err != nil || v.Head().Identity != 8 || found[0] != 0 {
			t.Errorf("store %d: %v, %v", v.Head().Identity, found, err)
		}
		return nil
	}))
}

// Dropped counts the hours of the range, over days with and without rows.
func TestDropped(t *testing.T) {
	w := newWorld(1, -2, -1, 1, 5)
	w.commit(5)
	c := cacheOver(w, nil, Config{}, nil)
	for _, x := range []struct{ from, until, want int64 }{{0, 2 * dayMS, 1}, {-2 * dayMS, 6 * dayMS, 5}, {dayMS + hourMS, 6 * dayMS, 2}, {-dayMS, 0, 1}, {-dayMS, -dayMS + 1, 1}, {2 * dayMS, 5 * dayMS, 0}} {
		must(t, c.Read(context.Background(), func(v *View) error {
			late, dups, err := v.Dropped(context.Background(), x.from, x.until)
			if late != 0 || dups != x.want {
				t.Errorf("%v: %d late, %d duplicates", x, late, dups)
			}
			return err
		}))
	}
}

func TestRuns(t *testing.T) {
	keys := func(periods ...block.Period) (keys []Key) {
		for _, p := range periods {
			keys = append(keys, Key{Period: p})
		}
		return keys
	}
	for clock, x := range map[store.Clock]struct {
		keys []Key
		want string
	}{
		store.DayClock:    {keys(1, 2, 4, 7, 8), "1-4 7-8 "},
		store.LedgerClock: {keys(1, 2, 4, 7, 100), "1-4 7-7 100-100 "},
		store.MinuteClock: {keys(0, 60, 180, 360), "0-180 360-360 "},
	} {
		got := ""
		for _, run := range runs(x.keys, clock) {
			got += fmt.Sprintf("%d-%d ", run[0].Period, run[len(run)-1].Period)
		}
		if got != x.want {
			t.Errorf("clock %d: %s, want %s", clock, got, x.want)
		}
	}
}
