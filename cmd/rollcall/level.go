package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"time"

	"rollcall"
	"rollcall/cache"
	"rollcall/cache/redis"
	"rollcall/fold"
)

const (
	kindRedis = "redis"
	maxCA     = 1 << 20 // bytes of a file of certificates
)

// openCache puts the cache before the store, with a Redis behind its memory where one is configured. A Redis that does
// not answer is no error: it is waited for no longer than a second, and used once it is there.
func (n *node) openCache() (c *cache.Cache, err error) {
	deps := cache.Deps{Store: watched{n.store, n}, Firsts: fold.ReadFirsts, Logger: n.logger, Now: time.Now}
	if n.cfg.CacheKind == kindRedis {
		if n.level, err = openRedis(&n.cfg.Redis, n.logger); err != nil {
			return nil, err
		}
		deps.Level, deps.Announcements = n.level, n.level
	}
	return cache.New(cache.Config{Bytes: n.cfg.CacheMemory, Poll: n.cfg.CachePoll, Cuboids: rollcall.Cuboids(len(n.cfg.Dimensions))}, deps), nil
}

func openRedis(c *redisConfig, logger *slog.Logger) (*redis.Cache, error) {
	cfg := redis.Config{Addr: c.Addr, Username: c.Username, Password: c.Password, SentinelUsername: c.SentinelUsername, SentinelPassword: c.SentinelPassword,
		Prefix: c.Prefix, TTL: c.TTL, Timeout: c.Timeout, MaxValueBytes: int(c.MaxValueBytes)}
	if c.TLSCA != "" {
		roots, err := authorities(c.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("cache.tls_ca: %w", err)
		}
		cfg.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return redis.New(cfg, redis.Deps{Now: time.Now, Logger: logger})
}

// authorities reads the certificates that a server's must be signed by.
func authorities(path string) (*x509.CertPool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w; give a file of certificates in PEM", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxCA {
		return nil, fmt.Errorf("%s is no file of at most %d bytes; give one of certificates in PEM", path, maxCA)
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate; give one or several in PEM, between BEGIN CERTIFICATE and END CERTIFICATE", path)
	}
	return roots, nil
}
