package simtest_test

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall"
	"rollcall/api"
	"rollcall/cache"
	"rollcall/query"
	"rollcall/store"
	"rollcall/store/sqlite"
)

// racePoll is how old a reply may be when nobody announces commits.
const racePoll = time.Second

// raceTakes is how long the proof runs: ROLLCALL_RACE, a duration, or a few seconds.
func raceTakes(t *testing.T) time.Duration {
	text := os.Getenv("ROLLCALL_RACE")
	if text == "" {
		return 6 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("ROLLCALL_RACE: %v", err)
	}
	return d
}

// race is a store under a writer that commits as fast as it can, and two caches over it that share a second level: one is
// told of commits, the other, over a store opened for reading, polls.
type race struct {
	raceLog
	store   *sqlite.Store
	reader  *sqlite.Reader
	writer  raceWriter
	level   *flakyLevel
	told    *cache.Cache
	polling *cache.Cache

	poll     time.Duration                   // of the polling cache; a flaw may look too seldom
	announce func(*cache.Cache)              // a flaw may forget to
	viewer   func(store.Viewer) store.Viewer // a flaw may lie
}

func newRace(t *testing.T) *race {
	r := &race{level: &flakyLevel{blobs: map[string][]byte{}}, poll: racePoll, announce: (*cache.Cache).Announce,
		viewer: func(v store.Viewer) store.Viewer { return v }}
	r.tags, r.seed, r.returned = map[string]uint64{}, maphash.MakeSeed(), []time.Time{time.Now()}
	path, ctx := filepath.Join(t.TempDir(), "store.db"), context.Background()
	var err error
	if r.store, err = sqlite.Open(ctx, sqlite.Config{Path: path, Dimensions: raceDims, Shards: raceShards}); err != nil {
		t.Fatal(err)
	}
	if r.reader, err = sqlite.OpenReadOnly(ctx, path); err != nil {
		t.Fatal(err)
	}
	for shard := range raceShards {
		p, err := r.store.Acquire(ctx, shard)
		if err != nil {
			t.Fatal(err)
		}
		r.writer.positions = append(r.writer.positions, p)
	}
	for d := range raceDims {
		r.writer.values[d] = map[string]rollcall.Value{}
		for cell := range raceCells {
			text := raceValues(cell)[d]
			v, err := r.store.Intern(ctx, d, []string{text})
			if err != nil {
				t.Fatal(err)
			}
			r.writer.values[d][text] = v[0]
		}
	}
	return r
}

// open makes the caches, of 256 KiB: so little that misses never end.
func (r *race) open() {
	deps := cache.Deps{Level: r.level, Logger: slog.New(slog.DiscardHandler)}
	cfg := cache.Config{Bytes: 256 << 10, Poll: racePoll, Cuboids: rollcall.Cuboids(2)}
	deps.Store = r.viewer(r.store)
	r.told = cache.New(cfg, deps)
	deps.Store, cfg.Poll = r.viewer(r.reader), r.poll
	r.polling = cache.New(cfg, deps)
}

func (r *race) server(c *cache.Cache, freshness func() time.Time) http.Handler {
	e := query.New(query.Config{Dimensions: raceDims, Cuboids: rollcall.Cuboids(2), Calendar: rollcall.NewCalendar(time.UTC),
		MinuteRetention: always, HourRetention: always, Now: func() time.Time { return raceEpoch.AddDate(0, 0, 60) }}, c)
	return api.New(api.Config{Engine: e, Freshness: freshness, Logger: slog.New(slog.DiscardHandler)})
}

// run races for a while, or until something is wrong.
func (r *race) run(t *testing.T, d time.Duration) []string {
	r.open()
	r.commitOnce(1)
	ctx, stop := context.WithTimeout(context.Background(), d)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { r.write(ctx) })
	wg.Go(func() { r.compact(ctx) })
	wg.Go(func() { r.failed(r.told.Run(ctx)) })
	told := r.server(r.told, func() time.Time { return time.UnixMilli(raceTime(int(r.announced.Load()))) })
	polling := r.server(r.polling, nil)
	for range 2 {
		wg.Go(func() {
			(&raceReader{raceLog: &r.raceLog, server: told, poll: racePoll, announced: true, held: map[string]heldReply{}}).run(ctx)
			stop()
		})
		wg.Go(func() {
			(&raceReader{raceLog: &r.raceLog, server: polling, poll: racePoll, held: map[string]heldReply{}}).run(ctx)
			stop()
		})
	}
	wg.Wait()
	r.level.waiting.Wait()
	if wrong := r.closeErr(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	t.Logf("%d commits, %d replies, %d not modified; %d and %d reads sent on; second level: %d of %d found, %d damaged, %d lost",
		r.begun.Load(), r.replies.Load(), r.unchanged.Load(), r.told.Moved(), r.polling.Moved(),
		r.level.hits.Load(), r.level.gets.Load(), r.level.damaged.Load(), r.level.lost.Load())
	return r.violations()
}

func (r *race) failed(err error) {
	if err != nil {
		r.wrong("%v", err)
	}
}

func (r *race) write(ctx context.Context) {
	for n := 2; ctx.Err() == nil; n++ {
		r.commitOnce(n)
	}
}

func (r *race) commitOnce(n int) {
	c := r.writer.commit(n)
	r.begun.Store(int64(n))
	if err := r.store.Commit(context.Background(), c); err != nil {
		r.wrong("commit %d: %v", n, err)
	}
	r.hasReturned(n)
	r.announce(r.told)
	r.announced.Store(int64(n))
}

// compact changes blocks under the same versions.
func (r *race) compact(ctx context.Context) {
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case <-tick.C:
			_, err := r.store.Compact(ctx, rand.IntN(4) == 0, nil)
			if ctx.Err() == nil {
				r.failed(err)
			}
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

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

// TestRace races readers against a writer: no reply is older than the poll interval, or than a commit announced before it;
// none mixes versions in its rows, columns or tail; a tag stands for one answer.
func TestRace(t *testing.T) {
	r := newRace(t)
	if wrong := r.run(t, raceTakes(t)); len(wrong) > 0 {
		t.Fatal(strings.Join(wrong, "\n"))
	}
	if r.replies.Load() == 0 || r.unchanged.Load() == 0 || r.told.Moved()+r.polling.Moved() == 0 || r.level.hits.Load() == 0 || r.level.damaged.Load() == 0 {
		t.Fatal("the race came to nothing")
	}
}

// oldHead shows a head of a while ago over blocks of now: a cache that did not compare stamps would be as this.
type oldHead struct {
	store.Viewer
	mu    sync.Mutex
	head  *store.Head
	since time.Time
}

func (o *oldHead) View(ctx context.Context) (store.View, error) {
	v, err := o.Viewer.View(ctx)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.head == nil || time.Since(o.since) > 50*time.Millisecond {
		o.head, o.since = v.Head(), time.Now()
	}
	return &oldView{v, o.head}, nil
}

type oldView struct {
	store.View
	head *store.Head
}

func (v *oldView) Head() *store.Head { return v.head }

// TestRaceFindsFlaws plants flaws that the race must find.
func TestRaceFindsFlaws(t *testing.T) {
	lie := func(v store.Viewer) store.Viewer {
		if _, polled := v.(*sqlite.Reader); polled {
			return &oldHead{Viewer: v}
		}
		return v
	}
	for name, flaw := range map[string]struct {
		plant func(*race)
		told  []string
	}{
		"the stamps of the store's view are not compared": {func(r *race) { r.viewer = lie }, []string{"\nwant"}},
		"announcements are not heard":                     {func(r *race) { r.announce = func(*cache.Cache) {} }, []string{"announced", "complete through"}},
		"commits are looked for too seldom":               {func(r *race) { r.poll = 3 * racePoll }, []string{"the next had been there", "304"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRace(t)
			flaw.plant(r)
			wrong := r.run(t, 30*time.Second)
			if !slices.ContainsFunc(flaw.told, func(text string) bool { return strings.Contains(strings.Join(wrong, " "), text) }) {
				t.Fatalf("not found: %s", wrong)
			}
			t.Log(wrong[0])
		})
	}
}

// TestCommitThatNobodyAnnounced: the committer dies between commit and announcement. Readers of another process, and those
// who wait for news, have the commit within Poll.
func TestCommitThatNobodyAnnounced(t *testing.T) {
	r := newRace(t)
	r.poll, r.announce = 200*time.Millisecond, func(*cache.Cache) {}
	r.open()
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { r.failed(r.polling.Run(ctx)) })
	server := &raceReader{raceLog: &r.raceLog, server: r.server(r.polling, nil), poll: r.poll, held: map[string]heldReply{}}
	shape := raceShapes()[0]
	for n := 1; n <= 4; n++ {
		before, err := r.polling.Head(ctx)
		if err != nil {
			t.Fatal(err)
		}
		r.commitOnce(n)
		if _, err := r.polling.Next(ctx, before); err != nil { // somebody who waits is told
			t.Fatalf("commit %d: %v", n, err)
		}
		server.ask(shape)
		if held := server.held[shape.path()]; held.n != n {
			t.Fatalf("as of commit %d, want %d", held.n, n)
		}
	}
	stop()
	wg.Wait()
	if wrong := append(r.violations(), r.closeErr()...); len(wrong) > 0 {
		t.Fatal(wrong)
	}
}

func (r *race) closeErr() (wrong []string) {
	if err := errors.Join(r.reader.Close(), r.store.Close()); err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}
