//go:build unix

package chaostest

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"rollcall/apptest"
	"rollcall/cache/redis/redistest"
	"rollcall/simtest"
)

const foreignName = "activity" // of the topic and of the stream

// Events that kcat and kafka-console-producer write into a topic of others, keyed by nothing, are counted once each, over
// HTTP and by mariadb; and those that redis-cli adds to a stream.
func TestClientsThatAreNotOurs(t *testing.T) {
	t.Parallel()
	now, ledger := time.Now().UTC(), NewLedger()
	w, _ := worldOf(nil, now)
	batch := func(name string) []byte { return acceptedBatch(t, ledger, &w, name, now) }
	c := StartCluster(t, binary(t), Shape{Aggregators: 1, Intakes: 1, Queries: 1, Shards: 4, Config: &w.Config,
		Before: func(c *Cluster) {
			if _, err := kadm.NewClient(c.Kafka.Dial()).CreateTopic(t.Context(), 3, 1, nil, foreignName); err != nil {
				t.Fatal(err)
			}
			kcat(t, c, batch("kcat"))
		},
		More: func(c *Cluster, seat string) []string {
			if seat != "intake-0" {
				return nil
			}
			return []string{"--source-kind", "kafka", "--source-brokers", c.Kafka.Advertised(listener(seat)), "--source-topic", foreignName}
		}})
	c.calm(t)
	consoleProducer(t, c, batch("console"))
	kcat(t, c, batch("kcat again"))
	seen, o := worldOf(ledger.Events(), now)
	judge(t, ledger, &seen, o, c.Query)
	c.viewIsTheSame(t, &seen, o)
	t.Run("redis-cli", func(t *testing.T) { streamOfOthers(t, c, now) })
}

// streamOfOthers has one process read a stream of others into a log in Redis, and count it into MariaDB.
func streamOfOthers(t *testing.T, c *Cluster, now time.Time) {
	ledger := NewLedger()
	w, _ := worldOf(nil, now)
	r := redistest.Start(t)
	c.Database = c.Maria.NewDatabase(t)
	s := NewSeat(t, "all-0", c.Logs, c.bin, append(flags(&w.Config), "--data", t.TempDir(), "--log-kind", "redis", "--log-addr", r.Addr,
		"--store-kind", "mysql", "--store-dsn", c.Maria.DSN(c.Database), "--source-kind", "redis_stream", "--source-addr", r.Addr, "--source-stream", foreignName)...)
	s.Up()
	if err := served(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	redisCLI(t, r, acceptedBatch(t, ledger, &w, "redis", now))
	seen, o := worldOf(ledger.Events(), now)
	judge(t, ledger, &seen, o, []*Seat{s})
	c.viewIsTheSame(t, &seen, o)
}

// acceptedBatch makes events that the oracle counts too. As nothing keeps them in order on their way, an id that comes twice
// has the same event.
func acceptedBatch(t *testing.T, ledger *Ledger, w *simtest.World, name string, now time.Time) []byte {
	t.Helper()
	events := NewTraffic(name, *seed, now).Body(100, ledger.Phase())
	first := map[string]simtest.Logged{}
	for i, e := range events {
		name := string(e.User) + " " + string(e.ID)
		if _, again := first[name]; !again {
			first[name] = e
		}
		events[i] = first[name]
	}
	body, err := apptest.Lines(countedConfig(&w.Config), events)
	if err != nil {
		t.Fatal(err)
	}
	ledger.Accepted(events)
	return body
}

func kcat(t *testing.T, c *Cluster, lines []byte) {
	run(t, lines, "kcat", "-P", "-b", list(c.Kafka.Brokers()), "-t", foreignName)
}

func consoleProducer(t *testing.T, c *Cluster, lines []byte) {
	run(t, lines, "java", "-cp", "../.tools/kafka/*", "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", list(c.Kafka.Brokers()), "--topic", foreignName)
}

func redisCLI(t *testing.T, r *redistest.Server, lines []byte) {
	host, port, _ := net.SplitHostPort(r.Addr)
	for line := range strings.Lines(string(lines)) {
		run(t, nil, "redis-cli", "-h", host, "-p", port, "XADD", foreignName, "*", "event", strings.TrimSpace(line))
	}
}
