package redissource

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"rollcall/redisaddr"
)

const (
	dialTimeout = 2 * time.Second // of connecting and TLS
	deadAfter   = 3 * time.Second // without a reply to a ping, a connection is given up
	pingEvery   = time.Second     // on a connection that receives nothing
	firstPause  = 50 * time.Millisecond
	lastPause   = 2 * time.Second
	bufferBytes = 256 << 10 // to read, a connection
	sendBytes   = 4 << 10   // to write, a connection
	ringScale   = 6         // 2^n calls under way, a connection
	clientName  = "rollcall-source"
	hidden      = "…" // instead of a password in a message
)

// Access is where a Redis is and how to log in.
type Access struct {
	Addr                               string // see redisaddr.Parse; default 127.0.0.1:6379
	Username, Password                 string // over those in Addr
	SentinelUsername, SentinelPassword string
	TLS                                *tls.Config // TLS is used when this is set or Addr is rediss…://
}

// link connects when it is first used, and again after a failure to.
type link struct {
	options rueidis.ClientOption
	secrets *strings.Replacer

	mu     sync.Mutex
	client rueidis.Client
}

func newLink(a Access) (*link, error) {
	if a.Addr == "" {
		a.Addr = "127.0.0.1:6379"
	}
	addr, err := redisaddr.Parse(a.Addr)
	if err != nil {
		return nil, err
	}
	user, password := a.Username, a.Password
	if user == "" {
		user = addr.Username
	}
	if password == "" {
		password = addr.Password
	}
	var secrets []string
	for _, s := range []string{password, a.SentinelPassword} {
		if s != "" {
			secrets = append(secrets, s, hidden)
		}
	}
	security := a.TLS
	if security == nil && addr.TLS {
		security = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: pingEvery}
	return &link{secrets: strings.NewReplacer(secrets...), options: rueidis.ClientOption{
		InitAddress: addr.Hosts, Username: user, Password: password, ClientName: clientName, SelectDB: addr.DB,
		TLSConfig: security, Dialer: dialer, ConnWriteTimeout: deadAfter, DisableRetry: true, DisableCache: true,
		ReadBufferEachConn: bufferBytes, WriteBufferEachConn: sendBytes, RingScaleEachConn: ringScale, PipelineMultiplex: -1,
		ForceSingleClient: addr.DB > 0 && addr.Master == "", // SELECT is what a Cluster has not
		Sentinel: rueidis.SentinelOption{MasterSet: addr.Master, Username: a.SentinelUsername, Password: a.SentinelPassword,
			ClientName: clientName, TLSConfig: security, Dialer: dialer},
	}}, nil
}

// get gives the client, which it makes if there is none.
func (l *link) get() (rueidis.Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client == nil {
		client, err := rueidis.NewClient(l.options)
		if err != nil {
			return nil, fmt.Errorf("connect: %w", l.scrub(err))
		}
		l.client = client
	}
	return l.client, nil
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		l.client.Close()
		l.client = nil
	}
}

// scrub takes passwords out of an error: a server may repeat the command that it refuses.
func (l *link) scrub(err error) error {
	if text := l.secrets.Replace(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
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
