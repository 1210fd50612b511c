//go:build unix

package kafkatest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"rollcall/freeport"
)

const log4j = `<Configuration status="ERROR"><Appenders><Console name="out" target="SYSTEM_OUT">` +
	`<PatternLayout pattern="%d{HH:mm:ss.SSS} %p %m (%c{1})%n"/></Console></Appenders><Loggers>` +
	`<Logger name="kafka.server.KafkaRaftServer" level="INFO"/>` +
	`<Root level="WARN"><AppenderRef ref="out"/></Root></Loggers></Configuration>`

const (
	controller = "CONTROLLER"
	internal   = "INTERNAL"
)

// prepare chooses the ports, writes the configuration, and formats the directory of the data.
func (s *Server) prepare() {
	s.t.Helper()
	s.addrs = map[string]string{}
	for _, name := range append(s.listeners(), controller, internal) {
		s.addrs[name] = FreeAddr(s.t)
	}
	s.write("log4j2.xml", log4j)
	if s.options.TLS {
		s.write("server.pem", s.cert.server)
	}
	var lines strings.Builder
	properties := s.properties()
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		fmt.Fprintf(&lines, "%s=%s\n", name, properties[name])
	}
	s.write("server.properties", lines.String())
	args := []string{"format", "--cluster-id", "AAAAAAAAQACAAAAAAAAAAQ", "--config", filepath.Join(s.Dir, "server.properties")}
	if s.options.SASL {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf(`%s=[name=%s,password="%s"]`, mechanism, User, Password))
		}
	}
	if out, err := s.java("kafka.tools.StorageTool", args...).CombinedOutput(); err != nil {
		s.t.Fatalf("format: %v\n%s", err, out)
	}
}

func (s *Server) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) properties() map[string]string {
	p := map[string]string{
		"process.roles":                         "broker,controller",
		"node.id":                               "1",
		"controller.quorum.voters":              "1@" + s.addrs[controller],
		"controller.listener.names":             controller,
		"inter.broker.listener.name":            internal,
		"log.dirs":                              filepath.Join(s.Dir, "data"),
		"auto.create.topics.enable":             "false",
		"group.initial.rebalance.delay.ms":      "0",
		"group.min.session.timeout.ms":          "500",
		"offsets.topic.num.partitions":          "1",
		"transaction.state.log.min.isr":         "1",
		"broker.session.timeout.ms":             "3000",
		"broker.heartbeat.interval.ms":          "500",
		"num.network.threads":                   "2",
		"num.io.threads":                        "4",
		"log.cleaner.dedupe.buffer.size":        "2097152",
		"share.coordinator.state.topic.min.isr": "1",
	}
	for _, name := range []string{"offsets.topic", "transaction.state.log", "share.coordinator.state.topic"} {
		p[name+".replication.factor"] = "1"
	}
	p["transaction.state.log.num.partitions"] = "1"
	s.secure(p)
	maps.Copy(p, s.options.Properties)
	return p
}

// secure sets the listeners and who may come in by them.
func (s *Server) secure(p map[string]string) {
	protocol := map[[2]bool]string{{false, false}: "PLAINTEXT", {true, false}: "SSL", {false, true}: "SASL_PLAINTEXT", {true, true}: "SASL_SSL"}
	listeners := []string{controller + "://" + s.addrs[controller], internal + "://" + s.addrs[internal]}
	advertised := []string{internal + "://" + s.addrs[internal]}
	protocols := []string{controller + ":PLAINTEXT", internal + ":PLAINTEXT"}
	for _, name := range s.listeners() {
		listeners = append(listeners, name+"://"+s.addrs[name])
		advertised = append(advertised, name+"://"+s.Advertised(name))
		protocols = append(protocols, name+":"+protocol[[2]bool{s.options.TLS, s.options.SASL}])
	}
	p["listeners"], p["advertised.listeners"] = strings.Join(listeners, ","), strings.Join(advertised, ",")
	p["listener.security.protocol.map"] = strings.Join(protocols, ",")
	if s.options.TLS {
		p["ssl.keystore.type"], p["ssl.keystore.location"] = "PEM", filepath.Join(s.Dir, "server.pem")
	}
	if s.options.SASL {
		p["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
		for _, name := range s.listeners() {
			jaas := "listener.name." + strings.ToLower(name)
			p[jaas+".plain.sasl.jaas.config"] = fmt.Sprintf(`org.apache.kafka.common.security.plain.PlainLoginModule required user_%s="%s";`, User, Password)
			for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
				p[jaas+"."+mechanism+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
			}
		}
	}
}

// FreeAddr is an address of the loopback with a port that was free a moment ago.
func FreeAddr(t testing.TB) string {
	t.Helper()
	port, err := freeport.Next()
	if err != nil {
		t.Fatal(err)
	}
	return freeport.Addr(port)
}

// Opts are those that a client of the server needs: its address, TLS, and a login by PLAIN.
func (s *Server) Opts() []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(s.Brokers()...)}
	if s.options.TLS {
		opts = append(opts, kgo.DialTLSConfig(s.TLS()))
	}
	if s.options.SASL {
		opts = append(opts, kgo.SASL(plain.Auth{User: User, Pass: Password}.AsMechanism()))
	}
	return opts
}
