package main

import (
	"time"

	"rollcall/redisaddr"
)

// checkCache names what is wrong with the cache's settings. No message repeats an address or a password.
func checkCache(c *Config, bad func(string, string, ...any)) {
	within, _ := limits(bad)
	lasts := func(key string, d, least, most time.Duration) {
		if d < least || d > most {
			bad(key, "%s is out of range; give %s to %s", formatDuration(d), formatDuration(least), formatDuration(most))
		}
	}
	r := &c.Redis
	within("cache.memory", c.CacheMemory, 1<<20, 1<<44, "bytes")
	lasts("cache.poll", c.CachePoll, 10*time.Millisecond, time.Minute)
	lasts("cache.ttl", r.TTL, time.Second, 30*day)
	lasts("cache.timeout", r.Timeout, time.Millisecond, 10*time.Second)
	within("cache.max_value_bytes", r.MaxValueBytes, 1<<10, 64<<20, "bytes")
	if _, err := redisaddr.Parse(r.Addr); err != nil {
		bad("cache.addr", "%v; give host:port, redis://user:password@host:port/db, redis-cluster://host:port,host:port or redis-sentinel://host:port/master", err)
	}
	if err := redisaddr.CheckPrefix(r.Prefix); err != nil || r.Prefix == "" {
		bad("cache.prefix", "%q is no prefix; give 1 to 64 letters, digits and _-.:", r.Prefix)
	}
	if r.TLSCA != "" {
		if _, err := authorities(r.TLSCA); err != nil {
			bad("cache.tls_ca", "%v", err)
		}
	}
}
