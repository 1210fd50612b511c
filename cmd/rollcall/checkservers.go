package main

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/redisaddr"
)

// The kinds of log and store.
const (
	kindEmbedded = "embedded"
	kindKafka    = "kafka"
	kindSQLite   = "sqlite"
	kindMySQL    = "mysql"
)

// The roles of a process.
const (
	roleIntake    = "intake"
	roleAggregate = "aggregate"
	roleQuery     = "query"
)

// one names a value that is none of those known.
func one(bad func(string, string, ...any), key, v string, known ...string) {
	if !slices.Contains(known, v) {
		bad(key, "%q is not known here; give %s", v, strings.Join(known, " or "))
	}
}

var topicForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)

// checkServers names what is wrong with the kinds of log, store and cache, and with their servers.
func checkServers(c *Config, bad func(string, string, ...any)) {
	one(bad, "log.kind", c.LogKind, kindEmbedded, kindKafka, kindRedis)
	one(bad, "store.kind", c.StoreKind, kindSQLite, kindMySQL)
	one(bad, "cache.kind", c.CacheKind, "memory", kindRedis)
	checkRoles(c, bad)
	within, atLeast := limits(bad)
	l := &c.Log
	checkBrokers("log.brokers", l.Brokers, bad)
	for key, name := range map[string]string{"log.topic": l.Topic, "log.group": l.Group} {
		if !topicForm.MatchString(name) {
			bad(key, "%q is no name; give 1 to 200 letters, digits and ._-", name)
		}
	}
	within("log.replication", int64(l.Replication), 0, 100, "copies")
	one(bad, "log.sasl", l.SASL, "", "plain", "scram-sha-256", "scram-sha-512")
	checkRedis("log.addr", l.Addr, bad)
	checkCA("log.tls_ca", l.TLSCA, bad)
	if err := redisaddr.CheckPrefix(l.Prefix); err != nil || l.Prefix == "" {
		bad("log.prefix", "%q is no prefix; give 1 to 64 letters, digits and _-.:", l.Prefix)
	}
	atLeast("log.session_timeout", l.SessionTimeout, time.Second)
	within("log.fetch_bytes", l.FetchBytes, 1<<20, 1<<36, "bytes")
	if c.StoreKind == kindMySQL && c.MySQL.DSN == "" {
		bad("store.dsn", "is empty; give mysql://user:password@host:3306/database, best by ROLLCALL_STORE_DSN")
	}
	within("store.max_open_conns", int64(c.MySQL.MaxOpenConns), 4, 1000, "connections")
	atLeast("store.statement_timeout", c.MySQL.StatementTimeout, time.Second)
	checkCA("store.tls_ca", c.MySQL.TLSCA, bad)
	for _, addr := range c.Turns {
		if _, err := turnServer(addr, ""); err != nil {
			bad("store.turns", "%v", err)
		}
	}
}

// checkRoles names roles that there are not, and those that can't be told apart: what is embedded belongs to one process.
func checkRoles(c *Config, bad func(string, string, ...any)) {
	for _, r := range c.Roles {
		one(bad, "roles", r, roleIntake, roleAggregate, roleQuery)
	}
	all := c.has(roleIntake) && c.has(roleAggregate) && c.has(roleQuery)
	switch {
	case len(c.Roles) == 0:
		bad("roles", "is empty; give intake, aggregate, query or several of them")
	case !all && (c.LogKind == kindEmbedded || c.StoreKind == kindSQLite):
		bad("roles", "%s alone need a log and a store on servers; give log.kind: kafka and store.kind: mysql, or all roles", strings.Join(c.Roles, ", "))
	case c.LogKind != kindEmbedded && c.StoreKind == kindSQLite:
		bad("store.kind", "a log on servers needs a store on a server; give store.kind: mysql")
	case c.LogKind == kindEmbedded && c.StoreKind == kindMySQL:
		bad("log.kind", "a store on a server needs a log on servers; give log.kind: kafka or redis")
	}
}

func (c *Config) has(role string) bool { return slices.Contains(c.Roles, role) }

// embedded tells whether log and store are in the data directory.
func (c *Config) embedded() bool { return c.LogKind == kindEmbedded }

// checkSource names what is wrong with the source.
func checkSource(c *Config, bad func(string, string, ...any)) {
	s := &c.Source
	one(bad, "source.kind", s.Kind, "", kindKafka, kindRedisStream, kindRedisPubSub)
	one(bad, "source.format", s.Format, "json", "avro", "protobuf", formatBatches)
	one(bad, "source.rekey", s.Rekey, "auto", "always", "never")
	one(bad, "source.sasl", s.SASL, "", "plain", "scram-sha-256", "scram-sha-512")
	checkBrokers("source.brokers", s.Brokers, bad)
	checkRedis("source.addr", s.Addr, bad)
	checkCA("source.tls_ca", s.TLSCA, bad)
	if u, err := url.Parse(s.Registry); err != nil || s.Registry != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		bad("source.registry", "is no address; give http://host:port or https://host")
	}
	if _, err := s.refused(); err != nil {
		bad("source.refuse_schemas", "%v; give whole numbers", err)
	}
	if s.Format != "json" && s.Format != formatBatches && s.Registry == "" {
		bad("source.registry", "is empty; %s needs its schemas, give the address of their registry", s.Format)
	}
	switch {
	case s.Format == formatBatches && s.Kind != kindKafka:
		bad("source.format", "%q is that of a log on Kafka; give source.kind: kafka, and its topic", s.Format)
	case s.Format == formatBatches && s.Rekey == "never":
		bad("source.rekey", "a log of Rollcall's is written anew, by the shards of this one; leave it out")
	case s.Format == formatBatches && c.LogKind == kindKafka && s.Topic == c.Log.Topic:
		bad("source.topic", "%s is the log itself; give the topic of the other Rollcall", s.Topic)
	case s.Kind == kindRedisStream && c.LogKind == kindKafka:
		bad("source.kind", "%q wants log.kind embedded or redis: Kafka can't keep with the events how far the stream was read", s.Kind)
	case s.Kind == kindKafka && !topicForm.MatchString(s.Topic):
		bad("source.topic", "%q is no topic; give the one to read", s.Topic)
	case s.Kind == kindRedisStream && s.Stream == "":
		bad("source.stream", "is empty; give the stream to read")
	case s.Kind == kindRedisPubSub && len(s.Channels) == 0:
		bad("source.channels", "is empty; give the channels to listen to")
	}
}

func checkBrokers(key string, brokers []string, bad func(string, string, ...any)) {
	for _, b := range brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			bad(key, "%q is no address; give host:port", b)
		}
	}
	if len(brokers) == 0 {
		bad(key, "is empty; give host:port of one or several")
	}
}

func checkRedis(key, addr string, bad func(string, string, ...any)) {
	if _, err := redisaddr.Parse(addr); err != nil {
		bad(key, "%v; give host:port, or redis://user:password@host:port/db", err)
	}
}

func checkCA(key, file string, bad func(string, string, ...any)) {
	if file == "" {
		return
	}
	if _, err := authorities(file); err != nil {
		bad(key, "%v", err)
	}
}

// refused gives the ids of schemas whose messages are refused.
func (s *sourceConfig) refused() (ids []int, err error) {
	for _, text := range s.RefuseSchemas {
		id, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
