package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"rollcall/cache"
	"rollcall/cache/redis"
)

// cacheGauges gives the state of the cache, and of the Redis behind it, to Prometheus.
type cacheGauges struct {
	cache        *cache.Cache
	level        *redis.Cache // nil without Redis
	hits, misses *prometheus.Desc
	memory       []statistic[cache.Stats]
	redis        []statistic[redis.Stats]
	breaker      *prometheus.Desc
	settings     *prometheus.Desc
}

// statistic is a number of one kind of statistics.
type statistic[S any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(S) int64
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("rollcall_"+name, help, labels, nil)
}

func gaugeOf[S any](name, help string, of func(S) int64) statistic[S] {
	return statistic[S]{describe(name, help), prometheus.GaugeValue, of}
}

func counterOf[S any](name, help string, of func(S) int64) statistic[S] {
	return statistic[S]{describe(name, help), prometheus.CounterValue, of}
}

func newCacheGauges(c *cache.Cache, level *redis.Cache) *cacheGauges {
	g := &cacheGauges{
		cache: c, level: level, memory: memoryFigures(),
		hits:   describe("cache_hits_total", "Look-ups in memory that found.", "kind"),
		misses: describe("cache_misses_total", "Look-ups in memory that did not.", "kind"),
	}
	if level != nil {
		g.redis = redisFigures()
		g.breaker = describe("redis_breaker_state", "1 for the state of the breaker: closed, open, half-open.", "state")
		g.settings = describe("redis_server_info", "1, with the maxmemory-policy of Redis.", "policy")
	}
	return g
}

func memoryFigures() []statistic[cache.Stats] {
	type stats = cache.Stats
	return []statistic[stats]{
		gaugeOf("cache_bytes", "Memory kept by the cache, about.", func(s stats) int64 { return s.Bytes }),
		gaugeOf("cache_budget_bytes", "Memory that the cache may keep.", func(s stats) int64 { return s.Budget }),
		gaugeOf("cache_entries", "Blocks, unions and answers kept.", func(s stats) int64 { return s.Entries }),
		counterOf("cache_evictions_total", "Entries let go for lack of room.", func(s stats) int64 { return s.Evicted }),
		counterOf("cache_evicted_bytes_total", "Bytes let go for lack of room.", func(s stats) int64 { return s.EvictedBytes }),
		counterOf("cache_moved_total", "Reads begun anew because the store had gone on.", func(s stats) int64 { return s.Moved }),
	}
}

func redisFigures() []statistic[redis.Stats] {
	type stats = redis.Stats
	return []statistic[stats]{
		counterOf("redis_hits_total", "Blocks found in Redis.", func(s stats) int64 { return s.Hits }),
		counterOf("redis_misses_total", "Blocks not found in Redis, or not in time.", func(s stats) int64 { return s.Misses }),
		counterOf("redis_bad_values_total", "Values in Redis that were damaged, foreign or too large.", func(s stats) int64 { return s.BadValues }),
		counterOf("redis_puts_total", "Blocks written to Redis.", func(s stats) int64 { return s.Puts }),
		counterOf("redis_deletes_total", "Superseded keys deleted in Redis.", func(s stats) int64 { return s.Deletes }),
		counterOf("redis_dropped_puts_total", "Blocks not written, for lack of room or of Redis.", func(s stats) int64 { return s.DroppedPuts }),
		counterOf("redis_dropped_deletes_total", "Superseded keys left to expire.", func(s stats) int64 { return s.DroppedDeletes }),
		counterOf("redis_too_large_total", "Blocks larger than cache.max_value_bytes.", func(s stats) int64 { return s.TooLarge }),
		counterOf("redis_timeouts_total", "Reads that took longer than cache.timeout.", func(s stats) int64 { return s.Timeouts }),
		counterOf("redis_errors_total", "Requests to Redis that failed otherwise.", func(s stats) int64 { return s.Errors }),
		counterOf("redis_announced_total", "Announcements of commits sent.", func(s stats) int64 { return s.Announced }),
		counterOf("redis_heard_total", "Announcements of commits heard, and reconnections.", func(s stats) int64 { return s.Heard }),
		gaugeOf("redis_pending", "Keys waiting to be written.", func(s stats) int64 { return int64(s.Pending) }),
		gaugeOf("redis_pending_bytes", "Bytes waiting to be written.", func(s stats) int64 { return int64(s.PendingBytes) }),
		gaugeOf("redis_connected", "1 once a first connection was made.", func(s stats) int64 { return oneIf(s.Connected) }),
		counterOf("redis_breaker_openings_total", "How often the breaker opened.", func(s stats) int64 { return s.Openings }),
		gaugeOf("redis_server_masters", "Masters of Redis.", func(s stats) int64 { return int64(s.Server.Masters) }),
		gaugeOf("redis_server_asked_seconds", "When Redis last told of itself, Unix time; 0 for never.", asked),
		gaugeOf("redis_server_used_memory_bytes", "used_memory of Redis.", func(s stats) int64 { return s.Server.UsedMemory }),
		gaugeOf("redis_server_maxmemory_bytes", "maxmemory of Redis; 0 when there is none or it is not known.", func(s stats) int64 { return s.Server.MaxMemory }),
		gaugeOf("redis_server_evicted_keys", "evicted_keys of Redis, since its start.", func(s stats) int64 { return s.Server.EvictedKeys }),
	}
}

func asked(s redis.Stats) int64 {
	if s.Server.Asked.IsZero() {
		return 0
	}
	return s.Server.Asked.Unix()
}

func oneIf(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// Describe names the gauges.
func (g *cacheGauges) Describe(to chan<- *prometheus.Desc) {
	to <- g.hits
	to <- g.misses
	for _, f := range g.memory {
		to <- f.desc
	}
	for _, f := range g.redis {
		to <- f.desc
	}
	if g.level != nil {
		to <- g.breaker
		to <- g.settings
	}
}

// Collect reads the counts of the cache. It asks nothing of Redis.
func (g *cacheGauges) Collect(to chan<- prometheus.Metric) {
	memory := g.cache.Stats()
	for _, k := range memory.Kinds {
		to <- prometheus.MustNewConstMetric(g.hits, prometheus.CounterValue, float64(k.Hits), k.Kind)
		to <- prometheus.MustNewConstMetric(g.misses, prometheus.CounterValue, float64(k.Misses), k.Kind)
	}
	for _, f := range g.memory {
		to <- f.metric(memory)
	}
	if g.level == nil {
		return
	}
	level := g.level.Stats()
	for _, f := range g.redis {
		to <- f.metric(level)
	}
	for _, state := range []string{"closed", "open", "half-open"} {
		to <- prometheus.MustNewConstMetric(g.breaker, prometheus.GaugeValue, float64(oneIf(state == level.Breaker)), state)
	}
	to <- prometheus.MustNewConstMetric(g.settings, prometheus.GaugeValue, 1, level.Server.Policy)
}

func (f *statistic[S]) metric(s S) prometheus.Metric {
	return prometheus.MustNewConstMetric(f.desc, f.kind, float64(f.of(s)))
}
