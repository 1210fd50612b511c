package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/archive"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store/sqlite"
)

// alone puts in an event of a user on a day of its own.
func (b *bench) alone(user string, at int64) {
	b.t.Helper()
	e := record.NewEncoder([]string{"campaign"})
	e.Add(&rollcall.Event{User: []byte(user), ID: []byte("the same"), Session: []byte("s"), Type: []byte("lonely"), Time: at, Dims: [][]byte{[]byte("only here")}})
	check(b.t, b.log.Append(b.t.Context(), []eventlog.Record{{Shard: record.ShardOf([]byte(user), shards), Count: 1, Payload: e.Bytes()}}, nil))
	b.post(start, 1)
}

// without takes users out of the figures and the log: a store that a new aggregator has folded without them takes the old one's
// place.
func (b *bench) without(users ...string) {
	b.t.Helper()
	who := record.UsersNamed(users...)
	var err error
	b.store, err = sqlite.Open(b.t.Context(), sqlite.Config{Path: filepath.Join(b.t.TempDir(), "store.db"), Dimensions: []string{"campaign"}, Shards: shards})
	check(b.t, err)
	store := b.store
	b.t.Cleanup(func() { check(b.t, store.Close()) })
	stop := b.folding(erase.Reading(b.log, who))
	b.caughtUp()
	stop()
	_, err = b.log.Erase(b.t.Context(), who.Erase, nil)
	check(b.t, err)
	b.t.Cleanup(b.folding(b.log))
}

// folding folds a log into the store until it is told to stop.
func (b *bench) folding(log eventlog.Fetcher) (stop func()) {
	b.t.Helper()
	var err error
	b.fold, err = aggregate.New(b.t.Context(), aggregate.Config{Dimensions: []string{"campaign"}, Calendar: rollcall.NewCalendar(time.UTC), CommitInterval: time.Millisecond},
		aggregate.Deps{Log: log, Shards: shards, Store: b.store, Logger: quiet()})
	check(b.t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- b.fold.Run(ctx) }()
	return func() { cancel(); check(b.t, <-ended) }
}

func (b *bench) caughtUp() {
	b.t.Helper()
	next := make([]rollcall.Offset, shards)
	for shard := range next {
		_, next[shard], _ = b.log.Bounds(b.t.Context(), shard)
	}
	check(b.t, b.fold.Wait(b.t.Context(), next))
}

// holds tells how many rows of a user, by its name in the files, a listing shows, and whether any byte of any file names it.
func (b *bench) holds(name string) (rows int, named bool) {
	b.t.Helper()
	check(b.t, filepath.WalkDir(string(b.folder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		named = named || strings.Contains(string(body), name)
		if err != nil || filepath.Ext(path) != ".parquet" {
			return err
		}
		all, err := parquet.ReadFile[struct {
			User string `parquet:"user_id,optional"`
		}](path)
		for _, r := range all {
			if r.User == name {
				rows++
			}
		}
		return err
	}))
	return rows, named
}

// After Erase the files have no row of the users, all others, and the sums of the ledger of a store that never saw them; what
// comes later is archived as ever; under a key too.
func TestErase(t *testing.T) {
	for _, key := range [][]byte{nil, []byte("a key of the test")} {
		t.Run(fmt.Sprint(len(key)), func(t *testing.T) {
			b := newBench(t, archive.Config{UserKey: key})
			b.run()
			b.post(start, 100)
			b.alone("user 5", start+200*day)
			b.alone("user 5", start+200*day)
			check(t, b.archive.Work(t.Context()))
			users := []string{"user 5", "user 2", "nobody", ""}
			dry, err := b.archive.Erase(t.Context(), users, true)
			check(t, err)
			check(t, b.archive.Prove(t.Context()))
			before, _ := b.seen()
			b.without(users[:2]...)
			b.archive, err = b.open(archive.Config{UserKey: key})
			check(t, err)
			got, err := b.archive.Erase(t.Context(), users, false)
			check(t, err)
			if fmt.Sprint(got) != fmt.Sprint(dry) || got.Events+got.Dropped != 30 || got.Dropped != 1 || len(got.Dates) != 6 {
				t.Errorf("erased %+v, counted %+v", got, dry)
			}
			check(t, b.archive.Prove(t.Context()))
			after, distinct := b.seen()
			if before-after != 30 || distinct != after {
				t.Errorf("%d rows, %d of them distinct, were %d", after, distinct, before)
			}
			if days, _ := filepath.Glob(string(b.folder) + "/events/event_date=2025*"); len(days) > 0 {
				t.Errorf("the day of which nothing is left: %v", days)
			}
			if rows, named := b.holds("user 5"); rows > 0 || named {
				t.Errorf("%d rows, named %v", rows, named)
			}
			b.post(start+hour/2, 20)
			check(t, b.archive.Work(t.Context()))
			check(t, b.archive.Prove(t.Context()))
		})
	}
}

// An Erase that is cut off at any step shows no row twice, and is finished by the next, whatever was cut off before it.
func TestEraseCutOffAtEachStep(t *testing.T) {
	for _, step := range archive.Steps[3:] {
		for nth := 1; nth <= 2; nth++ {
			t.Run(fmt.Sprint(step, nth), func(t *testing.T) {
				b := newBench(t, archive.Config{})
				b.run()
				b.post(start, 50)
				check(t, b.archive.Work(t.Context()))
				b.post(start+hour/2, 50)
				b.cutOff(archive.Steps[1], 2) // a pass, before
				b.step = nil
				again, err := b.open(archive.Config{})
				check(t, err)
				check(t, again.Settle(t.Context()))
				b.without("user 5")
				b.eraseUntil(step, nth)
				if rows, distinct := b.seen(); rows != distinct {
					t.Errorf("cut off: %d rows, %d of them distinct", rows, distinct)
				}
				b.step = nil
				b.archive, err = b.open(archive.Config{})
				check(t, err)
				_, err = b.archive.Erase(t.Context(), []string{"user 5"}, false)
				check(t, err)
				check(t, b.archive.Work(t.Context()))
				check(t, b.archive.Prove(t.Context()))
				if rows, named := b.holds("user 5"); rows > 0 || named {
					t.Errorf("%d rows, named %v", rows, named)
				}
				if rows, distinct := b.seen(); rows != distinct || rows != 200-14 {
					t.Errorf("at the end: %d rows, %d of them distinct", rows, distinct)
				}
			})
		}
	}
}

func (b *bench) eraseUntil(step string, nth int) {
	b.t.Helper()
	b.step = func(name string) {
		if name == step {
			if nth--; nth == 0 {
				panic(name)
			}
		}
	}
	a, err := b.open(archive.Config{})
	check(b.t, err)
	defer func() {
		if recover() == nil {
			b.t.Fatal("the step was not reached")
		}
	}()
	_, err = a.Erase(b.t.Context(), []string{"user 5"}, false)
	check(b.t, err)
}

// What retention has deleted of the users is taken out of the sums that prove the rest.
func TestEraseAfterExpiry(t *testing.T) {
	b := newBench(t, archive.Config{MaxAge: 10 * 24 * time.Hour})
	b.run()
	b.post(start, 24*20)
	b.now = time.UnixMilli(start + 19*day)
	check(t, b.archive.Work(t.Context()))
	expired := b.archive.Status().Expired.Rows
	b.without("user 1")
	var err error
	b.archive, err = b.open(archive.Config{MaxAge: 10 * 24 * time.Hour})
	check(t, err)
	if err := b.archive.Prove(t.Context()); !errors.Is(err, archive.ErrDiffers) {
		t.Errorf("before: %v", err)
	}
	_, err = b.archive.Erase(t.Context(), []string{"user 1"}, false)
	check(t, err)
	check(t, b.archive.Prove(t.Context()))
	if now := b.archive.Status().Expired.Rows; now >= expired || now == 0 {
		t.Errorf("%d expired, were %d", now, expired)
	}
}
