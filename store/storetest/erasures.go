package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall"
	"rollcall/store"
)

// RunErasures holds an adapter against the contract of the list of erased users. open opens the list of one data set, empty at
// first, anew each time.
func RunErasures(t *testing.T, open func(t *testing.T) store.Erasures) {
	ctx := context.Background()
	l := open(t)
	key, list, err := l.Erasures(ctx)
	if err != nil || len(key) < 16 || len(list) > 0 {
		t.Fatalf("a new list: a key of %d bytes, %v, %v", len(key), list, err)
	}
	a := store.Erasure{User: [16]byte{0, 1, 0xff}, Shard: 3, Until: 1 << 40, Build: 2, At: 5}
	b := store.Erasure{User: [16]byte{15: 9}, Shard: 0, Until: 7, Build: 2, At: 5}
	farther, nearer, later := a, a, a
	farther.Until, farther.At, nearer.Until, later.Build = 1<<41, 6, 1, 3
	for _, add := range [][]store.Erasure{{a, b}, {farther}, {nearer}, {later}, {b}, nil} {
		if err := l.AddErasures(ctx, add); err != nil {
			t.Fatal(err)
		}
	}
	want := []store.Erasure{b, farther, later}
	again, list, err := open(t).Erasures(ctx)
	if err != nil || !bytes.Equal(key, again) || !reflect.DeepEqual(list, want) {
		t.Fatalf("%v, want %v, %v; the key stayed: %v", list, want, err, bytes.Equal(key, again))
	}
	for _, c := range []struct {
		shard int
		first uint64
		want  int64
	}{{0, 6, 0}, {1, 1 << 50, 0}, {0, 7, 1}, {0, 7, 0}, {3, 1 << 40, 1}, {3, 1 << 41, 1}} {
		if n, err := l.ForgetErasures(ctx, c.shard, rollcall.Offset(c.first)); err != nil || n != c.want {
			t.Errorf("forget shard %d up to %d: %d, want %d, %v", c.shard, c.first, n, c.want, err)
		}
	}
	addBeside(t, open)
	keepErasing(t, open)
}

// keepErasing: what an erasure keeps is there whole, of whatever size, and of those that put something in its place at once one does.
func keepErasing(t *testing.T, open func(t *testing.T) store.Erasures) {
	ctx, l := context.Background(), open(t)
	var was []byte
	for _, body := range [][]byte{[]byte("begun"), bytes.Repeat([]byte{0, '\'', 0xff}, 1<<20), []byte("at the end"), nil, []byte("another")} {
		if err := l.KeepErasing(ctx, append([]byte("not "), was...), body); !errors.Is(err, store.ErrErasing) {
			t.Errorf("in place of something else: %v", err)
		}
		if err := l.KeepErasing(ctx, was, body); err != nil {
			t.Fatal(err)
		}
		if got, err := open(t).Erasing(ctx); err != nil || !bytes.Equal(got, body) || (got == nil) != (body == nil) {
			t.Fatalf("%d bytes, want %d, %v", len(got), len(body), err)
		}
		was = body
	}
	var all sync.WaitGroup
	var kept atomic.Int64
	for i := range 4 {
		l := open(t)
		all.Go(func() {
			err := l.KeepErasing(ctx, was, fmt.Append(nil, "one of some: ", i))
			if err == nil {
				kept.Add(1)
			} else if !errors.Is(err, store.ErrErasing) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if kept.Load() != 1 {
		t.Errorf("%d of them were kept", kept.Load())
	}
}

// addBeside: processes that add at once lose nothing, and share the key.
func addBeside(t *testing.T, open func(t *testing.T) store.Erasures) {
	var all sync.WaitGroup
	for i := range 4 {
		l := open(t)
		all.Go(func() {
			for j := range 10 {
				e := store.Erasure{User: [16]byte{byte(i), byte(j)}, Shard: j % 2, Until: 9, Build: 1}
				if err := l.AddErasures(context.Background(), []store.Erasure{e, {User: [16]byte{99}, Until: 9, Build: 1}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if _, list, err := open(t).Erasures(context.Background()); err != nil || len(list) != 41 {
		t.Errorf("%d entries of 41, %v", len(list), err)
	}
}
