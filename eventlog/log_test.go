package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/eventlog/logtest"
)

func TestConformance(t *testing.T) {
	for name, cfg := range map[string]eventlog.Config{
		"from memory": {SegmentBytes: 10_000},
		"from files":  {SegmentBytes: 5000, FrameBytes: 3000, TailBytes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			logtest.Run(t, func(t *testing.T, shards int) logtest.Harness {
				cfg := cfg
				cfg.Dir, cfg.Shards, cfg.MaxAge = t.TempDir(), shards, time.Hour
				l := open(t, cfg, eventlog.Deps{})
				return logtest.Harness{Log: l,
					Reopen: func() logtest.Log {
						must(t, l.Close())
						l = open(t, cfg, eventlog.Deps{})
						return l
					},
					Trim: func(shard int, before rollcall.Offset) logtest.Log {
						setFloor(l, []rollcall.Offset{before})
						_, err := l.Retain(time.Now().Add(2 * time.Hour))
						must(t, err)
						return l
					}}
			})
		})
	}
}

func open(t *testing.T, cfg eventlog.Config, deps eventlog.Deps) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Open(cfg, deps)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// onDisk opens a log of 2 shards in memory.
func onDisk(t *testing.T, d *logtest.Disk, cfg eventlog.Config) *eventlog.Log {
	t.Helper()
	cfg.Dir, cfg.Shards = "log", 2
	return open(t, cfg, eventlog.Deps{FS: d})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func rec(shard int, format string, args ...any) eventlog.Record {
	return eventlog.Record{Shard: shard, Count: 1, Payload: fmt.Appendf(nil, format, args...)}
}

func put(l *eventlog.Log, records ...eventlog.Record) error {
	return l.Append(context.Background(), records, nil)
}

// contents gives the payloads of every shard, in order.
func contents(l *eventlog.Log) ([][]string, error) {
	all := make([][]string, l.Shards())
	for shard := range all {
		at, next, err := l.Bounds(context.Background(), shard)
		for err == nil && at < next {
			var records []eventlog.Record
			records, err = l.Fetch(context.Background(), shard, at, 0, 1000, nil)
			for _, r := range records {
				all[shard] = append(all[shard], string(r.Payload))
				at = r.Next
			}
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func TestMarksSurvive(t *testing.T) {
	d := logtest.NewDisk()
	cfg := eventlog.Config{SegmentBytes: 300}
	l := onDisk(t, d, cfg)
	want := map[string]int64{}
	for i := range 40 {
		source := fmt.Sprint("file ", i%5)
		m := eventlog.Mark{Source: source, Position: int64(i) - 3, Done: i%7 == 6}
		must(t, l.Append(t.Context(), []eventlog.Record{rec(0, "%d", i)}, &m))
		if want[source] = m.Position; m.Done {
			delete(want, source)
		}
		if got := l.Marks(); !maps.Equal(got, want) {
			t.Fatalf("marks %v, want %v", got, want)
		}
		if i%9 == 8 {
			must(t, l.Close())
			l = onDisk(t, d, cfg)
			if got := l.Marks(); !maps.Equal(got, want) {
				t.Fatalf("marks after reopening %v, want %v", got, want)
			}
		}
	}
	if s := l.Stats(); s.Segments < 5 {
		t.Errorf("only %d segments: the test shows nothing", s.Segments)
	}
}

func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := logtest.NewDisk()
		l := onDisk(t, d, eventlog.Config{})
		syncing, release := make(chan bool), make(chan bool)
		d.SetFault(func(op logtest.Op) (int, error) {
			if op.Kind == logtest.Sync {
				syncing <- true
				<-release
			}
			return op.Size, nil
		})
		acked := make(chan error, 100)
		go func() { acked <- put(l, rec(0, "first")) }()
		<-syncing
		for i := range 99 {
			go func() { acked <- put(l, rec(i%2, "%d", i)) }()
		}
		synctest.Wait()
		if len(acked) > 0 {
			t.Error("acknowledged before the sync")
		}
		release <- true
		<-syncing
		synctest.Wait()
		if len(acked) != 1 {
			t.Errorf("%d acknowledged after the first sync, want 1", len(acked))
		}
		release <- true
		synctest.Wait()
		if s := l.Stats(); len(acked) != 100 || s.Frames != 2 || s.Appends != 100 {
			t.Errorf("%d acknowledged, %+v: want 100 in 2 frames", len(acked), s)
		}
		d.SetFault(nil)
		must(t, l.Close())
	})
}

// TestFrameBytes: a full frame makes writers wait, and lets them on.
func TestFrameBytes(t *testing.T) {
	d := logtest.NewDisk()
	l := onDisk(t, d, eventlog.Config{FrameBytes: 200})
	acked := make(chan error)
	for range 50 {
		go func() { acked <- put(l, eventlog.Record{Count: 1, Payload: make([]byte, 100)}) }()
	}
	for range 50 {
		must(t, <-acked)
	}
	must(t, put(l, eventlog.Record{Count: 1, Payload: make([]byte, 10_000)}))
	if s := l.Stats(); s.Frames != 51 || s.Events != 51 {
		t.Errorf("%+v: want each Append in a frame of its own", s)
	}
}

func TestAppendLimits(t *testing.T) {
	l := onDisk(t, logtest.NewDisk(), eventlog.Config{})
	if err := put(l, eventlog.Record{Count: 1, Payload: make([]byte, eventlog.MaxAppend)}); err == nil || !strings.Contains(err.Error(), "split") {
		t.Errorf("too large: %v", err)
	}
	if err := l.Append(t.Context(), nil, &eventlog.Mark{Source: strings.Repeat("x", 257)}); err == nil {
		t.Error("a source of 257 bytes was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Append(ctx, []eventlog.Record{rec(0, "x")}, nil); !errors.Is(err, context.Canceled) || errors.Is(err, eventlog.ErrUnavailable) {
		t.Errorf("canceled before it began: %v", err)
	}
	if s := l.Stats(); s.Events != 0 {
		t.Errorf("%d events were written", s.Events)
	}
}

// TestClockSetBack: Received never falls, over a reopening either.
func TestClockSetBack(t *testing.T) {
	d := logtest.NewDisk()
	now := time.UnixMilli(5_000_000)
	deps := eventlog.Deps{FS: d, Now: func() time.Time { return now }}
	cfg := eventlog.Config{Dir: "log", Shards: 1}
	l := open(t, cfg, deps)
	must(t, put(l, rec(0, "a")))
	must(t, l.Close())
	now = time.UnixMilli(4_000_000)
	l = open(t, cfg, deps)
	must(t, put(l, rec(0, "b")))
	records, err := l.Fetch(t.Context(), 0, 0, 0, 100, nil)
	must(t, err)
	if len(records) != 2 || records[0].Received != 5_000_000 || records[1].Received != 5_000_000 {
		t.Errorf("%+v", records)
	}
}

func TestConfigurationErrors(t *testing.T) {
	d := logtest.NewDisk()
	must(t, onDisk(t, d, eventlog.Config{}).Close())
	_, err := eventlog.Open(eventlog.Config{Dir: "log", Shards: 3}, eventlog.Deps{FS: d})
	if err == nil || !strings.Contains(err.Error(), "has 2 shards") {
		t.Errorf("other number of shards: %v", err)
	}
	for _, cfg := range []eventlog.Config{{}, {Shards: 5000}, {Shards: 1, FrameBytes: 1 << 30}, {Shards: 1, MaxBytes: -1}} {
		if _, err := eventlog.Open(cfg, eventlog.Deps{FS: d}); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

func TestLock(t *testing.T) {
	cfg := eventlog.Config{Dir: filepath.Join(t.TempDir(), "a", "log"), Shards: 1}
	l := open(t, cfg, eventlog.Deps{})
	_, err := eventlog.Open(cfg, eventlog.Deps{})
	if !errors.Is(err, eventlog.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d ", os.Getpid())) {
		t.Errorf("opened twice: %v", err)
	}
	must(t, l.Close())
	open(t, cfg, eventlog.Deps{})
}

func TestNewerVersion(t *testing.T) {
	d := logtest.NewDisk()
	l := onDisk(t, d, eventlog.Config{})
	must(t, l.Close())
	b := d.Content(segment(1))
	b[7] += 2
	d = d.With(segment(1), b)
	_, err := eventlog.Open(eventlog.Config{Dir: "log", Shards: 2}, eventlog.Deps{FS: d})
	if err == nil || !strings.Contains(err.Error(), "newer version") || !bytes.Equal(b, d.Content(segment(1))) {
		t.Errorf("got %v", err)
	}
}

func segment(n int) string { return fmt.Sprintf("log/%020d.seg", n) }
