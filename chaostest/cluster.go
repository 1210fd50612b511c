//go:build unix

package chaostest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
	"rollcall/eventlog/kafka/kafkatest"
	"rollcall/simtest"
	"rollcall/store/mysql/mysqltest"
)

// Shape of a cluster.
type Shape struct {
	Aggregators, Spare, Intakes, Queries int // Spare aggregators sit there while the test scales up only
	Shards                               int
	SessionTimeout                       time.Duration // 0: the default of the binary
	Config                               *simtest.Config
	Args                                 []string
	Before                               func(c *Cluster)                       // called with the servers running and no process yet; nil for nothing
	More                                 func(c *Cluster, seat string) []string // arguments of one seat; nil for none
}

// Cluster is real servers and the processes of the binary over them, each process with links of its own to each server.
type Cluster struct {
	Kafka                        *kafkatest.Server
	Maria                        *mysqltest.Server
	Redis                        *redistest.Server
	Aggregate, Intake, Query     []*Seat
	Links                        map[string][]*Link // by server
	Database, Topic, Group, Logs string

	t     testing.TB
	shape Shape
	bin   string
	links *Links
}

// The names of the servers in tables and links.
const (
	kafka   = "Kafka"
	maria   = "MariaDB"
	redis   = "Redis"
	clients = "intake" // the link from the producers to an intake
)

// StartCluster starts the servers and fills the usual seats. It does not wait for the processes.
func StartCluster(t testing.TB, bin string, shape Shape) *Cluster {
	t.Helper()
	logs, err := os.MkdirTemp("", "rollcall-chaos")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Links: map[string][]*Link{}, Topic: "events", Group: "rollcall", Logs: logs, t: t, shape: shape, bin: bin, links: NewLinks()}
	t.Cleanup(c.end)
	c.servers()
	if shape.Before != nil {
		shape.Before(c)
	}
	for _, seat := range slices.Concat(c.Aggregate[:shape.Aggregators], c.Intake, c.Query) {
		seat.Up()
	}
	return c
}

// end tells where the logs are, or deletes their directory.
func (c *Cluster) end() {
	if c.t.Failed() {
		c.t.Logf("the processes' logs are in %s", c.Logs)
		return
	}
	_ = os.RemoveAll(c.Logs)
}

// servers starts the servers and makes the seats. The links come first, as Kafka has to tell each process its own.
func (c *Cluster) servers() {
	type place struct {
		seats *[]*Seat
		role  string
		count int
	}
	places := []place{{&c.Aggregate, "aggregate", c.shape.Aggregators + c.shape.Spare}, {&c.Intake, "intake", c.shape.Intakes}, {&c.Query, "query", c.shape.Queries}}
	advertised := map[string]string{}
	for _, p := range places {
		for i := range p.count {
			name := fmt.Sprintf("%s-%d", p.role, i)
			advertised[listener(name)] = c.link(kafka, name).Addr
		}
	}
	c.Kafka = kafkatest.Start(c.t, kafkatest.Options{Advertised: advertised})
	c.Maria = mysqltest.Start(c.t)
	c.Redis = redistest.Start(c.t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	c.Database = c.Maria.NewDatabase(c.t)
	for _, l := range c.Links[kafka] {
		c.lead(l, c.Kafka.Addr(listener(strings.TrimSuffix(l.Name, " to "+kafka))))
	}
	for _, p := range places {
		for i := range p.count {
			*p.seats = append(*p.seats, c.seat(p.role, fmt.Sprintf("%s-%d", p.role, i)))
		}
	}
}

func (c *Cluster) link(server, process string) *Link {
	l := c.links.New(c.t, process+" to "+server)
	c.Links[server] = append(c.Links[server], l)
	return l
}

func (c *Cluster) lead(l *Link, addr string) {
	if err := l.To(addr); err != nil {
		c.t.Fatal(err)
	}
}

// listener is the name of the listener of a process.
func listener(process string) string { return strings.ToUpper(strings.ReplaceAll(process, "-", "")) }

// seat makes the seat of a process with its links.
func (c *Cluster) seat(role, name string) *Seat {
	toMaria, toRedis := c.link(maria, name), c.link(redis, name)
	c.lead(toMaria, c.Maria.Addr())
	c.lead(toRedis, c.Redis.Addr)
	args := append(flags(c.shape.Config), "--roles", role, "--data", c.t.TempDir(),
		"--log-kind", "kafka", "--log-brokers", c.Kafka.Advertised(listener(name)), "--log-topic", c.Topic, "--log-group", c.Group,
		"--log-shards", fmt.Sprint(c.shape.Shards),
		"--store-kind", "mysql", "--store-dsn", mysqltest.DSN(toMaria.Addr, c.Database), "--store-max-open-conns", "6",
		"--cache-kind", "redis", "--cache-addr", toRedis.Addr)
	if c.shape.SessionTimeout > 0 {
		args = append(args, "--log-session-timeout", c.shape.SessionTimeout.String())
	}
	args = append(args, c.shape.Args...)
	if c.shape.More != nil {
		args = append(args, c.shape.More(c, name)...)
	}
	s := NewSeat(c.t, name, c.Logs, c.bin, args...)
	if role == "intake" {
		c.lead(c.link(clients, "producers"), s.Addr)
	}
	return s
}

// Seats are all of them.
func (c *Cluster) Seats() []*Seat { return slices.Concat(c.Aggregate, c.Intake, c.Query) }

// Intakes are the addresses that producers send to.
func (c *Cluster) Intakes() (addrs []string) {
	for _, l := range c.Links[clients] {
		addrs = append(addrs, l.Addr)
	}
	return addrs
}
