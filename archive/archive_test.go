package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/archive"
	"rollcall/archive/s3"
	"rollcall/archive/s3/s3test"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store"
	"rollcall/store/sqlite"
)

const (
	shards = 2
	hour   = int64(3_600_000)
	day    = 24 * hour
	start  = 20_000 * day // 2024-10-04, Unix ms
)

// bench is a log, a store and an archive in a directory of the test's, folded by a real aggregator.
type bench struct {
	t       *testing.T
	log     *eventlog.Log
	store   *sqlite.Store
	archive *archive.Archive
	place   archive.Place
	fence   archive.Fence  // nil for one process
	folder  archive.Folder // where the files of the place are
	now     time.Time
	fold    *aggregate.Aggregator
	horizon time.Duration // of late events
	step    func(string)

	// of owners that are opened; nil for log, store and nobody
	reads   eventlog.Fetcher
	viewer  store.Viewer
	erasing *archive.Erasing
	keyed   archive.Config
}

func newBench(t *testing.T, cfg archive.Config) *bench {
	t.Helper()
	folder := archive.Folder(filepath.Join(t.TempDir(), "archive"))
	return newBenchAt(t, cfg, folder, folder)
}

// newBenchOverS3 is a bench with its archive in a bucket of a server.
func newBenchOverS3(t *testing.T, cfg archive.Config, s *s3test.Server) *bench {
	t.Helper()
	prefix := fmt.Sprintf("%x", t.Name())
	place, err := s3.New(s3.Config{Bucket: s3test.Bucket, Prefix: prefix, Endpoint: s.URL, Region: "us-east-1", AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey})
	check(t, err)
	return newBenchAt(t, cfg, place, archive.Folder(filepath.Join(s.Dir, prefix)))
}

func newBenchAt(t *testing.T, cfg archive.Config, place archive.Place, folder archive.Folder) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, place: place, folder: folder, now: time.UnixMilli(start)}
	var err error
	b.log, err = eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Shards: shards, SegmentBytes: 64 << 10, MaxAge: time.Minute},
		eventlog.Deps{Now: func() time.Time { return b.now }, Logger: quiet()})
	check(t, err)
	b.store, err = sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "store.db"), Dimensions: []string{"campaign"}, Shards: shards})
	check(t, err)
	t.Cleanup(func() { check(t, errors.Join(b.store.Close(), b.log.Close())) })
	b.archive, err = b.open(cfg)
	check(t, err)
	return b
}

func (b *bench) config(cfg archive.Config) archive.Config {
	cfg.Calendar, cfg.Interval = rollcall.NewCalendar(time.UTC), time.Minute
	if cfg.Dimensions == nil {
		cfg.Dimensions = []string{"campaign"}
	}
	return cfg
}

func (b *bench) open(cfg archive.Config) (*archive.Archive, error) {
	deps := archive.Deps{Log: b.log, Shards: shards, Store: b.store, Erasing: b.erasing, Place: b.place, Fence: b.fence, Logger: quiet(), Now: func() time.Time { return b.now }, Step: b.step}
	if b.viewer != nil {
		deps.Log, deps.Store = b.reads, b.viewer
	}
	return archive.New(b.config(cfg), deps)
}

// run folds until the test ends, or until it is stopped.
func (b *bench) run() (stop func()) { b.t.Helper(); return b.runOver(b.log) }

func (b *bench) runOver(log eventlog.Fetcher) (stop func()) {
	b.t.Helper()
	var err error
	b.fold, err = aggregate.New(b.t.Context(), aggregate.Config{Dimensions: []string{"campaign"}, Calendar: rollcall.NewCalendar(time.UTC), CommitInterval: time.Millisecond,
		SnapshotInterval: time.Millisecond, LateHorizon: b.horizon}, aggregate.Deps{Log: log, Shards: shards, Store: b.store, Logger: quiet(), Reporter: b.archive.Holding(b.log)})
	check(b.t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- b.fold.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); check(b.t, <-ended) })
	b.t.Cleanup(stop)
	return stop
}

// post appends n events an hour apart, some of them the same as before, and waits until they are committed.
func (b *bench) post(from int64, n int) {
	b.t.Helper()
	for i := range n {
		ev := rollcall.Event{User: fmt.Appendf(nil, "user %d", i%7), ID: fmt.Append(nil, from, i/2), Time: from + int64(i)*hour, Dims: [][]byte{[]byte(strings.Repeat("c", i%3))}}
		e := record.NewEncoder([]string{"campaign"})
		e.Add(&ev)
		ev.User = nil
		e.Add(&ev)
		check(b.t, b.log.Append(b.t.Context(), []eventlog.Record{{Shard: record.ShardOf(fmt.Appendf(nil, "user %d", i%7), shards), Count: 2, Payload: bytes.Clone(e.Bytes())}}, nil))
	}
	b.wait()
}

// wait waits until everything is committed.
func (b *bench) wait() {
	b.t.Helper()
	next := make([]rollcall.Offset, shards)
	for shard := range next {
		next[shard] = b.next(shard)
	}
	check(b.t, b.fold.Wait(b.t.Context(), next))
}

// next is where the log of a shard ends.
func (b *bench) next(shard int) rollcall.Offset {
	b.t.Helper()
	_, next, err := b.log.Bounds(b.t.Context(), shard)
	check(b.t, err)
	return next
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The log lets go of nothing that is not in the archive, and of what is once it is there, without another commit.
func TestLogIsHeld(t *testing.T) {
	b := newBench(t, archive.Config{})
	b.run()
	for i := range 30 {
		b.now = b.now.Add(10 * time.Minute)
		b.post(start+int64(i)*day, 60)
	}
	if _, err := b.log.Retain(b.now); err != nil || b.log.Stats().Shards[0].First != 0 {
		t.Fatalf("trimmed before it was archived, or %v", err)
	}
	check(t, b.archive.Work(t.Context()))
	check(t, b.archive.Prove(t.Context()))
	for shard := range shards { // the last snapshot has been told before, or will be by a tick of the aggregator
		for b.log.Stats().Shards[shard].First == 0 {
			check(t, t.Context().Err())
			_, err := b.log.Retain(b.now)
			check(t, err)
		}
	}
	b.post(start+100*day, 10)
	check(t, b.archive.Work(t.Context()))
	check(t, b.archive.Prove(t.Context()))
}

// seen gives how often each row is in the files that a listing of the directories shows.
func (b *bench) seen() (rows, distinct int) {
	b.t.Helper()
	type row struct {
		Shard  int64 `parquet:"log_shard"`
		Offset int64 `parquet:"log_offset"`
		Row    int64 `parquet:"log_row"`
	}
	all := map[row]bool{}
	files, _ := filepath.Glob(string(b.folder) + "/*/*/*.parquet")
	for _, name := range files {
		part, err := parquet.ReadFile[row](name)
		check(b.t, err)
		rows += len(part)
		for _, r := range part {
			all[r] = true
		}
	}
	return rows, len(all)
}

// An archive that is cut off at any step goes on from there, although other events have come meanwhile: each row is there once,
// and never seen twice.
func TestCutOffAtEachStep(t *testing.T) {
	t.Run("folder", func(t *testing.T) {
		cutOffAtEachStep(t, func(t *testing.T) *bench { return newBench(t, archive.Config{}) })
	})
	s := s3test.Start(t)
	t.Run("s3", func(t *testing.T) {
		cutOffAtEachStep(t, func(t *testing.T) *bench { return newBenchOverS3(t, archive.Config{}, s) })
	})
}

func cutOffAtEachStep(t *testing.T, open func(*testing.T) *bench) {
	for _, step := range archive.Steps {
		for nth := 1; nth <= 2; nth++ {
			t.Run(fmt.Sprint(step, nth), func(t *testing.T) {
				t.Parallel()
				b := open(t)
				b.run()
				b.post(start, 50)
				check(t, b.archive.Work(t.Context()))
				b.post(start+hour/2, 50)
				b.cutOff(step, nth)
				if rows, distinct := b.seen(); rows != distinct {
					t.Errorf("cut off: %d rows, %d of them distinct", rows, distinct)
				}
				b.step = nil
				b.post(start+hour/3, 50)
				again, err := b.open(archive.Config{})
				check(t, err)
				check(t, again.Work(t.Context()))
				check(t, again.Prove(t.Context()))
				if rows, distinct := b.seen(); rows != distinct || rows != 300 {
					t.Errorf("at the end: %d rows, %d of them distinct", rows, distinct)
				}
				if left, _ := filepath.Glob(string(b.folder) + "/staged/*"); len(left) > 0 {
					t.Errorf("left over: %v", left)
				}
			})
		}
	}
}

// cutOff works until the nth pass of a step.
func (b *bench) cutOff(step string, nth int) {
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
	check(b.t, a.Work(b.t.Context()))
}

// Old days go, and the rest is proved with what went.
func TestExpiry(t *testing.T) {
	b := newBench(t, archive.Config{MaxAge: 10 * 24 * time.Hour})
	b.run()
	b.post(start, 24*20)
	b.now = time.UnixMilli(start + 19*day)
	check(t, b.archive.Work(t.Context()))
	s := b.archive.Status()
	if s.Expired.Rows == 0 || s.First != rollcall.NewCalendar(time.UTC).Date(start+9*day).String() {
		t.Errorf("%+v", s)
	}
	if days, _ := filepath.Glob(string(b.folder) + "/events/*"); len(days) != 11 {
		t.Errorf("%d days", len(days))
	}
	check(t, b.archive.Prove(t.Context()))
}

// Under a key, files hold no user id, equal users stay equal, and the archive is refused without the key or with another.
func TestUserKey(t *testing.T) {
	key := []byte("a key of the test")
	b := newBench(t, archive.Config{UserKey: key})
	b.run()
	b.post(start, 70)
	check(t, b.archive.Work(t.Context()))
	check(t, b.archive.Prove(t.Context()))
	files, _ := filepath.Glob(string(b.folder) + "/*/*/*.parquet")
	users := map[string]bool{}
	for _, name := range files {
		rows, err := parquet.ReadFile[struct {
			User string `parquet:"user_id,optional"`
		}](name)
		check(t, err)
		for _, r := range rows {
			users[r.User] = true
			if len(r.User) != 32 && r.User != "" {
				t.Fatalf("%s: user %q", name, r.User)
			}
		}
	}
	if len(users) != 8 { // 7, and none
		t.Errorf("%d users", len(users))
	}
	for _, cfg := range []archive.Config{{}, {UserKey: []byte("another key of the test")}, {UserKey: key, Dimensions: []string{"other"}}} {
		if _, err := b.open(cfg); err == nil {
			t.Errorf("opened with %+v", cfg)
		}
	}
	_, err := b.open(archive.Config{UserKey: key})
	check(t, err)
}

// A dimension that would hide a column is refused.
func TestColumnNames(t *testing.T) {
	b := newBench(t, archive.Config{})
	if _, err := b.open(archive.Config{Dimensions: []string{"log_row"}}); err == nil || !strings.Contains(err.Error(), "log_row") {
		t.Error(err)
	}
}

// A folder keeps nothing of what failed, and no empty directories.
func TestFolder(t *testing.T) {
	f := archive.Folder(filepath.Join(t.TempDir(), "a"))
	broken := errors.New("broken")
	if err := f.Put("x/y.parquet", func(w io.Writer) error { _, _ = w.Write([]byte("half")); return broken }); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(string(f) + "/x/*"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	check(t, f.Put("x/y.parquet", func(w io.Writer) error { _, err := w.Write([]byte("whole")); return err }))
	check(t, f.Remove("x/y.parquet"))
	if _, err := os.Stat(filepath.Join(string(f), "x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty directory stays: %v", err)
	}
}

// An archive in a bucket gives back what the log holds.
func TestReaderOverS3(t *testing.T) {
	b := newBenchOverS3(t, archive.Config{}, s3test.Start(t))
	b.run()
	b.post(start, 200)
	check(t, b.archive.Work(t.Context()))
	check(t, b.archive.Prove(t.Context()))
	b.verified(b.reader(), "")
}
