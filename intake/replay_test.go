package intake_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/intake"
	"rollcall/record"
	"rollcall/store"
	"rollcall/store/sqlite"
)

// replayBench is a log and a store with a quarantine.
type replayBench struct {
	log   *eventlog.Log
	store *sqlite.Store
}

func newReplayBench(t *testing.T, letters ...store.DeadLetter) *replayBench {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(t.TempDir(), "log"), Shards: 3}, eventlog.Deps{Now: time.Now, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "store.db"), Dimensions: []string{"campaign"}, Shards: 3, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b := &replayBench{log, s}
	b.keep(t, letters...)
	return b
}

func (b *replayBench) keep(t *testing.T, letters ...store.DeadLetter) {
	t.Helper()
	if err := b.store.Quarantine(t.Context(), letters); err != nil {
		t.Fatal(err)
	}
}

func (b *replayBench) replay(t *testing.T, q intake.ReplayQuery, letters intake.Kept) (intake.Replayed, error) {
	t.Helper()
	r, err := intake.NewReplay(intake.ReplayConfig{Shape: intake.Shape{Dimensions: []string{"campaign"}, MaxLine: 1 << 20, Fields: map[string]string{"user_id": "visitor"}},
		Store: 0xabc, Leave: map[string]bool{"late": true}}, intake.ReplayDeps{Log: b.log, Letters: letters})
	if err != nil {
		t.Fatal(err)
	}
	return r.Run(t.Context(), q)
}

// left gives what is in the quarantine.
func (b *replayBench) left(t *testing.T) (sources []string) {
	t.Helper()
	letters, err := b.store.Letters(t.Context(), store.LetterQuery{Limit: 100_000, MaxRaw: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range letters {
		sources = append(sources, l.Source)
	}
	return sources
}

// events counts those in the log by user and id.
func (b *replayBench) events(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for shard := range b.log.Shards() {
		at, next, err := b.log.Bounds(t.Context(), shard)
		if err != nil {
			t.Fatal(err)
		}
		for at < next {
			records, err := b.log.Fetch(t.Context(), shard, at, next, 1<<20, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range records {
				var batch record.Batch
				if err := batch.Decode(records[i].Payload); err != nil {
					t.Fatal(err)
				}
				for _, row := range batch.Rows {
					found[string(row.User)+" "+string(row.ID)]++
				}
				at = records[i].Next
			}
		}
	}
	return found
}

func letterOf(source, reason, raw string) store.DeadLetter {
	return store.DeadLetter{At: 1, Source: source, Reason: reason, Raw: []byte(raw)}
}

// What is accepted now moves into the log, what is refused again or can't be healed stays, and each is counted.
func TestReplay(t *testing.T) {
	b := newReplayBench(t,
		letterOf("a", "missing_user_id", `{"visitor":"u1","time":1793534400,"event_id":"own"}`),
		letterOf("b", "missing_user_id", `{"visitor":"u1","time":"never"}`),
		letterOf("c", "missing_user_id", ` {"visitor":"u2","time":1793534400}`),
		letterOf("d", "late", `{"visitor":"u3","time":1793534400}`),
		letterOf("e", "invalid_time", `u4,2026-11-01`),
		letterOf("f", "schema_mismatch", "\x00\x00\x00\x00\x07avro"),
		letterOf("g", "missing_user_id", ""),
		letterOf("h", "line_too_long", `{"visitor":"u5","time":17935`))
	dry, err := b.replay(t, intake.ReplayQuery{Dry: true}, b.store)
	if err != nil || len(b.left(t)) != 8 || len(b.events(t)) != 0 {
		t.Fatalf("dry run: %+v %v", dry, err)
	}
	if other, err := b.replay(t, intake.ReplayQuery{Reason: "late"}, b.store); err != nil || other.Read != 1 || other.Left["late"] != 1 {
		t.Errorf("by reason: %+v %v", other, err)
	}
	if some, err := b.replay(t, intake.ReplayQuery{After: 1, Limit: 1}, b.store); err != nil || some.Read != 1 || some.Accepted != 0 {
		t.Errorf("some: %+v %v", some, err)
	}
	sum, err := b.replay(t, intake.ReplayQuery{}, b.store)
	if err != nil || sum.Read != 8 || sum.Accepted != 2 || !maps.Equal(sum.Rejected, map[string]int64{"invalid_time": 1, "invalid_json": 1}) ||
		!maps.Equal(sum.Left, map[string]int64{"late": 1, intake.NotJSON: 3}) || fmt.Sprint(dry) != fmt.Sprint(sum) {
		t.Errorf("%+v %v, dry run %+v", sum, err, dry)
	}
	if left := b.left(t); !slices.Equal(left, []string{"b", "d", "e", "f", "g", "h"}) {
		t.Errorf("left %v", left)
	}
	events := slices.Sorted(maps.Keys(b.events(t)))
	if len(events) != 2 || events[0] != "u1 own" || !strings.HasPrefix(events[1], "u2 quarantine/0000000000000abc/3/") || len(events[1]) > rollcall.MaxEventID {
		t.Errorf("%q", events)
	}
}

// stuck fails to delete.
type stuck struct{ *sqlite.Store }

var errStuck = errors.New("stuck")

func (stuck) DeleteLetters(context.Context, []int64) (int64, error) { return 0, errStuck }

// What is put in twice, as its letter stayed or stood there twice, has the same name, and different events never.
func TestReplayNamesEvents(t *testing.T) {
	const raw = `{"visitor":"u","time":1793534400}`
	b := newReplayBench(t, letterOf("10.0.0.1:99#0", "r", raw), letterOf("10.0.0.1:99#0", "r", raw), // two requests of a client
		letterOf("kafka:t/3@17", "r", raw), letterOf("kafka:t/3@17", "r", raw), // one message, twice after a crash
		letterOf("kafka:t/3@17#1", "r", raw), letterOf("kafka:t/3@18", "r", raw),
		letterOf("redis:s@1793534400123-0", "r", raw), letterOf("redis:s@1793534400123-0", "r", raw),
		letterOf("redis:channel@5", "r", raw), letterOf("redis:channel@5", "r", raw)) // counted anew by each process
	for range 2 {
		if _, err := b.replay(t, intake.ReplayQuery{}, stuck{b.store}); !errors.Is(err, errStuck) {
			t.Fatal(err)
		}
	}
	if _, err := b.replay(t, intake.ReplayQuery{}, b.store); err != nil {
		t.Fatal(err)
	}
	events, times := b.events(t), map[int]int{}
	for _, n := range events {
		times[n]++
	}
	if len(events) != 8 || times[3] != 6 || times[6] != 2 || len(b.left(t)) != 0 {
		t.Errorf("%v: %v", times, events)
	}
}

// Many letters, some of them large, go page by page.
func TestReplayPages(t *testing.T) {
	var letters []store.DeadLetter
	for i := range 3000 {
		letters = append(letters, letterOf(fmt.Sprint(i), "r", fmt.Sprintf(`{"visitor":"u%d","time":1793534400,"x":"%s"}`, i, strings.Repeat("x", i%7/6*i*100))))
	}
	b := newReplayBench(t, letters...)
	sum, err := b.replay(t, intake.ReplayQuery{Limit: 2500}, b.store)
	if err != nil || sum.Read != 2500 || sum.Accepted != 2500 || len(b.events(t)) != 2500 || len(b.left(t)) != 500 {
		t.Errorf("%+v %v", sum, err)
	}
}

// The quarantine holds the newest letters, a sixteenth more at times, and none that are too old; what goes is counted.
func TestTrim(t *testing.T) {
	b, now := newReplayBench(t), time.UnixMilli(1_793_534_400_000)
	trim := intake.NewTrimmer(intake.Bounds{Letters: 1600, Age: time.Hour}, b.store, slog.New(slog.DiscardHandler))
	number := 0
	keep := func(n int, at time.Time) {
		letters := make([]store.DeadLetter, n)
		for i := range letters {
			letters[i] = store.DeadLetter{At: at.UnixMilli(), Source: fmt.Sprint(number)}
			number++
		}
		b.keep(t, letters...)
	}
	check := func(first, left, dropped int) {
		t.Helper()
		if err := trim.Trim(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		got := b.left(t)
		if len(got) != left || left > 0 && got[0] != fmt.Sprint(first) || trim.Dropped() != int64(dropped) {
			t.Errorf("%d letters, dropped %d, want %d from %d on, dropped %d", len(got), trim.Dropped(), left, first, dropped)
		}
	}
	check(0, 0, 0)
	keep(1700, now)
	check(0, 1700, 0)
	keep(1, now)
	check(101, 1600, 101)
	keep(2500, now)
	check(2601, 1600, 2601)
	letters, err := b.store.Letters(t.Context(), store.LetterQuery{Limit: 900})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range letters {
		if _, err := b.store.DeleteLetters(t.Context(), []int64{l.Number}); err != nil {
			t.Fatal(err)
		}
	}
	keep(200, now) // numbers have gone on, but there are few
	check(3501, 900, 2601)
	now = now.Add(time.Hour + time.Millisecond)
	keep(5, now)
	check(4401, 5, 3501)
}
