package eventlog_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"rollcall/eventlog"
	"rollcall/eventlog/logtest"
)

// sealedLog makes a log of several segments that was closed in order, and the disk it lies on.
func sealedLog(t *testing.T) (d *logtest.Disk, segments int) {
	t.Helper()
	d = logtest.NewDisk()
	l := onDisk(t, d, small)
	for i := range 12 {
		m := eventlog.Mark{Source: "source", Position: int64(i)}
		must(t, l.Append(t.Context(), []eventlog.Record{rec(0, "%0*d", 30+i*10, i), rec(1, "%d", i)}, &m))
	}
	segments = l.Stats().Segments
	must(t, l.Close())
	if segments < 3 {
		t.Fatalf("%d segments: the test shows nothing", segments)
	}
	return d, segments
}

// meets opens the log, reads it all, and gives the error that comes of it.
func meets(t *testing.T, d *logtest.Disk, read func(*eventlog.Log) error) error {
	t.Helper()
	l, err := eventlog.Open(small, eventlog.Deps{FS: d})
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // the damage is what counts
	return read(l)
}

func fetchAll(l *eventlog.Log) error {
	_, err := contents(l)
	return err
}

func verifyAll(l *eventlog.Log) error { return l.Verify(context.Background()) }

const sealBytes = 40 // the empty frame that Close writes

// TestFlippedBit: a bit flipped anywhere in a log that was closed in order is found by Verify, and by reading, and
// neither gives a wrong record.
func TestFlippedBit(t *testing.T) {
	d, segments := sealedLog(t)
	for n := 1; n <= segments; n++ {
		content := d.Content(segment(n))
		end := len(content)
		if n == segments {
			end -= sealBytes
		}
		for i := range end {
			b := slices.Clone(content)
			b[i] ^= 1 << (i % 8)
			for name, read := range map[string]func(*eventlog.Log) error{"fetch": fetchAll, "verify": verifyAll} {
				err := meets(t, d.With(segment(n), b), read)
				var corrupt *eventlog.CorruptError
				if !errors.As(err, &corrupt) {
					if i == 7 && err != nil {
						continue // another version
					}
					t.Fatalf("%s, byte %d: %s gives %v", segment(n), i, name, err)
				}
				if corrupt.File != segment(n) || corrupt.Offset > int64(i) {
					t.Fatalf("%s, byte %d: %s gives %v", segment(n), i, name, err)
				}
			}
		}
	}
}

// TestCutFile: the last segment cut off anywhere is an unfinished write; any other is damage.
func TestCutFile(t *testing.T) {
	d, segments := sealedLog(t)
	for n := 1; n <= segments; n++ {
		content := d.Content(segment(n))
		for size := range content {
			err := meets(t, d.With(segment(n), content[:size]), fetchAll)
			var corrupt *eventlog.CorruptError
			if n == segments && err != nil {
				t.Fatalf("last segment cut to %d bytes: %v", size, err)
			}
			if n < segments && (!errors.As(err, &corrupt) || corrupt.File != segment(n)) {
				t.Fatalf("segment %d cut to %d bytes: %v", n, size, err)
			}
		}
	}
}

// TestTornTail: garbage behind the last frame is cut off, and is no obstacle afterwards.
func TestTornTail(t *testing.T) {
	d, segments := sealedLog(t)
	content := d.Content(segment(segments))
	whole := func(l *eventlog.Log) error {
		if got := l.Stats().Shards[1].Next; got != 12 {
			t.Errorf("shard 1 ends at %d, want 12", got)
		}
		return errors.Join(put(l, rec(0, "next")), fetchAll(l), verifyAll(l))
	}
	for _, tail := range []string{"x", "RFRM", string(make([]byte, 5000)), string(content), string(content[len(content)-sealBytes:])} {
		torn := d.With(segment(segments), append(slices.Clone(content), tail...))
		must(t, meets(t, torn, whole))
		must(t, meets(t, torn, fetchAll))
	}
}

func TestMissingAndForeignSegments(t *testing.T) {
	d, segments := sealedLog(t)
	foreign, _ := sealedLog(t)
	for n := 2; n < segments; n++ {
		for name, content := range map[string][]byte{"missing": nil, "foreign": foreign.Content(segment(n)), "another one": d.Content(segment(n - 1))} {
			err := meets(t, d.With(segment(n), content), fetchAll)
			var corrupt *eventlog.CorruptError
			if !errors.As(err, &corrupt) || corrupt.File != segment(n) {
				t.Errorf("segment %d %s: %v", n, name, err)
			}
		}
	}
	must(t, meets(t, d.With("log/notes.txt", []byte("other files are left alone")), fetchAll))
}

// TestDamageWhileOpen: a file that is damaged under an open log is reported by the Fetch that meets it, and the records
// before it are given.
func TestDamageWhileOpen(t *testing.T) {
	d, _ := sealedLog(t)
	cfg := small
	cfg.TailBytes = 1
	l := onDisk(t, d, cfg)
	f, err := d.Open(segment(1), false)
	must(t, err)
	content := d.Content(segment(1))
	_, err = f.WriteAt([]byte{content[len(content)-1] ^ 1}, int64(len(content)-1))
	must(t, err)
	all, err := contents(l)
	var corrupt *eventlog.CorruptError
	if !errors.As(err, &corrupt) || corrupt.File != segment(1) || len(all[0]) == 0 {
		t.Errorf("%d records, then %v", len(all[0]), err)
	}
	first, next, err := l.Bounds(t.Context(), 0)
	must(t, err)
	if first != 0 || next != 12 {
		t.Errorf("bounds [%d, %d)", first, next)
	}
}

// FuzzOpen: whatever lies in the files, opening and reading give records or an error.
func FuzzOpen(f *testing.F) {
	d := logtest.NewDisk()
	l, err := eventlog.Open(small, eventlog.Deps{FS: d})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 5 {
		if err := l.Append(context.Background(), []eventlog.Record{rec(i%2, "payload %d", i)}, &eventlog.Mark{Source: "s"}); err != nil {
			f.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	content := d.Content(segment(1))
	f.Add(content)
	f.Add(content[:40])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := eventlog.Open(small, eventlog.Deps{FS: logtest.NewDisk().With(segment(1), append([]byte{}, b...))})
		if err != nil {
			return
		}
		_, _ = contents(l)
		_ = maps.Clone(l.Marks())
		if err := put(l, rec(0, "x")); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}
