package cache_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/block"
	"rollcall/cache"
	"rollcall/store"
	"rollcall/store/sqlite"
)

// dictionaries is a store of two shards whose dictionaries are texts, and a cache that counts the parts it reads.
type dictionaries struct {
	t     *testing.T
	store *sqlite.Store
	cache *cache.Cache
	at    [2]store.Position
	read  atomic.Int64
}

func openDictionaries(t *testing.T) *dictionaries {
	s, err := sqlite.Open(context.Background(), sqlite.Config{Path: filepath.Join(t.TempDir(), "store.db"), Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d := &dictionaries{t: t, store: s}
	for shard := range d.at {
		if d.at[shard], err = s.Acquire(context.Background(), shard); err != nil {
			t.Fatal(err)
		}
	}
	d.cache = cache.New(cache.Config{Poll: time.Hour}, cache.Deps{Store: s, Firsts: d.firsts})
	return d
}

// firsts has a user for each byte of a part: its text can be read back from the users.
func (d *dictionaries) firsts(chunks [][]byte) (*block.Firsts, error) {
	d.read.Add(1)
	f := &block.Firsts{}
	for _, c := range chunks {
		if string(c) == "bad" {
			return nil, errors.New("bad chunk")
		}
		for _, b := range c {
			f.User = append(f.User, uint32(b))
		}
	}
	return f, nil
}

// write adds a text to a part.
func (d *dictionaries) write(shard int, part int64, text string) {
	d.t.Helper()
	p := &d.at[shard]
	c := store.ShardCommit{From: p.Offset, To: *p}
	c.To.Offset++
	c.State = []store.StateChunk{{Key: store.StateKey{Shard: shard, Kind: store.Users, Part: part}, Data: []byte(text)}}
	if err := d.store.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}); err != nil {
		d.t.Fatal(err)
	}
	*p = c.To
	d.cache.Announce()
}

// texts gives the parts of both shards, read from one view.
func (d *dictionaries) texts(before func()) (text string, err error) {
	err = d.cache.Read(context.Background(), func(v *cache.View) error {
		var all []string
		for shard := range d.at {
			firsts, err := v.Firsts(context.Background(), shard)
			if err != nil {
				return err
			}
			for _, f := range firsts {
				bytes := []byte{}
				for _, u := range f.User {
					bytes = append(bytes, byte(u))
				}
				all = append(all, fmt.Sprint(shard, string(bytes)))
			}
			if before != nil {
				before()
				before = nil
			}
		}
		text = strings.Join(all, " ")
		return nil
	})
	return text, err
}

func (d *dictionaries) want(text string, reads int64) {
	d.t.Helper()
	before := d.read.Load()
	got, err := d.texts(nil)
	if err != nil || got != text || d.read.Load()-before != reads {
		d.t.Fatalf("%q after %d reads, want %q after %d; %v", got, d.read.Load()-before, text, reads, err)
	}
}

// A part of a dictionary is read once, and again when a commit has written it: it alone.
func TestFirstsAreKeptByVersion(t *testing.T) {
	d := openDictionaries(t)
	d.want("", 0)
	d.write(0, 0, "a")
	d.write(0, 1, "b")
	d.write(1, 0, "c")
	d.want("0a 0b 1c", 3)
	d.want("0a 0b 1c", 0)
	d.write(0, 1, "d")
	d.want("0a 0bd 1c", 1)
	if _, err := d.store.Compact(context.Background(), true, func(_ store.StateKey, chunks [][]byte) ([]byte, error) {
		return slices.Concat(chunks...), nil
	}); err != nil {
		t.Fatal(err)
	}
	d.cache.Announce()
	d.want("0a 0bd 1c", 0)
	d.write(1, 70, "e")
	d.want("0a 0bd 1c 1e", 1)
}

// A read that a commit overtakes begins anew, so that all parts are of one state.
func TestFirstsOfOneState(t *testing.T) {
	d := openDictionaries(t)
	d.write(0, 0, "a")
	d.write(1, 0, "b")
	d.want("0a 1b", 2)
	got, err := d.texts(func() {
		d.write(0, 0, "x")
		d.write(1, 0, "y")
		d.want("0ax 1by", 2) // this reader's head lets go of the parts that the other still needs
	})
	if err != nil || got != "0ax 1by" {
		t.Fatalf("%q, %v", got, err)
	}
}

// What can't be read is an error that names the part.
func TestBadFirsts(t *testing.T) {
	d := openDictionaries(t)
	d.write(1, 3, "bad")
	if _, err := d.texts(nil); err == nil || !strings.Contains(err.Error(), "shard 1, part 3") {
		t.Fatal(err)
	}
	c := cache.New(cache.Config{}, cache.Deps{Store: d.store})
	if err := c.Read(context.Background(), func(v *cache.View) error { _, err := v.Firsts(context.Background(), 0); return err }); err == nil {
		t.Fatal("nothing reads first events, and there is no error")
	}
}
