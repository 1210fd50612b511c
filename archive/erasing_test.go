package archive_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"rollcall"
	"rollcall/archive"
	"rollcall/archive/s3/s3test"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/store"
	"rollcall/store/sqlite"
)

// retiring is a build that another takes the place of.
type retiring struct {
	store.Viewer
	retired *bool
}

func (r retiring) View(ctx context.Context) (store.View, error) {
	if *r.retired {
		return nil, store.ErrRetired
	}
	return r.Viewer.View(ctx)
}

// leave makes a build without a user's events so far, and has it take the place of the one before: what owners are told then.
func (b *bench) leave(user string, before *bool) (eventlog.Fetcher, *archive.Erasing) {
	b.t.Helper()
	key, e := []byte("key"), &archive.Erasing{ID: "one", Users: []string{user}, Log: b.log}
	var list []store.Erasure
	for shard := range shards {
		e.Until = append(e.Until, b.next(shard))
		list = append(list, store.Erasure{User: erase.NewPrinter(key).Of([]byte(user)), Shard: shard, Until: e.Until[shard]})
	}
	var err error
	b.store, err = sqlite.Open(b.t.Context(), sqlite.Config{Path: filepath.Join(b.t.TempDir(), "store.db"), Dimensions: []string{"campaign"}, Shards: shards})
	check(b.t, err)
	next := b.store
	b.t.Cleanup(func() { check(b.t, next.Close()) })
	log := erase.Listed(b.log, erase.NewList(key, list, 1))
	b.t.Cleanup(b.folding(log))
	b.caughtUp()
	*before = true
	return log, e
}

// byOwner has another owner of all shards work, without the users or with nobody erased.
func (b *bench) byOwner(log eventlog.Fetcher, viewer store.Viewer, e *archive.Erasing) *archive.Archive {
	b.t.Helper()
	b.reads, b.viewer, b.erasing = log, viewer, e
	return b.openOwner()
}

// An owner that is frozen at any step while another takes its shards over for a build without a user leaves no row of the user
// when it goes on: what it had begun is finished as it would have been, and then erased. Who comes back behind stays.
func TestEraseBesideFrozenOwner(t *testing.T) {
	s := s3test.Start(t)
	for i, step := range archive.Steps {
		for nth := range max(1, 2-i/3) { // a pass has several files
			t.Run(fmt.Sprint(step, nth), func(t *testing.T) {
				t.Parallel()
				b, retired := newBenchOverS3(t, archive.Config{}, s), false
				b.fence = b.place.(archive.Fence)
				b.run()
				old := retiring{b.store, &retired}
				b.post(start, 50)
				check(t, b.byOwner(b.log, old, nil).Work(t.Context()))
				b.alone("user 5", start+200*day)
				b.alone("user 5", start+200*day)
				b.post(start+hour/2, 50)
				n, frozen := nth, false
				b.step = func(name string) {
					if name != step || frozen {
						return
					}
					if n--; n < 0 {
						frozen = true
						b.step = nil
						log, e := b.leave("user 5", &retired)
						check(t, b.byOwner(log, b.store, e).Work(t.Context()))
						b.post(start+hour/3, 50)
					}
				}
				first := b.byOwner(b.log, old, nil)
				t.Logf("the frozen owner: %v", first.Work(t.Context()))
				if !frozen {
					t.Fatal("the step was not reached")
				}
				if rows, _ := b.holds("user 5"); rows > 0 {
					t.Errorf("%d rows of the user", rows)
				}
				for range shards + 1 {
					t.Logf("the frozen owner goes on: %v", first.Work(t.Context()))
				}
				last := b.byOwner(b.reads, b.viewer, b.erasing)
				check(t, last.Work(t.Context()))
				b.isWithout(last)
			})
		}
	}
}

// What an owner that is killed has begun to write for the build before is found, though the next build has nothing to write there or
// counts as accepted what was dropped.
func TestEraseAfterKilledOwner(t *testing.T) {
	for _, kind := range []string{"events", "dropped"} {
		t.Run(kind, func(t *testing.T) {
			b, retired := newBenchOverS3(t, archive.Config{}, s3test.Start(t)), false
			b.fence = b.place.(archive.Fence)
			b.run()
			b.alone("user 5", start-200*day)
			b.alone("user 5", start-200*day)
			b.post(start, 50)
			b.step = func(string) {
				if files, _ := filepath.Glob(string(b.folder) + "/" + kind + "/event_date=2024-03-18/*.parquet"); len(files) > 0 {
					panic("killed")
				}
			}
			killed := b.byOwner(b.log, retiring{b.store, &retired}, nil)
			func() {
				defer func() {
					if recover() == nil {
						t.Fatal("it was not killed")
					}
				}()
				_ = killed.Work(t.Context())
			}()
			b.step = nil
			log, e := b.leave("user 5", &retired)
			next := b.byOwner(log, b.store, e)
			b.post(start+hour/3, 50)
			for shard := range shards {
				check(t, next.Round(t.Context(), shard))
			}
			b.isWithout(next)
		})
	}
}

// isWithout: the user's rows are those of after the erasure, each row is there once, and the files have the sums and the figures of the store.
func (b *bench) isWithout(a *archive.Archive) {
	b.t.Helper()
	check(b.t, a.Prove(b.t.Context()))
	if rows, distinct := b.seen(); rows != distinct {
		b.t.Errorf("%d rows, %d of them distinct", rows, distinct)
	}
	if rows, _ := b.holds("user 5"); rows != 7 {
		b.t.Errorf("%d rows of the user who came back, not 7", rows)
	}
	r := b.reader()
	left, err := r.Erasing("one")
	check(b.t, err)
	before, err := r.Search(b.t.Context(), []string{"user 5", "nobody"}, b.erasing.Until)
	check(b.t, err)
	all, err := r.Search(b.t.Context(), []string{"user 5"}, nil)
	check(b.t, err)
	if len(left) > 0 || before.Events+before.Dropped > 0 || all.Events+all.Dropped != 7 {
		b.t.Errorf("shards %v are left, %+v is found before, %+v in all", left, before, all)
	}
	b.verified(r, "")
}

// Under a key too, the sums are those of a ledger without the user, and what reaches over the end of the erasure is taken apart.
func TestErasingUnderKey(t *testing.T) {
	s := s3test.Start(t)
	cfg := archive.Config{UserKey: []byte("a key of the test")}
	b, retired := newBenchOverS3(t, cfg, s), false
	b.fence, b.keyed = b.place.(archive.Fence), cfg
	b.run()
	b.post(start, 50)
	old := b.byOwner(b.log, retiring{b.store, &retired}, nil)
	check(t, old.Work(t.Context()))
	log, e := b.leave("user 5", &retired)
	e.Until = []rollcall.Offset{e.Until[0] / 2, e.Until[1] / 2}
	check(t, b.byOwner(log, b.store, e).Work(t.Context()))
	r, err := archive.OpenReader(b.config(cfg), b.place, shards)
	check(t, err)
	before, err := r.Search(t.Context(), []string{"user 5"}, e.Until)
	check(t, err)
	all, err := r.Search(t.Context(), []string{"user 5"}, nil)
	check(t, err)
	if before.Events > 0 || all.Events < 2 || all.Events > 5 {
		t.Errorf("%+v are left before, %+v in all", before, all)
	}
	e = &archive.Erasing{ID: "two", Users: e.Users, Log: b.log}
	for shard := range shards {
		e.Until = append(e.Until, b.next(shard))
	}
	last := b.byOwner(log, b.store, e)
	check(t, last.Work(t.Context()))
	check(t, last.Prove(t.Context()))
	if found, err := r.Search(t.Context(), []string{"user 5"}, nil); err != nil || found.Events > 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// torn is a place whose manifests are read in part, some times.
type torn struct {
	archive.Place
	times *int
}

func (p torn) Open(name string) (archive.Object, int64, error) {
	in, size, err := p.Place.Open(name)
	if *p.times--; *p.times >= 0 {
		size--
	}
	return in, size, err
}

// A manifest that is replaced while it is read is read again, and a damaged one is not read for ever.
func TestManifestReplacedMeanwhile(t *testing.T) {
	b := newBench(t, archive.Config{})
	b.run()
	b.post(start, 10)
	check(t, b.archive.Work(t.Context()))
	for times, good := range map[int]bool{5: true, 1000: false} {
		if _, err := archive.OpenReader(b.config(archive.Config{}), torn{b.place, &times}, shards); (err == nil) != good {
			t.Errorf("%d times: %v", times, err)
		}
	}
}
