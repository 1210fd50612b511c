package turns

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-redsync/redsync/v4/redis"
	pool "github.com/go-redsync/redsync/v4/redis/rueidis"
	"github.com/redis/rueidis"
	"github.com/redis/rueidis/rueidiscompat"
)

const (
	dialTimeout = 2 * time.Second
	deadAfter   = 3 * time.Second // without a reply to a ping, a connection is given up
	connectWait = time.Second     // between tries to connect
	bufferBytes = 4 << 10         // to read and to write
	ringScale   = 6               // 2^n calls under way
)

var errAway = errors.New("not connected")

// server is one Redis, connected or on the way. It is a pool of redsync.
type server struct {
	options rueidis.ClientOption
	secret  string
	logger  *slog.Logger
	life    context.Context
	end     context.CancelFunc
	ended   chan struct{} // nobody connects any more
	pool    atomic.Pointer[redis.Pool]
	client  rueidis.Client // valid once ended; nil if there was none

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func newServer(c *Server, logger *slog.Logger) *server {
	s := &server{secret: c.Password, logger: logger, ended: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	s.life, s.end = context.WithCancel(context.Background())
	s.options = rueidis.ClientOption{InitAddress: []string{c.Addr}, Username: c.Username, Password: c.Password, SelectDB: c.DB,
		TLSConfig: c.TLS, ClientName: "rollcall-turns", ForceSingleClient: true, DisableCache: true, AlwaysPipelining: true,
		DisableRetry: true, DialCtxFn: s.dial, ConnWriteTimeout: deadAfter, Dialer: net.Dialer{Timeout: dialTimeout, KeepAlive: time.Second},
		ReadBufferEachConn: bufferBytes, WriteBufferEachConn: bufferBytes, RingScaleEachConn: ringScale, PipelineMultiplex: -1}
	go s.connect()
	return s
}

// connect tries until it succeeds or the server is closed; the library connects again by itself later.
func (s *server) connect() {
	defer close(s.ended)
	for told := false; s.life.Err() == nil; sleep(s.life, connectWait) {
		client, err := rueidis.NewClient(s.options)
		if err == nil {
			p := pool.NewPool(rueidiscompat.NewAdapter(client))
			s.client = client
			s.pool.Store(&p)
			return
		}
		if !told && s.life.Err() == nil {
			told = true
			s.logger.Warn("can't connect to a redis of the turns; trying again", "addr", s.options.InitAddress[0], "error", s.scrub(err))
		}
	}
}

func (s *server) scrub(err error) string {
	if s.secret == "" {
		return err.Error()
	}
	return strings.ReplaceAll(err.Error(), s.secret, "…")
}

// Get is of redsync.
func (s *server) Get(ctx context.Context) (redis.Conn, error) {
	if p := s.pool.Load(); p != nil {
		return (*p).Get(ctx)
	}
	return nil, errAway
}

// close cuts the connections first: the library waits for replies, which may never come.
func (s *server) close() {
	s.end()
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for c := range conns {
		_ = c.Close()
	}
	<-s.ended
	if s.client != nil {
		s.client.Close()
	}
}

// dial keeps the connection in view.
func (s *server) dial(ctx context.Context, addr string, dialer *net.Dialer, security *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	var c net.Conn
	var err error
	if security == nil {
		c, err = dialer.DialContext(ctx, "tcp", addr)
	} else {
		c, err = (&tls.Dialer{NetDialer: dialer, Config: security}).DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = c.Close()
		return nil, errAway
	}
	t := &tracked{Conn: c, s: s}
	s.conns[t] = struct{}{}
	return t, nil
}

// tracked leaves the server's view when it is closed.
type tracked struct {
	net.Conn
	s *server
}

func (t *tracked) Close() error {
	t.s.mu.Lock()
	delete(t.s.conns, t)
	t.s.mu.Unlock()
	return t.Conn.Close()
}
