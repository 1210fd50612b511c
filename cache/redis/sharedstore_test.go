//go:build unix

package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/cache"
	"rollcall/cache/redis/redistest"
	"rollcall/store"
	"rollcall/store/sqlite"
)

const (
	firstDay = block.Period(20_000)
	someDays = 30
)

// written is a store with one dimension and one shard, as the process that writes has it.
type written struct {
	*sqlite.Store
	path     string
	position store.Position
}

func newWritten(t testing.TB) *written {
	t.Helper()
	w := &written{path: filepath.Join(t.TempDir(), "store.db")}
	var err error
	if w.Store, err = sqlite.Open(context.Background(), sqlite.Config{Path: w.path, Dimensions: []string{"a"}, Shards: 1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Store.Close() })
	if w.position, err = w.Acquire(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	for d := range block.Period(someDays) {
		w.commit(t, firstDay+d)
	}
	return w
}

// commit adds an event of a new user to a day.
func (w *written) commit(t testing.TB, day block.Period) {
	t.Helper()
	c := store.ShardCommit{From: w.position.Offset, To: w.position}
	c.To.Offset++
	for _, cuboid := range rollcall.Cuboids(1) {
		var b block.CellsBuilder
		b.Reset(block.CellKey{Grain: rollcall.Day, Period: day, Cuboid: cuboid})
		b.Add(0, make([]rollcall.Value, cuboid), &rollcall.Counters{1, 1, 0, 1000, 1, 1})
		c.Cells = append(c.Cells, b.Build())
	}
	var b block.SetsBuilder
	b.Reset(block.SetKey{Grain: rollcall.Day, Period: day}, 1)
	b.Add([]rollcall.Value{0}, uint32(c.To.Offset), 1)
	c.Sets = []*block.Sets{b.Build()}
	if err := w.Commit(context.Background(), &store.Commit{At: int64(c.To.Offset), Shards: []store.ShardCommit{c}}); err != nil {
		t.Fatal(err)
	}
	w.position = c.To
}

// viewer counts the views opened.
type viewer struct {
	store.Viewer
	opened atomic.Int64
}

func (v *viewer) View(ctx context.Context) (store.View, error) {
	v.opened.Add(1)
	return v.Viewer.View(ctx)
}

// process is one of those that share a store and a Redis.
type process struct {
	*cache.Cache
	level *Cache
	store *viewer
}

// newProcess makes a process that learns of commits by announcements only, and runs its cache until the test ends.
func newProcess(t testing.TB, v store.Viewer, memory int64, level Config) *process {
	t.Helper()
	p := &process{store: &viewer{Viewer: v}, level: open(t, level)}
	p.Cache = cache.New(cache.Config{Bytes: memory, Poll: time.Hour, Cuboids: rollcall.Cuboids(1)}, cache.Deps{Store: p.store, Level: p.level, Announcements: p.level})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	redistest.Eventually(t, "the process listens", func() bool { return p.level.Stats().Heard > 0 && !p.busy() })
	return p
}

func (p *process) busy() bool { return p.level.Stats().Pending > 0 }

// reader opens the store as a process does that only reads.
func reader(t testing.TB, w *written) *sqlite.Reader {
	t.Helper()
	r, err := sqlite.OpenReadOnly(context.Background(), w.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// answer is what a process makes of the cells and users of all days.
func (p *process) answer(t testing.TB) string {
	t.Helper()
	var text bytes.Buffer
	err := p.Read(context.Background(), func(v *cache.View) error {
		text.Reset()
		stamps := v.Head().Between(store.DayClock, 0, 1<<30)
		cells, err1 := v.Cells(context.Background(), rollcall.Day, 1, stamps)
		sets, err2 := v.Sets(context.Background(), rollcall.Day, 0, stamps, false)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		return write(&text, cells, sets)
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// stored is the same of the newest state of the store.
func (w *written) stored(t testing.TB) string {
	t.Helper()
	v, err := w.View(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	cells, err1 := v.Cells(context.Background(), rollcall.Day, 1, 0, 1<<30)
	sets, err2 := v.Sets(context.Background(), rollcall.Day, 0, 0, 1<<30, false)
	var text bytes.Buffer
	if err := errors.Join(err1, err2, write(&text, cells, sets)); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func write(text *bytes.Buffer, cells []*block.Cells, sets []*block.Packed) error {
	for _, c := range cells {
		text.Write(c.Encode([]byte(strconv.Itoa(int(c.Key.Period)) + ":")))
	}
	for _, p := range sets {
		s, err := p.Sets()
		if err != nil {
			return err
		}
		fmt.Fprintln(text, p.Key.Period, s.Dims, s.Start, s.Users)
	}
	return nil
}
