package simtest_test

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
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

// run races for a while, and on until something of everything has happened; or until something is wrong.
func (r *race) run(t *testing.T, d time.Duration) []string {
	r.open()
	r.commitOnce(1)
	ctx, stop := context.WithTimeout(context.Background(), d+time.Minute)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { r.write(ctx, time.Now().Add(d)); stop() })
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
	t.Logf("%d commits, %d replies, %d not modified, %d reports; %d and %d reads sent on; second level: %d of %d found, %d damaged, %d lost",
		r.begun.Load(), r.replies.Load(), r.unchanged.Load(), r.reports.Load(), r.told.Moved(), r.polling.Moved(),
		r.level.hits.Load(), r.level.gets.Load(), r.level.damaged.Load(), r.level.lost.Load())
	return r.violations()
}

func (r *race) failed(err error) {
	if err != nil {
		r.wrong("%v", err)
	}
}

func (r *race) write(ctx context.Context, until time.Time) {
	for n := 2; ctx.Err() == nil && (time.Now().Before(until) || !r.telling()); n++ {
		r.commitOnce(n)
	}
}

// telling tells whether something of everything has happened.
func (r *race) telling() bool {
	return r.replies.Load() > 0 && r.unchanged.Load() > 0 && r.reports.Load() > 0 && r.told.Moved()+r.polling.Moved() > 0 &&
		r.level.hits.Load() > 0 && r.level.damaged.Load() > 0 && r.level.lost.Load() > 0
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

// TestRace races readers against a writer: no reply is older than the poll interval, or than a commit announced before it;
// none mixes versions in its rows, columns or tail; a tag stands for one answer.
func TestRace(t *testing.T) {
	r := newRace(t)
	if wrong := r.run(t, raceTakes(t)); len(wrong) > 0 {
		t.Fatal(strings.Join(wrong, "\n"))
	}
	if !r.telling() {
		t.Fatal("the race came to nothing")
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
