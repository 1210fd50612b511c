package redisstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"rollcall/eventlog"
	"rollcall/redisaddr"
)

const (
	dialTimeout = 2 * time.Second       // of connecting and TLS
	deadAfter   = 3 * time.Second       // without a reply to a ping, a connection is given up
	pingEvery   = time.Second           // on a connection that receives nothing
	firstPause  = 50 * time.Millisecond // between tries, doubled up to
	lastPause   = time.Second           //
	refresh     = 5 * time.Second       // of what is known of a Cluster or of the sentinels' master
	bufferBytes = 256 << 10             // to read and to write, a connection
	ringScale   = 9                     // 2^n calls under way, a connection
	connections = 1                     // 2^n connections a server
	blocking    = 64                    // connections for Appends that wait for replicas
	maxMoved    = 8                     // redirections of one command
	clientName  = "rollcall-log"        // in CLIENT LIST
	hidden      = "…"                   // instead of a password in a message
)

// link is the library's client and its connections, so that closing does not depend on a server that answers.
type link struct {
	client  rueidis.Client
	addr    redisaddr.Addr
	secrets []string
	life    context.Context
	end     context.CancelFunc

	mu    sync.Mutex
	conns map[*conn]struct{}
}

func connect(ctx context.Context, cfg *Config, logger *slog.Logger) (*link, error) {
	addr, err := redisaddr.Parse(cfg.Addr)
	if err != nil {
		return nil, err
	}
	l := &link{addr: addr, conns: make(map[*conn]struct{})}
	l.life, l.end = context.WithCancel(context.Background())
	options := l.options(cfg)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if l.client, err = rueidis.NewClient(options); err == nil {
			return l, nil
		}
		refused := refusal(err)
		err = errors.New(l.scrub(err))
		if refused {
			l.end()
			return nil, fmt.Errorf("connect to %s: %w", addr, err)
		}
		logger.Warn("can't connect to the redis that holds the log; trying again", "addr", addr.String(), "error", err)
		if !sleep(ctx, pause) {
			l.end()
			return nil, fmt.Errorf("connect to %s: %w: %w: %w", addr, eventlog.ErrUnavailable, ctx.Err(), err)
		}
	}
}

// refusal tells that the server has answered and will not let us in, whenever we come.
func refusal(err error) bool {
	e, ok := rueidis.IsRedisErr(err)
	return ok && (strings.HasPrefix(e.Error(), "WRONGPASS") || strings.HasPrefix(e.Error(), "NOAUTH") || strings.HasPrefix(e.Error(), "NOPERM"))
}

func (l *link) options(cfg *Config) rueidis.ClientOption {
	fill(&cfg.Username, l.addr.Username)
	fill(&cfg.Password, l.addr.Password)
	for _, secret := range []string{cfg.Password, cfg.SentinelPassword} {
		if secret != "" {
			l.secrets = append(l.secrets, secret, hidden)
		}
	}
	security := cfg.TLS
	if security == nil && l.addr.TLS {
		security = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: pingEvery}
	return rueidis.ClientOption{
		InitAddress: l.addr.Hosts, Username: cfg.Username, Password: cfg.Password, ClientName: clientName, SelectDB: l.addr.DB,
		TLSConfig: security, DialCtxFn: l.dial, ConnWriteTimeout: deadAfter, Dialer: dialer,
		ReadBufferEachConn: bufferBytes, WriteBufferEachConn: bufferBytes, RingScaleEachConn: ringScale,
		PipelineMultiplex: connections, BlockingPoolSize: blocking, AlwaysPipelining: true, DisableCache: true,
		ForceSingleClient: l.addr.DB > 0 && l.addr.Master == "", // SELECT is what a Cluster has not
		ClusterOption:     rueidis.ClusterOption{ShardsRefreshInterval: refresh, MaxMovedRedirections: maxMoved},
		Sentinel: rueidis.SentinelOption{MasterSet: l.addr.Master, Username: cfg.SentinelUsername, Password: cfg.SentinelPassword,
			ClientName: clientName, TLSConfig: security, TopologyRefreshInterval: refresh, Dialer: dialer},
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
	l.client.Close()
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
		return nil, eventlog.ErrClosed
	}
	l.conns[c] = struct{}{}
	return c, nil
}

// sleep waits until the pause is over; false if ctx ends before.
func sleep(ctx context.Context, pause time.Duration) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
