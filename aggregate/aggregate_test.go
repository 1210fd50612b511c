package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/block"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store"
	"rollcall/store/sqlite"
)

const day0 = int64(1_790_000_000_000) // a day in 2026, Unix ms

// bench is a log and a store in a directory of the test's.
type bench struct {
	t     *testing.T
	log   *eventlog.Log
	store *sqlite.Store
}

func newBench(t *testing.T, shards int) *bench {
	dir := t.TempDir()
	l, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Shards: shards}, eventlog.Deps{Now: func() time.Time { return time.UnixMilli(day0) }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(context.Background(), sqlite.Config{Path: filepath.Join(dir, "store.db"), Dimensions: []string{"campaign"}, Shards: shards})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), l.Close()); err != nil {
			t.Error(err)
		}
	})
	return &bench{t, l, s}
}

// post appends one event for each campaign, of a user of the same name.
func (b *bench) post(ms int64, campaigns ...string) {
	b.t.Helper()
	var records []eventlog.Record
	for _, c := range campaigns {
		e := record.NewEncoder([]string{"campaign"})
		ev := rollcall.Event{User: []byte("user " + c), ID: fmt.Append(nil, c, ms), Time: ms, Dims: [][]byte{[]byte(c)}}
		e.Add(&ev)
		records = append(records, eventlog.Record{Shard: record.ShardOf(ev.User, b.log.Shards()), Count: 1, Payload: e.Bytes()})
	}
	if err := b.log.Append(context.Background(), records, nil); err != nil {
		b.t.Fatal(err)
	}
}

// own makes an aggregator over the bench and runs it; stop ends it and gives what Run returned.
func (b *bench) own(cfg aggregate.Config, s aggregate.Store) (a *aggregate.Aggregator, stop func() error) {
	return b.ownOver(b.log, cfg, s)
}

func (b *bench) ownOver(log eventlog.Fetcher, cfg aggregate.Config, s aggregate.Store) (a *aggregate.Aggregator, stop func() error) {
	b.t.Helper()
	cfg.Dimensions, cfg.Calendar, cfg.CommitInterval = []string{"campaign"}, rollcall.NewCalendar(time.UTC), time.Millisecond
	a, err := aggregate.New(context.Background(), cfg, aggregate.Deps{Log: log, Shards: b.log.Shards(), Store: s, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	b.live(a)
	return a, func() error { cancel(); return <-done }
}

// live waits until all shards are taken up.
func (b *bench) live(a *aggregate.Aggregator) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := a.Wait(ctx, make([]rollcall.Offset, b.log.Shards())); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) wait(a *aggregate.Aggregator) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	next := make([]rollcall.Offset, b.log.Shards())
	for shard := range next {
		_, next[shard], _ = b.log.Bounds(ctx, shard)
	}
	if err := a.Wait(ctx, next); err != nil {
		b.t.Fatal(err)
	}
}

// events gives the events of a date by campaign.
func (b *bench) events(d rollcall.Date) map[string]int64 {
	b.t.Helper()
	v, err := b.store.View(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	defer v.Close()
	blocks, err := v.Cells(context.Background(), rollcall.Day, 1, block.Period(d), block.Period(d)+1)
	if err != nil {
		b.t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, c := range blocks {
		for i, x := range c.Dims[0] {
			counts[v.Head().Values[0][x]] += c.Counters[rollcall.Events][i]
		}
	}
	return counts
}

func dateOf(ms int64) rollcall.Date { return rollcall.NewCalendar(time.UTC).Date(ms) }

// gate is a store whose commits wait until it is opened.
type gate struct {
	aggregate.Store
	open chan struct{}
}

func (g *gate) Commit(ctx context.Context, c *store.Commit) error {
	<-g.open
	return g.Store.Commit(ctx, c)
}

func TestFencedOwnerCannotCommit(t *testing.T) {
	b := newBench(t, 2)
	closed := &gate{b.store, make(chan struct{})}
	_, stopOld := b.own(aggregate.Config{}, closed)
	b.post(day0, "a", "b", "c", "d")

	taken, stopNew := b.own(aggregate.Config{}, b.store) // raises the epochs
	b.wait(taken)
	close(closed.open) // the old owner goes on with a commit it had begun, or begins one
	if err := stopOld(); !errors.Is(err, store.ErrFenced) {
		t.Errorf("the old owner: got %v, want %v", err, store.ErrFenced)
	}
	if err := stopNew(); err != nil {
		t.Error(err)
	}
	for c, n := range b.events(dateOf(day0)) {
		if n != 1 {
			t.Errorf("campaign %s: %d events, want 1", c, n)
		}
	}
}

// flaky is a store of which every other call fails before it does anything.
type flaky struct {
	aggregate.Store
	calls atomic.Int64
}

func (f *flaky) fail() error {
	if f.calls.Add(1)%2 == 1 {
		return errors.New("the store is away")
	}
	return nil
}

func (f *flaky) Commit(ctx context.Context, c *store.Commit) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Store.Commit(ctx, c)
}

func (f *flaky) State(ctx context.Context, k store.StateKey) ([]store.StateChunk, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.Store.State(ctx, k)
}

func (f *flaky) Intern(ctx context.Context, dim int, texts []string) ([]rollcall.Value, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.Store.Intern(ctx, dim, texts)
}

func TestFailuresOfTheStoreAreWaitedOut(t *testing.T) {
	b := newBench(t, 1)
	f := &flaky{Store: b.store}
	a, stop := b.own(aggregate.Config{}, f)
	for i := range 5 {
		b.post(day0+int64(i), fmt.Sprint(i))
		b.wait(a)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := b.events(dateOf(day0)); len(got) != 5 {
		t.Errorf("got %v, want five campaigns", got)
	}
}

// TestCapOnValues checks that a day has so many values and no more, over all shards, restarts and replays.
func TestCapOnValues(t *testing.T) {
	b := newBench(t, 3)
	cfg := aggregate.Config{MaxValues: 4}
	names := strings.Fields("a b c d e f g h i j k l")
	for round := range 3 {
		a, stop := b.own(cfg, b.store)
		b.post(day0, names[4*round:4*round+4]...)
		b.post(day0+24*3600_000, names[11-round]) // another day has room of its own
		b.wait(a)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	today, tomorrow := b.events(dateOf(day0)), b.events(dateOf(day0+24*3600_000))
	if len(today) != 5 || today[rollcall.Other] != 8 {
		t.Errorf("today: got %v, want four values and 8 events of %s", today, rollcall.Other)
	}
	if len(tomorrow) != 3 {
		t.Errorf("tomorrow: got %v, want three campaigns", tomorrow)
	}
}

func TestLateEventsGoToQuarantine(t *testing.T) {
	b := newBench(t, 1)
	a, stop := b.own(aggregate.Config{LateHorizon: 48 * time.Hour}, b.store)
	b.post(day0, "new")
	b.post(day0-5*24*3600_000, "old")
	b.wait(a)
	late := a.Status().Shards[0].Late
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	letters, err := b.store.Letters(context.Background(), store.LetterQuery{Limit: 10})
	if err != nil || len(letters) != 1 || letters[0].Reason != store.ReasonLate || !strings.Contains(string(letters[0].Raw), `"campaign":"old"`) {
		t.Errorf("got %+v, %v, want the old event", letters, err)
	}
	if late != 1 {
		t.Errorf("late: got %d, want 1", late)
	}
}

// shared is a log into which others write too: what begins with { is theirs.
type shared struct{ *eventlog.Log }

func (s shared) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	records, err := s.Log.Fetch(ctx, shard, from, until, maxBytes, buf)
	for i := range records {
		records[i].Foreign = records[i].Payload[0] == '{'
	}
	return records, err
}

// A record that somebody else wrote into the log is kept byte for byte, once, and stops nothing.
func TestForeignRecordsGoToQuarantine(t *testing.T) {
	b := newBench(t, 1)
	for round := range 2 { // the second replays the first
		a, stop := b.ownOver(shared{b.log}, aggregate.Config{SnapshotInterval: time.Hour}, b.store)
		if round == 0 {
			b.post(day0, "before")
			if err := b.log.Append(t.Context(), []eventlog.Record{{Count: 1, Payload: []byte(`{"user_id":"lost"}`)}}, nil); err != nil {
				t.Fatal(err)
			}
			b.post(day0, "behind")
		}
		b.wait(a)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	letters, err := b.store.Letters(t.Context(), store.LetterQuery{Limit: 10})
	if err != nil || len(letters) != 1 || letters[0].Reason != store.ReasonForeign || string(letters[0].Raw) != `{"user_id":"lost"}` {
		t.Errorf("got %+v, %v, want the foreign record", letters, err)
	}
	if got := b.events(dateOf(day0)); len(got) != 2 {
		t.Errorf("got %v, want the events before and behind it", got)
	}
}
