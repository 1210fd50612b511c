package redis

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

	"github.com/redis/rueidis"

	"rollcall/redisaddr"
)

// ErrClosed is what Listen and Check give after Close.
var ErrClosed = errors.New("redis cache is closed")

const (
	dialTimeout = 2 * time.Second       // of connecting, TLS and HELLO
	deadAfter   = 3 * time.Second       // without a reply to a ping, a connection is given up
	pingEvery   = time.Second           // on a connection that receives nothing
	firstPause  = 50 * time.Millisecond // between tries to connect or subscribe, doubled up to
	lastPause   = 2 * time.Second       //
	startWait   = time.Second           // how long New waits for the first try to connect
	refresh     = 5 * time.Second       // of what is known of a Cluster or of the sentinels' master
	bufferBytes = 64 << 10              // to read and to write, a connection
	ringScale   = 9                     // 2^n calls under way, a connection
	connections = 1                     // 2^n connections a server
	maxMoved    = 8                     // redirections of one command
	clientName  = "rollcall"            // in CLIENT LIST
	hidden      = "…"                   // instead of a password in a message
)

// link holds the client library's client once it is connected, and its connections, so that closing does not depend on
// a server that answers.
type link struct {
	options rueidis.ClientOption
	secrets []string
	logger  *slog.Logger
	life    context.Context
	end     context.CancelFunc
	client  atomic.Pointer[rueidis.Client]
	tried   chan struct{} // closed after the first try

	mu    sync.Mutex
	conns map[*conn]struct{}
}

func newLink(a redisaddr.Addr, cfg *Config, logger *slog.Logger) *link {
	l := &link{logger: logger, tried: make(chan struct{}), conns: make(map[*conn]struct{})}
	l.life, l.end = context.WithCancel(context.Background())
	fill(&cfg.Username, a.Username)
	fill(&cfg.Password, a.Password)
	for _, secret := range []string{cfg.Password, cfg.SentinelPassword} {
		if secret != "" {
			l.secrets = append(l.secrets, secret, hidden)
		}
	}
	security := cfg.TLS
	if security == nil && a.TLS {
		security = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	l.options = rueidis.ClientOption{
		InitAddress: a.Hosts, Username: cfg.Username, Password: cfg.Password, ClientName: clientName, SelectDB: a.DB,
		TLSConfig: security, DialCtxFn: l.dial, ConnWriteTimeout: deadAfter,
		Dialer:             net.Dialer{Timeout: dialTimeout, KeepAlive: pingEvery},
		ReadBufferEachConn: bufferBytes, WriteBufferEachConn: bufferBytes, RingScaleEachConn: ringScale,
		PipelineMultiplex: connections, AlwaysPipelining: true, DisableCache: true,
		ForceSingleClient: a.DB > 0 && a.Master == "", // SELECT is what a Cluster has not
		ClusterOption:     rueidis.ClusterOption{ShardsRefreshInterval: refresh, MaxMovedRedirections: maxMoved},
		Sentinel: rueidis.SentinelOption{MasterSet: a.Master, Username: cfg.SentinelUsername, Password: cfg.SentinelPassword,
			ClientName: clientName, TLSConfig: security, TopologyRefreshInterval: refresh,
			Dialer: net.Dialer{Timeout: dialTimeout, KeepAlive: pingEvery}},
	}
	return l
}

// connect tries until it succeeds or the link ends. It logs the first failure and each that differs from the one before.
func (l *link) connect() {
	last := ""
	for pause := firstPause; l.life.Err() == nil; pause = min(2*pause, lastPause) {
		client, err := rueidis.NewClient(l.options)
		if err == nil {
			l.adopt(client)
			return
		}
		if text := l.scrub(err); text != last && l.life.Err() == nil {
			l.logger.Warn("can't connect to redis; going on without it and trying again", "addr", l.options.InitAddress, "error", text)
			last = text
		}
		l.hasTried()
		l.sleep(l.life, pause)
	}
}

func (l *link) adopt(client rueidis.Client) {
	l.client.Store(&client)
	l.hasTried()
	l.logger.Info("connected to redis", "addr", l.options.InitAddress, "mode", client.Mode())
}

func (l *link) hasTried() {
	select {
	case <-l.tried:
	default:
		close(l.tried)
	}
}

// get gives the client, or false before the first connection and after the end.
func (l *link) get() (rueidis.Client, bool) {
	if client := l.client.Load(); client != nil && l.life.Err() == nil {
		return *client, true
	}
	return nil, false
}

// sleep waits until the pause is over, the link ends or ctx does.
func (l *link) sleep(ctx context.Context, pause time.Duration) {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-l.life.Done():
	}
}

// close cuts every connection first: the library waits for replies, which may never come.
func (l *link) close() {
	l.end()
	l.mu.Lock()
	conns := l.conns
	l.conns = nil
	l.mu.Unlock()
	for c := range conns {
		_ = c.Conn.Close()
	}
}

// release ends the library's goroutines. It follows close and the end of connect.
func (l *link) release() {
	if client := l.client.Load(); client != nil {
		(*client).Close()
	}
}

// scrub is the error's text without passwords: a server may repeat the command that it refuses.
func (l *link) scrub(err error) string {
	return strings.NewReplacer(l.secrets...).Replace(err.Error())
}

// conn is a connection that the link knows of until it is closed.
type conn struct {
	net.Conn
	link *link
}

// Close closes the connection.
func (c *conn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	return c.Conn.Close()
}

func (l *link) dial(ctx context.Context, addr string, dialer *net.Dialer, security *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	defer context.AfterFunc(l.life, cancel)()
	var raw net.Conn
	var err error
	if security != nil {
		raw, err = (&tls.Dialer{NetDialer: dialer, Config: security}).DialContext(ctx, "tcp", addr)
	} else {
		raw, err = dialer.DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	c := &conn{raw, l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns == nil {
		_ = raw.Close()
		return nil, ErrClosed
	}
	l.conns[c] = struct{}{}
	return c, nil
}
