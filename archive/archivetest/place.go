// Package archivetest is what every archive.Place must do.
package archivetest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"testing"

	"rollcall/archive"
)

// Place tests an empty place.
func Place(t *testing.T, p archive.Place) {
	t.Run("whole or not there", func(t *testing.T) { whole(t, p) })
	t.Run("move", func(t *testing.T) { move(t, p) })
	t.Run("remove", func(t *testing.T) { remove(t, p) })
	t.Run("large", func(t *testing.T) { large(t, p) })
}

var errBroken = errors.New("broken")

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// holds fails unless an object has these bytes; nil is for none.
func holds(t *testing.T, p archive.Place, name string, want []byte) {
	t.Helper()
	in, size, err := p.Open(name)
	if want == nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s is there, or %v", name, err)
		}
		return
	}
	check(t, err)
	got, err := io.ReadAll(io.NewSectionReader(in, 0, size))
	check(t, err)
	if !bytes.Equal(got, want) {
		t.Fatalf("%s has %d bytes, not the %d that were put", name, len(got), len(want))
	}
	part := make([]byte, len(want)/2+1)
	if n, err := in.ReadAt(part, int64(len(want)/2)); !bytes.Equal(part[:n], want[len(want)/2:]) || (n < len(part)) != errors.Is(err, io.EOF) {
		t.Fatalf("%s: %d bytes from the middle on, %v", name, n, err)
	}
	check(t, in.Close())
}

// whole: a Put that fails changes nothing, one that does not replaces everything.
func whole(t *testing.T, p archive.Place) {
	half := func(w io.Writer) error { _, _ = io.WriteString(w, "half"); return errBroken }
	if err := p.Put("a/b=1/c.parquet", half); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	holds(t, p, "a/b=1/c.parquet", nil)
	check(t, p.Put("a/b=1/c.parquet", text("the first, which is longer")))
	if err := p.Put("a/b=1/c.parquet", half); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	holds(t, p, "a/b=1/c.parquet", []byte("the first, which is longer"))
	check(t, p.Put("a/b=1/c.parquet", text("the second")))
	holds(t, p, "a/b=1/c.parquet", []byte("the second"))
	check(t, p.Put("a/empty", text("")))
	holds(t, p, "a/empty", []byte{})
}

// move: it may be repeated, and what is not there can't be moved.
func move(t *testing.T, p archive.Place) {
	check(t, p.Put("m/staged", text("whole")))
	check(t, p.Move("m/staged", "m/d=1/x.parquet"))
	check(t, p.Move("m/staged", "m/d=1/x.parquet"))
	holds(t, p, "m/staged", nil)
	holds(t, p, "m/d=1/x.parquet", []byte("whole"))
	check(t, p.Put("m/staged", text("whole"))) // as if it had been cut off before it was deleted
	check(t, p.Move("m/staged", "m/d=1/x.parquet"))
	holds(t, p, "m/staged", nil)
	holds(t, p, "m/d=1/x.parquet", []byte("whole"))
	if err := p.Move("m/none", "m/other"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func remove(t *testing.T, p archive.Place) {
	check(t, p.Put("r/x=1/y", text("1")))
	check(t, p.Put("r/x=1/z", text("2")))
	check(t, p.Remove("r/x=1/y"))
	check(t, p.Remove("r/x=1/y"))
	check(t, p.Remove("r/none/at/all"))
	holds(t, p, "r/x=1/y", nil)
	holds(t, p, "r/x=1/z", []byte("2"))
}

// large is more than is sent or read at once; a failure far into it leaves nothing.
func large(t *testing.T, p archive.Place) {
	body := make([]byte, 40<<20+17)
	for i := range body {
		body[i] = byte(i * i >> 7)
	}
	send := func(n int, end error) func(io.Writer) error {
		return func(w io.Writer) error {
			for at := 0; at < n; at += 1 << 16 {
				if _, err := w.Write(body[at:min(at+1<<16, n)]); err != nil {
					return err
				}
			}
			return end
		}
	}
	if err := p.Put("l/x.parquet", send(30<<20, errBroken)); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	holds(t, p, "l/x.parquet", nil)
	check(t, p.Put("l/staged", send(len(body), nil)))
	check(t, p.Move("l/staged", "l/x.parquet"))
	holds(t, p, "l/x.parquet", body)
}
