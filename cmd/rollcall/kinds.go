package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"rollcall/eventlog/kafka"
	"rollcall/eventlog/redisstream"
	"rollcall/store"
	"rollcall/store/mysql"
)

// openLog opens the log of the configured kind.
func (n *node) openLog(ctx context.Context) error {
	switch n.cfg.LogKind {
	case kindKafka:
		return n.openKafka(ctx)
	case kindRedis:
		return n.openStreams(ctx)
	}
	return n.openEmbedded()
}

func (n *node) openKafka(ctx context.Context) error {
	if is, err := n.openDirect(ctx); is || err != nil {
		return err
	}
	cfg, err := n.kafkaConfig()
	if err != nil {
		return err
	}
	l, err := kafka.Open(ctx, cfg, kafka.Deps{Log: n.logger})
	if err != nil {
		return err
	}
	n.log, n.ownership = l, l
	n.identity, err = l.Identity(ctx)
	return err
}

func (n *node) kafkaConfig() (kafka.Config, error) {
	c := &n.cfg.Log
	secured, err := overTLS("log", c.TLS, c.TLSCA)
	return kafka.Config{Brokers: c.Brokers, Topic: c.Topic, Shards: n.cfg.LogShards, Group: c.Group, TLS: secured,
		SASL: kafka.SASL{Mechanism: strings.ToUpper(c.SASL), User: c.Username, Password: c.Password}, Replication: c.Replication,
		FetchBytes: c.FetchBytes, SessionTimeout: c.SessionTimeout}, err
}

func (n *node) openStreams(ctx context.Context) error {
	c := &n.cfg.Log
	secured, err := overTLS("log", c.TLS, c.TLSCA)
	if err != nil {
		return err
	}
	l, err := redisstream.Open(ctx, redisstream.Config{Addr: c.Addr, Username: c.Username, Password: c.Password, TLS: secured, Prefix: c.Prefix,
		Shards: n.cfg.LogShards, Group: c.Group, Replicas: c.Replication, MaxBytes: n.cfg.LogMaxBytes, Keep: n.cfg.LogMaxAge, LeaseTime: c.SessionTimeout}, redisstream.Deps{Logger: n.logger})
	if err != nil {
		return err
	}
	n.log, n.ownership, n.identity = l, l, l.Identity()
	return nil
}

// overTLS gives how to talk to servers over TLS, nil when it is off.
func overTLS(part string, on bool, ca string) (*tls.Config, error) {
	if !on && ca == "" {
		return nil, nil
	}
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca == "" {
		return secured, nil
	}
	roots, err := authorities(ca)
	if err != nil {
		return nil, fmt.Errorf("%s.tls_ca: %w", part, err)
	}
	secured.RootCAs = roots
	return secured, nil
}

func (n *node) openEmbedded() (err error) {
	c := &n.cfg
	if err := os.MkdirAll(c.Data, 0o755); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if n.logDir, err = activeLog(c.Data); err != nil {
		return err
	}
	if n.embedded, err = openLog(c, n.logDir, n.logger); err != nil {
		return err
	}
	n.log = n.embedded
	return nil
}

// openStore opens the store of the configured kind.
func (n *node) openStore(ctx context.Context) error {
	if n.cfg.StoreKind == kindMySQL {
		return n.openMySQL(ctx)
	}
	builds, err := openBuilds(n.cfg.Data, n.logger)
	if err != nil {
		return err
	}
	if n.build, err = activeOr(ctx, builds, buildOf(&n.cfg)); err != nil {
		return err
	}
	s, err := builds.Open(ctx, n.build.Number, false, failpoint())
	if err != nil {
		return err
	}
	n.builds, n.store = builds, s
	n.openBuild = func(ctx context.Context, b store.Build) (storePart, error) {
		return builds.Open(ctx, b.Number, b.State != store.Active, failpoint())
	}
	return n.leaveLogs(ctx, n.logDir)
}

// resolve goes over to the active build of a store on a server, before anything is opened that depends on it.
func (n *node) resolve(ctx context.Context) error {
	if n.cfg.StoreKind != kindMySQL {
		return nil
	}
	c, err := mysqlOf(&n.cfg, n.logger)
	if err != nil {
		return err
	}
	builds, err := mysql.OpenBuilds(ctx, c)
	if err != nil {
		return err
	}
	n.builds, n.closeBuilds = builds, builds.Close
	all, err := builds.Builds(ctx)
	if err != nil {
		return err
	}
	active, ok := store.ActiveBuild(all)
	if ok && n.cfg.Source.Kind == kindKafka { // a topic that is read directly says how many shards there are
		n.cfg.LogShards = active.Shards
	}
	if n.cfg.goesOver && !ok {
		return errors.New("the store holds no build yet: start a process that counts first")
	}
	if n.cfg.goesOver {
		return adopt(&n.cfg, &active)
	}
	if problems := reconcile(&n.cfg, all, "the store"); len(problems) > 0 {
		lines := make([]string, len(problems))
		for i, p := range problems {
			lines[i] = p.String()
		}
		return usageError(strings.Join(lines, "\n  "))
	}
	return nil
}

func (n *node) openMySQL(ctx context.Context) error {
	c, err := mysqlOf(&n.cfg, n.logger)
	if err != nil {
		return err
	}
	s, err := mysql.Open(ctx, c)
	if err != nil {
		return err
	}
	n.store = s
	all, err := n.builds.Builds(ctx)
	if err != nil {
		return err
	}
	n.build, _ = store.ActiveBuild(all)
	n.openBuild = func(ctx context.Context, b store.Build) (storePart, error) {
		other := c
		other.Build, other.Beside, other.Dimensions, other.Shards, other.Migrate = b.Number, b.State != store.Active, b.Dimensions, b.Shards, false
		return mysql.Open(ctx, other)
	}
	return n.settle(ctx, s)
}

// mysqlOf gives the store's configuration in its own terms.
func mysqlOf(cfg *Config, logger *slog.Logger) (mysql.Config, error) {
	c := &cfg.MySQL
	secured, err := overTLS("store", false, c.TLSCA)
	return mysql.Config{DSN: c.DSN, Dimensions: cfg.Dimensions, Shards: cfg.LogShards, Migrate: c.Migrate, MaxOpenConns: c.MaxOpenConns,
		StatementTimeout: c.StatementTimeout, TLS: secured, Logger: logger, Step: failpoint()}, err
}

// settle compares what the figures depend on with what the store was made with. The first process decides.
func (n *node) settle(ctx context.Context, s *mysql.Store) error {
	want := map[string]string{"log": n.identity}
	for _, set := range settings(&n.cfg) {
		if set.lasting {
			want[set.key] = asText(set.value.plain())
		}
	}
	if n.partitioners != 0 { // messages are read again, and must give the same events
		src := &n.cfg.Source
		want["fields"], want["source"] = fmt.Sprint(n.cfg.Fields), fmt.Sprintf("%s, message_time %t, refuse_schemas %v", src.Format, src.MessageTime, src.RefuseSchemas)
	}
	have, err := s.Settle(ctx, want)
	if err != nil {
		return err
	}
	var differ []string
	for _, key := range sortedKeys(want) {
		if unbracketed(have[key]) != want[key] {
			differ = append(differ, fmt.Sprintf("%s: the store was made with %s, not %s", key, have[key], want[key]))
		}
	}
	if len(differ) > 0 {
		return usageError(strings.Join(differ, "\n  ") + "\ngive what it was made with, or another database: its figures would mean two things")
	}
	return nil
}
