package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"rollcall"
	"rollcall/archive"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store"
	"rollcall/store/sqlite"
)

// BenchmarkReader reads an archive of 500,000 events back, one shard: of live traffic, where days follow each other, and of days in
// no order, where all files overlap.
func BenchmarkReader(b *testing.B) {
	for _, c := range []struct {
		name string
		days int
		live bool
	}{{"live", 30, true}, {"30 days in no order", 30, false}, {"365 days in no order", 365, false}} {
		b.Run(c.name, func(b *testing.B) { benchReader(b, c.days, c.live) })
	}
}

func benchReader(b *testing.B, days int, live bool) {
	const events, size = 500_000, 1000
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	dir, now := b.TempDir(), time.UnixMilli(start)
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Shards: 1}, eventlog.Deps{Now: func() time.Time { return now }, Logger: quiet()})
	must(err)
	defer log.Close()
	kept, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(dir, "store.db"), Dimensions: []string{"campaign", "country"}, Shards: 1})
	must(err)
	defer kept.Close()
	r, e := rand.New(rand.NewPCG(1, 2)), record.NewEncoder([]string{"campaign", "country"})
	for n := 0; n < events; n += size {
		e.Reset()
		for i := range size {
			at := start + r.Int64N(int64(days))*day + r.Int64N(day)
			if live {
				at = start + int64(n+i)*int64(days)*day/events
			}
			e.Add(&rollcall.Event{User: fmt.Appendf(nil, "user-%d", r.IntN(40_000)), ID: fmt.Appendf(nil, "%016x", r.Uint64()), Time: at,
				Dims: [][]byte{fmt.Appendf(nil, "c%d", r.IntN(20)), fmt.Appendf(nil, "k%d", r.IntN(50))}})
		}
		must(log.Append(b.Context(), []eventlog.Record{{Count: size, Payload: bytes.Clone(e.Bytes())}}, nil))
	}
	folder := archive.Folder(filepath.Join(dir, "archive"))
	cfg := archive.Config{Dimensions: []string{"campaign", "country"}, Calendar: rollcall.NewCalendar(time.UTC), Interval: time.Minute}
	a, err := archive.New(cfg, archive.Deps{Log: log, Shards: 1, Store: committed{kept, events}, Place: folder, Logger: quiet(), Now: time.Now})
	must(err)
	must(a.Work(b.Context()))
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		reader, err := archive.OpenReader(cfg, folder, 1)
		must(err)
		for at := rollcall.Offset(0); at < events; {
			records, err := reader.Fetch(b.Context(), 0, at, 0, 1<<20, nil)
			must(err)
			at = records[len(records)-1].Next
		}
	}
	b.ReportMetric(float64(a.Status().Bytes)/events, "B/event")
	b.ReportMetric(float64(b.N)*events/b.Elapsed().Seconds(), "events/s")
}

// committed is a store that claims to have committed so many events of shard 0.
type committed struct {
	*sqlite.Store
	next rollcall.Offset
}

func (c committed) View(ctx context.Context) (store.View, error) {
	v, err := c.Store.View(ctx)
	if err != nil {
		return nil, err
	}
	head := *v.Head()
	head.Shards = []store.Position{{Offset: c.next}}
	return claimed{v, &head}, nil
}

type claimed struct {
	store.View
	head *store.Head
}

func (c claimed) Head() *store.Head { return c.head }
