package mysql

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"

	"rollcall/store"
	"rollcall/store/mysql/mysqltest"
)

// cutter is a way to the server that breaks at a COMMIT: before the server gets it, or before the client gets the answer.
type cutter struct {
	listener      net.Listener
	to            string
	before, after atomic.Bool // the next COMMIT; each holds once
	fatal         atomic.Pointer[fatal]
}

// fatal is what is done in the place of the first statement that has the words.
type fatal struct {
	words []byte
	kill  func()
}

func (c *cutter) kill(words string, kill func()) { c.fatal.Store(&fatal{[]byte(words), kill}) }

func newCutter(t *testing.T, to string) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	c := &cutter{listener: l, to: to}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(conn)
		}
	}()
	return c
}

func (c *cutter) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	srv, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer func() { _ = srv.Close() }()
	var mute atomic.Bool
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := srv.Read(buf)
			if err != nil || mute.Load() { // it has been answered, and nobody hears of it
				_ = client.Close()
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if f := c.fatal.Load(); f != nil && bytes.Contains(buf[:n], f.words) && c.fatal.CompareAndSwap(f, nil) {
			f.kill()
			return
		}
		if bytes.Contains(buf[:n], []byte("COMMIT")) {
			if c.before.CompareAndSwap(true, false) {
				return
			}
			mute.Store(c.after.CompareAndSwap(true, false))
		}
		if _, err := srv.Write(buf[:n]); err != nil && !errors.Is(err, io.EOF) {
			return
		}
	}
}

// A commit whose connection breaks at its end fails; repeated, it is applied, or fenced by itself: never twice, never lost.
func TestCommitOfUnknownOutcome(t *testing.T) {
	name := server.NewDatabase(t)
	cut := newCutter(t, server.Addr())
	s := openTest(t, mysqltest.DSN(cut.listener.Addr().String(), name), testDims, 2)
	internTexts(t, s)
	rnd := rand.New(rand.NewPCG(5, 5))
	at := []store.Position{acquire(t, s, 0), acquire(t, s, 1)}
	var parts []store.ShardCommit
	for i := range 6 {
		done := i%2 == 0
		cut.after.Store(done)
		cut.before.Store(!done)
		c := &store.Commit{At: 1, Shards: []store.ShardCommit{randomPart(rnd, at[0], 3), randomPart(rnd, at[1], 3)}}
		if err := s.Commit(context.Background(), c); err == nil {
			t.Fatal("a commit that nobody confirmed succeeded")
		}
		err := s.Commit(context.Background(), c)
		fenced := (*store.FencedError)(nil)
		switch to := c.Shards[0].To; {
		case !done && err != nil:
			t.Fatal(err)
		case done && (!errors.As(err, &fenced) || fenced.Stored.Epoch != to.Epoch || fenced.Stored.Offset != to.Offset):
			t.Fatal(err)
		}
		parts = append(parts, c.Shards...)
		at[0], at[1] = c.Shards[0].To, c.Shards[1].To
		checkSums(t, s, parts)
	}
	checkSQL(t, s)
}
