package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"rollcall"
	"rollcall/archive"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store/sqlite"
	"rollcall/verify"
)

// reader opens the archive of a bench to be read.
func (b *bench) reader() *archive.Reader {
	b.t.Helper()
	r, err := archive.OpenReader(b.config(archive.Config{}), b.place, shards)
	check(b.t, err)
	return r
}

// event is what a record's payload means.
type event struct {
	rollcall.Event
	hi, lo uint64
}

// entry is a record, and what it means.
type entry struct {
	eventlog.Record
	events []event
}

func meaning(r eventlog.Record) (entry, error) {
	e := entry{Record: r}
	var b record.Batch
	if err := b.Decode(bytes.Clone(r.Payload)); err != nil {
		return e, err
	}
	for i := range b.Rows {
		var ev event
		b.Event(i, &ev.Event)
		ev.Type = b.TypeName(&b.Rows[i])
		ev.hi, ev.lo = b.Hash(&b.Rows[i])
		e.events = append(e.events, ev)
	}
	e.Payload = nil
	return e, nil
}

// read gives all records of a shard below until.
func read(ctx context.Context, from eventlog.Fetcher, shard int, at, until rollcall.Offset, maxBytes int) (all []entry, err error) {
	for at < until {
		records, err := from.Fetch(ctx, shard, at, until, maxBytes, nil)
		if err != nil {
			return all, err
		}
		for _, r := range records {
			e, err := meaning(r)
			if err != nil {
				return all, err
			}
			all, at = append(all, e), r.Next
		}
	}
	return all, nil
}

// text prints events, so that nil and empty texts are the same.
func text(all []entry) (lines []string) {
	for _, e := range all {
		lines = append(lines, fmt.Sprintf("%d %d..%d %d rows at %d foreign %v", e.Shard, e.Offset, e.Next, e.Count, e.Received, e.Foreign))
		for _, ev := range e.events {
			lines = append(lines, fmt.Sprintf("  %q %q %q %q %q %d %v %v %v %d %x %x", ev.User, ev.ID, ev.Session, ev.Type, ev.Dims, ev.Time, ev.Record, ev.Bounce, ev.NewUser, ev.Duration, ev.hi, ev.lo))
		}
	}
	return lines
}

// same fails at the first line in which two readings differ.
func same(t interface{ Fatalf(string, ...any) }, what string, got, want []entry) {
	g, w := text(got), text(want)
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s: line %d of %d and %d:\n%s\nwant\n%s", what, i, len(g), len(w), strings.Join(g[min(i, len(g)):min(i+1, len(g))], ""), strings.Join(w[min(i, len(w)):min(i+1, len(w))], ""))
		}
	}
}

// drawEvents are those of one Append: of few users, ids and values, so that some are duplicates, some are session records,
// and some lie days apart.
func drawEvents(rt *rapid.T) map[int]*record.Encoder {
	batches := map[int]*record.Encoder{}
	for range rapid.IntRange(1, 8).Draw(rt, "events") {
		pick := func(name string, values ...string) []byte { return []byte(rapid.SampledFrom(values).Draw(rt, name)) }
		ev := rollcall.Event{User: pick("user", "a", "b", "c", "d\x00"), ID: pick("id", "", "", "1", "2", "3"), Session: pick("session", "", "s"),
			Type: pick("type", "", "event", "view"), Dims: [][]byte{pick("campaign", "", "(not set)", "c1", "c2")},
			Time: start + rapid.Int64Range(0, 40).Draw(rt, "time")*7*hour}
		if ev.Record = rapid.IntRange(0, 5).Draw(rt, "record") == 0; ev.Record {
			ev.Bounce, ev.NewUser, ev.Duration = rapid.Bool().Draw(rt, "bounce"), rapid.Bool().Draw(rt, "new"), rapid.Int64Range(0, 1e6).Draw(rt, "duration")
			if rapid.Bool().Draw(rt, "anonymous") {
				ev.User = nil
			}
		}
		shard := record.ShardOf(ev.User, shards)
		if batches[shard] == nil {
			batches[shard] = record.NewEncoder([]string{"campaign"})
		}
		batches[shard].Add(&ev)
	}
	return batches
}

// What comes out of the archive is what the log holds, however it was written, merged and is read, and also while files are
// being merged under the reader's hands.
func TestReaderEqualsLog(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, archive.Config{})
		b.horizon = 5 * 24 * time.Hour
		defer b.run()()
		b.archive.Small(rapid.Int64Range(1, 40).Draw(rt, "row group"))
		b.writeSome(rt)
		r := b.reader()
		r.Small(rapid.Int64Range(1, 40).Draw(rt, "held"))
		for shard := range shards {
			want, err := read(t.Context(), b.log, shard, 0, b.next(shard), 1<<20)
			check(t, err)
			first, next, err := r.Bounds(t.Context(), shard)
			if err != nil || first != 0 || next != b.next(shard) {
				rt.Fatalf("bounds %d %d %v, want 0 %d", first, next, err, b.next(shard))
			}
			var got []entry
			for at := rollcall.Offset(0); at < next; {
				check(t, b.archive.Merge(shard, rapid.Bool().Draw(rt, "merge")))
				i := rapid.IntRange(0, len(want)).Draw(rt, "until")
				until := next
				if i < len(want) {
					until = max(want[i].Offset, at+1)
				}
				records, err := r.Fetch(t.Context(), shard, at, until, rapid.IntRange(1, 500).Draw(rt, "bytes"), nil)
				check(t, err)
				for _, rec := range records {
					e, err := meaning(rec)
					check(t, err)
					got, at = append(got, e), rec.Next
				}
			}
			same(rt, "archive", got, want)
			if len(want) > 0 {
				some := rapid.IntRange(0, len(want)-1).Draw(rt, "from")
				got, err = read(t.Context(), r, shard, want[some].Offset, next, 1<<20)
				check(t, err)
				same(rt, "from the middle", got, want[some:])
			}
			if _, err := r.Fetch(t.Context(), shard, next, 0, 1, nil); !errors.Is(err, archive.ErrEnd) {
				rt.Fatalf("at the end: %v", err)
			}
		}
	})
}

// writeSome appends, archives and merges at random, and archives the rest.
func (b *bench) writeSome(rt *rapid.T) {
	for range rapid.IntRange(1, 15).Draw(rt, "appends") {
		b.now = b.now.Add(time.Duration(rapid.Int64Range(0, 1e6).Draw(rt, "ms")) * time.Millisecond)
		var records []eventlog.Record
		for shard, e := range drawEvents(rt) {
			records = append(records, eventlog.Record{Shard: shard, Count: e.Count(), Payload: bytes.Clone(e.Bytes())})
		}
		check(b.t, b.log.Append(b.t.Context(), records, nil))
		if rapid.IntRange(0, 2).Draw(rt, "pass") == 0 {
			b.wait()
			check(b.t, b.archive.Pass(b.t.Context(), rapid.IntRange(0, shards-1).Draw(rt, "shard")))
		}
	}
	b.wait()
	for shard := range shards {
		check(b.t, b.archive.Pass(b.t.Context(), shard))
	}
}

// A shard of many days in no order, with pages and row groups that end anywhere, is read in the memory of few rows.
func TestReaderOfManyDays(t *testing.T) {
	b := newBench(t, archive.Config{})
	defer b.run()()
	b.archive.Small(3000)
	e, n := record.NewEncoder([]string{"campaign"}), 0
	for range 60 {
		e.Reset()
		for range 1000 {
			n++
			e.Add(&rollcall.Event{User: []byte("u"), ID: fmt.Appendf(nil, "a rather long id %d", n), Time: start + int64(n*7919%20)*day, Dims: [][]byte{nil}})
		}
		check(t, b.log.Append(t.Context(), []eventlog.Record{{Shard: 0, Count: 1000, Payload: bytes.Clone(e.Bytes())}}, nil))
	}
	b.wait()
	check(t, b.archive.Work(t.Context()))
	want, err := read(t.Context(), b.log, 0, 0, b.next(0), 1<<20)
	check(t, err)
	r := b.reader()
	r.Small(9000)
	got, err := read(t.Context(), r, 0, 0, b.next(0), 1<<20)
	check(t, err)
	same(t, "archive", got, want)
	got, err = read(t.Context(), r, 0, want[41].Offset, b.next(0), 1<<20)
	check(t, err)
	same(t, "from the middle", got, want[41:])
}

// A log that was trimmed reads on from the archive as if it had not been, and proves the ledger.
func TestBehindTrimmedLog(t *testing.T) {
	b := newBench(t, archive.Config{})
	defer b.run()()
	for i := range 30 {
		b.now = b.now.Add(10 * time.Minute)
		b.post(start+int64(i)*day, 60)
	}
	var want [shards][]entry
	for shard := range want {
		var err error
		want[shard], err = read(t.Context(), b.log, shard, 0, b.next(shard), 1<<20)
		check(t, err)
	}
	check(t, b.archive.Work(t.Context()))
	b.trim()
	b.post(start+100*day, 10)
	behind, err := b.reader().Behind(b.log)
	check(t, err)
	for shard := range want {
		first, next, err := behind.Bounds(t.Context(), shard)
		if err != nil || first != 0 || next != b.next(shard) {
			t.Fatalf("bounds %d %d %v", first, next, err)
		}
		got, err := read(t.Context(), behind, shard, 0, next, 1<<10)
		check(t, err)
		same(t, "behind", got[:len(want[shard])], want[shard])
	}
	b.verified(behind, "")
	b.verified(b.log, "trimmed")
	check(t, b.archive.Work(t.Context()))
	b.verified(b.reader(), "")
}

// An aggregator that begins anew over a trimmed log with the archive behind it comes to the figures of the first one.
func TestFoldFromArchive(t *testing.T) {
	b := newBench(t, archive.Config{})
	b.horizon = 40 * 24 * time.Hour
	stop := b.run()
	for i := range 30 {
		b.now = b.now.Add(10 * time.Minute)
		b.post(start+int64(i*i%13)*7*day, 60)
	}
	check(t, b.archive.Work(t.Context()))
	b.trim()
	b.post(start+100*day, 10)
	stop()
	behind, err := b.reader().Behind(b.log)
	check(t, err)
	first := b.store
	b.store, err = sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "again.db"), Dimensions: []string{"campaign"}, Shards: shards})
	check(t, err)
	defer func() { check(t, b.store.Close()); b.store = first }()
	defer b.runOver(behind)()
	b.wait()
	b.verified(behind, "")
	var ledgers, heads [2]string
	for i, s := range []*sqlite.Store{first, b.store} {
		view, err := s.View(t.Context())
		check(t, err)
		rows, err := view.Ledger(t.Context(), math.MinInt64/2, math.MaxInt64/2, false)
		check(t, err)
		ledgers[i] = fmt.Sprint(rows)
		for _, p := range view.Head().Shards {
			heads[i] += fmt.Sprintln(p.Offset, p.Accepted, p.Duplicates, p.Late, p.Users, p.MaxTime, p.Received)
		}
		check(t, view.Close())
	}
	if ledgers[0] != ledgers[1] || heads[0] != heads[1] {
		t.Errorf("the ledger was\n%s\n%s\nand is\n%s\n%s", ledgers[0], heads[0], ledgers[1], heads[1])
	}
}

// trim lets the log go of what is archived, in both shards.
func (b *bench) trim() {
	b.t.Helper()
	for shard := range shards {
		for b.log.Stats().Shards[shard].First == 0 {
			check(b.t, b.t.Context().Err())
			_, err := b.log.Retain(b.now)
			check(b.t, err)
		}
	}
}

// verified compares the ledger with a source. It is equal, or what the report or the error say holds the text.
func (b *bench) verified(source eventlog.Fetcher, trouble string) {
	b.t.Helper()
	report, err := verify.Run(b.t.Context(), verify.Config{Cuboids: rollcall.Cuboids(1), Calendar: rollcall.NewCalendar(time.UTC), Gap: 30 * time.Minute,
		LateHorizon: b.horizon, MinuteRetention: 48 * time.Hour, HourRetention: 90 * 24 * time.Hour, Limit: 5}, verify.Deps{Source: verify.Log{Fetcher: source}, Store: b.store, Now: time.Now})
	text := fmt.Sprint(err)
	if err == nil {
		text = fmt.Sprint(report.Unverified, report.Shown)
	}
	if equal := err == nil && report.Equal && len(report.Unverified) == 0; equal != (trouble == "") || !strings.Contains(text, trouble) {
		b.t.Fatalf("want %q, have %s", trouble, text)
	}
}

// What was lost, cut, doubled or changed in the files is named.
func TestReaderNamesDamage(t *testing.T) {
	b := newBench(t, archive.Config{})
	defer b.run()()
	b.archive.Small(7)
	b.post(start, 3*24)
	check(t, b.archive.Work(t.Context()))
	b.verified(b.reader(), "")
	want, err := read(t.Context(), b.log, 0, 0, b.next(0), 1<<20)
	check(t, err)
	files, _ := filepath.Glob(string(b.folder) + "/events/*/0-*.parquet")
	file, list := files[1], filepath.Join(string(b.folder), "manifest", "shard-0.json")
	name := strings.TrimPrefix(file, string(b.folder)+"/")
	good, err := os.ReadFile(file)
	check(t, err)
	manifest, err := os.ReadFile(list)
	check(t, err)
	spoil := func(trouble string, change func()) {
		t.Helper()
		change()
		b.verified(b.reader(), trouble)
		check(t, os.WriteFile(file, good, 0o600))
		check(t, os.WriteFile(list, manifest, 0o600))
		b.verified(b.reader(), "")
	}
	spoil(name, func() { check(t, os.Remove(file)) })
	spoil(name, func() { check(t, os.WriteFile(file, good[:len(good)/2], 0o600)) })
	spoil("is in no file", func() { rewrite(t, file, list, func(i int) int { return min(i, 1) }) })
	spoil("there twice, the second time in "+name, func() { rewrite(t, file, list, func(i int) int { return 2 - min(i, 1) }) })
	spoil("is in no file", func() { rewrite(t, file, list, func(i int) int { return i / 7 % 2 }) })
	for at := 4; at < len(good); at += 41 {
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		check(t, os.WriteFile(file, bad, 0o600))
		if got, err := read(t.Context(), b.reader(), 0, 0, b.next(0), 1<<20); err == nil {
			same(t, fmt.Sprintf("with a flipped bit in byte %d of %s", at, name), got, want)
		} else if !strings.Contains(err.Error(), name) {
			t.Errorf("byte %d: %v does not name %s", at, err, name)
		}
	}
}

// rewrite writes row i of a file so many times, and makes the manifest agree.
func rewrite(t *testing.T, file, list string, times func(i int) int) {
	t.Helper()
	body, err := os.ReadFile(file)
	check(t, err)
	in, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	check(t, err)
	var out bytes.Buffer
	w := parquet.NewWriter(&out, in.Schema())
	i, written := 0, 0
	for _, g := range in.RowGroups() {
		rows := g.Rows()
		for {
			one := make([]parquet.Row, 1)
			if n, _ := rows.ReadRows(one); n == 0 {
				break
			}
			for range times(i) {
				_, err := w.WriteRows(one)
				check(t, err)
				written++
			}
			i++
		}
		check(t, rows.Close())
	}
	check(t, w.Close())
	check(t, os.WriteFile(file, out.Bytes(), 0o600))
	manifest, err := os.ReadFile(list)
	check(t, err)
	before, after, found := strings.Cut(string(manifest), filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file))
	if !found {
		t.Fatalf("%s is not in the manifest", file)
	}
	after = strings.Replace(after, fmt.Sprintf(`"bytes":%d,`, len(body)), fmt.Sprintf(`"bytes":%d,`, out.Len()), 1)
	after = strings.Replace(after, fmt.Sprintf(`"rows":%d,`, i), fmt.Sprintf(`"rows":%d,`, written), 1)
	check(t, os.WriteFile(list, []byte(before+filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file)+after), 0o600))
}

// What was deleted by age is told, and what is whole behind it is read.
func TestReaderAfterExpiry(t *testing.T) {
	b := newBench(t, archive.Config{MaxAge: 10 * 24 * time.Hour})
	defer b.run()()
	b.post(start, 24)
	check(t, b.archive.Work(t.Context()))
	b.post(start+20*day, 24)
	b.now = time.UnixMilli(start + 21*day)
	check(t, b.archive.Work(t.Context()))
	for shard := range shards {
		r := b.reader()
		first, next, err := r.Bounds(t.Context(), shard)
		check(t, err)
		if first == 0 || first >= next {
			t.Fatalf("whole from %d to %d", first, next)
		}
		if _, err := r.Fetch(t.Context(), shard, 0, 0, 1, nil); !errors.Is(err, eventlog.ErrTrimmed) {
			t.Error(err)
		}
		want, err := read(t.Context(), b.log, shard, first, next, 1<<20)
		check(t, err)
		got, err := read(t.Context(), r, shard, first, next, 1<<20)
		check(t, err)
		same(t, "what is left", got, want)
	}
}

// An archive of hashed users is read by itself, and is not joined with a log of users by name.
func TestReaderOfHashedUsers(t *testing.T) {
	cfg := archive.Config{UserKey: []byte("a key of the test")}
	b := newBench(t, cfg)
	defer b.run()()
	b.post(start, 20)
	check(t, b.archive.Work(t.Context()))
	r, err := archive.OpenReader(b.config(cfg), b.place, shards)
	check(t, err)
	if _, err := r.Behind(b.log); !errors.Is(err, archive.ErrKeyed) {
		t.Error(err)
	}
	got, err := read(t.Context(), r, 0, 0, b.next(0), 1<<20)
	check(t, err)
	want, err := read(t.Context(), b.log, 0, 0, b.next(0), 1<<20)
	check(t, err)
	if len(got) != len(want) || len(got) == 0 || len(got[0].events[0].User) != 32 {
		t.Errorf("%d records, not %d", len(got), len(want))
	}
}
