package sqlite

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"rollcall"
	"rollcall/store"
)

// A store stays what it was made for, and the refusal tells both sides.
func TestOtherConfigurationIsRefused(t *testing.T) {
	path := newPath(t)
	must(t, openTest(t, path, []string{"a", "b"}, 2).Close())
	for _, c := range []struct {
		dims   []string
		shards int
		want   string
	}{
		{[]string{"a"}, 2, "dimensions [a, b], the configuration has [a]"},
		{[]string{"b", "a"}, 2, "dimensions [a, b], the configuration has [b, a]"},
		{[]string{"a", "b"}, 3, "holds 2 shards, the configuration has 3"},
	} {
		_, err := Open(context.Background(), Config{Path: path, Dimensions: c.dims, Shards: c.shards})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Fatalf("want %q, got %v", c.want, err)
		}
	}
	openTest(t, path, []string{"a", "b"}, 2)
}

func TestUselessConfigurationIsRefused(t *testing.T) {
	for _, c := range []Config{{Shards: 0}, {Shards: 1, Dimensions: make([]string, rollcall.MaxDimensions+1)}} {
		c.Path = newPath(t)
		if _, err := Open(context.Background(), c); err == nil {
			t.Fatalf("opened with %+v", c)
		}
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	path := newPath(t)
	s := openTest(t, path, nil, 1)
	must(t, s.writer.alone(context.Background(), func(ctx context.Context, t *session) error {
		_, err := t.exec(ctx, "PRAGMA user_version = 99")
		return err
	}))
	must(t, s.Close())
	if _, err := Open(context.Background(), Config{Path: path, Shards: 1}); err == nil || !strings.Contains(err.Error(), "newer release") {
		t.Fatal(err)
	}
}

func TestForeignFileIsRefused(t *testing.T) {
	path := newPath(t)
	must(t, os.WriteFile(path, []byte(strings.Repeat("no store\n", 1000)), 0o600))
	if _, err := Open(context.Background(), Config{Path: path, Shards: 1}); err == nil {
		t.Fatal("opened")
	}
	if _, err := OpenReadOnly(context.Background(), path); err == nil {
		t.Fatal("opened for reading")
	}
}

// One writer at a time; the lock goes with its owner.
func TestSecondWriterIsRefused(t *testing.T) {
	path := newPath(t)
	s := openTest(t, path, nil, 1)
	if _, err := Open(context.Background(), Config{Path: path, Shards: 1}); !errors.Is(err, ErrHeld) {
		t.Fatal(err)
	}
	acquire(t, s, 0)
	must(t, s.Close())
	must(t, s.Close())
	openTest(t, path, nil, 1)
}

func TestClosedStoreRefuses(t *testing.T) {
	s := openTest(t, newPath(t), nil, 1)
	must(t, s.Close())
	if _, err := s.Acquire(context.Background(), 0); !errors.Is(err, errClosed) {
		t.Fatal(err)
	}
	if _, err := s.View(context.Background()); !errors.Is(err, errClosed) {
		t.Fatal(err)
	}
}

// A reader beside the writer sees each commit once it is made, and a closed store as well; it never makes a file.
func TestReadOnly(t *testing.T) {
	path := newPath(t)
	if _, err := OpenReadOnly(context.Background(), path); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	s := openTest(t, path, []string{"a"}, 1)
	r, err := OpenReadOnly(context.Background(), path)
	must(t, err)
	p := acquire(t, s, 0)
	for i := range int64(3) {
		c := store.ShardCommit{From: p.Offset, To: p}
		c.To.Offset++
		commit(t, s, c)
		p = c.To
		if got := offset(t, r); got != p.Offset {
			t.Fatalf("after commit %d: offset %d", i, got)
		}
	}
	must(t, r.Close())
	must(t, s.Close())
	r, err = OpenReadOnly(context.Background(), path)
	must(t, err)
	if got := offset(t, r); got != p.Offset {
		t.Fatalf("closed store: offset %d", got)
	}
	must(t, r.Close())
}

func offset(t *testing.T, r *Reader) rollcall.Offset {
	t.Helper()
	v, err := r.View(context.Background())
	must(t, err)
	defer func() { must(t, v.Close()) }()
	return v.Head().Shards[0].Offset
}

// What durability and the size of the file rest on is really in force.
func TestSettingsInForce(t *testing.T) { checkSettings(t, openTest(t, newPath(t), nil, 1)) }

func checkSettings(t *testing.T, s *Store) {
	t.Helper()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "page_size": "8192", "auto_vacuum": "2"} {
		var got string
		must(t, s.writer.session.conn.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got))
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}

// Close leaves one file, whole.
func TestCloseWritesTheWALBack(t *testing.T) {
	path := newPath(t)
	s := openTest(t, path, nil, 1)
	acquire(t, s, 0)
	must(t, s.Close())
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Fatalf("the WAL has %d bytes", info.Size())
	}
}
