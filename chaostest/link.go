//go:build unix

package chaostest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Links makes links; one at a time is disturbed by the lane of the network.
type Links struct{ server *toxiproxy.ApiServer }

// NewLinks makes the proxies' common part.
func NewLinks() *Links {
	return &Links{toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())}
}

// Link is the network between one process and one server.
type Link struct {
	Name  string
	Addr  string // where the process connects to
	proxy *toxiproxy.Proxy
}

// New makes a link that To opens. The test's end closes it.
func (n *Links) New(t testing.TB, name string) *Link {
	t.Helper()
	addr := free(t)
	l := &Link{Name: name, Addr: addr, proxy: toxiproxy.NewProxy(n.server, name, addr, "")}
	t.Cleanup(l.proxy.Stop)
	return l
}

// To says where the link leads, once, and opens it.
func (l *Link) To(addr string) error {
	l.proxy.Upstream = addr
	return l.open()
}

// open listens. A process that is just being started holds a copy of what was closed a moment ago until it runs its
// program, and the port is in use for so long.
func (l *Link) open() error {
	for end := time.Now().Add(release); ; time.Sleep(10 * time.Millisecond) {
		err := l.proxy.Start()
		switch {
		case err == nil || errors.Is(err, toxiproxy.ErrProxyAlreadyStarted):
			return nil
		case !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(end):
			return fmt.Errorf("link %s: %w", l.Name, err)
		}
	}
}

// release is how long a closed port may stay in use.
const release = 5 * time.Second

// Port is that of Addr.
func (l *Link) Port() string {
	_, port, _ := net.SplitHostPort(l.Addr)
	return port
}

// Toxic is something that the network does, in toxiproxy's words, in both directions.
type Toxic struct {
	Kind       string // latency, bandwidth, timeout, reset_peer, slow_close, limit_data; or down
	Attributes string // JSON, of Kind
}

// Disturb puts a toxic in; Heal takes it out.
func (l *Link) Disturb(toxic Toxic) error {
	if toxic.Kind == down {
		l.proxy.Stop()
		return nil
	}
	for _, direction := range []string{"upstream", "downstream"} {
		text := fmt.Sprintf(`{"type":%q,"stream":%q,"attributes":%s}`, toxic.Kind, direction, toxic.Attributes)
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
			return fmt.Errorf("link %s: %s: %w", l.Name, text, err)
		}
	}
	return nil
}

// Heal makes the link as it was. Connections that were cut stay so.
func (l *Link) Heal() error {
	l.proxy.Toxics.ResetToxics(context.Background())
	return l.open()
}

// down closes the link and refuses connections.
const down = "down"

func sorted(links map[string][]*Link) []string { return slices.Sorted(maps.Keys(links)) }
