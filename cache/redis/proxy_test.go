//go:build unix

package redis

import (
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy stands before a server. It can delay each piece of a reply, or swallow everything, at once or after some bytes.
type proxy struct {
	addr   string
	delay  atomic.Int64 // ns
	left   atomic.Int64 // bytes of replies before it becomes mute
	mute   atomic.Bool
	asked  atomic.Int64 // pieces of requests
	joined atomic.Int64 // connections
	work   sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, server string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String()}
	p.left.Store(math.MaxInt64)
	p.work.Go(func() {
		for {
			front, err := l.Accept()
			if err != nil {
				return
			}
			p.join(front, server)
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.cut()
		p.work.Wait()
	})
	return p
}

func (p *proxy) join(front net.Conn, server string) {
	back, err := net.Dial("tcp", server)
	if err != nil {
		front.Close()
		return
	}
	p.joined.Add(1)
	p.mu.Lock()
	p.conns = append(p.conns, front, back)
	p.mu.Unlock()
	p.work.Go(func() { p.pipe(back, front, func(int) { p.asked.Add(1) }) })
	p.work.Go(func() { p.pipe(front, back, p.reply) })
}

// reply counts down to the byte after which everything is swallowed, if there is one, and delays.
func (p *proxy) reply(n int) {
	if left := p.left.Add(-int64(n)); left < 0 && left >= -int64(n) {
		p.mute.Store(true)
	}
	time.Sleep(time.Duration(p.delay.Load()))
}

func (p *proxy) pipe(to io.WriteCloser, from io.ReadCloser, each func(n int)) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if each(n); p.mute.Load() {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// cut closes every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}
