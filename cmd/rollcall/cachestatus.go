package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// cacheStatus is the cache's part of nodeStatus. Counts are since the start.
type cacheStatus struct {
	Kind         string            `json:"kind"`
	Bytes        int64             `json:"bytes"`
	Budget       int64             `json:"budget"`
	Entries      int64             `json:"entries"`
	Evicted      int64             `json:"evicted"` // for lack of room
	EvictedBytes int64             `json:"evicted_bytes"`
	Moved        int64             `json:"moved"` // reads begun anew because the store had gone on
	Kinds        []cacheKindStatus `json:"kinds"`
	Redis        *redisStatus      `json:"redis,omitempty"`
}

type cacheKindStatus struct {
	Kind   string `json:"kind"`
	Hits   int64  `json:"hits"`
	Misses int64  `json:"misses"`
}

type redisStatus struct {
	Connected      bool              `json:"connected"`
	Breaker        string            `json:"breaker"` // closed, open, half-open
	Openings       int64             `json:"breaker_openings"`
	Hits           int64             `json:"hits"`
	Misses         int64             `json:"misses"`
	BadValues      int64             `json:"bad_values"`
	Puts           int64             `json:"puts"`
	Deletes        int64             `json:"deletes"`
	DroppedPuts    int64             `json:"dropped_puts"`
	DroppedDeletes int64             `json:"dropped_deletes"`
	TooLarge       int64             `json:"too_large"`
	Timeouts       int64             `json:"timeouts"`
	Errors         int64             `json:"errors"`
	Announced      int64             `json:"announced"`
	Heard          int64             `json:"heard"`
	Pending        int               `json:"pending"`
	PendingBytes   int               `json:"pending_bytes"`
	Server         redisServerStatus `json:"server"`
}

// redisServerStatus is what the masters say, added up.
type redisServerStatus struct {
	Asked       string `json:"asked,omitempty"`
	Masters     int    `json:"masters"`
	UsedMemory  int64  `json:"used_memory"`
	MaxMemory   int64  `json:"maxmemory"` // 0: none, or not known
	EvictedKeys int64  `json:"evicted_keys"`
	Policy      string `json:"maxmemory_policy"`
}

func (n *node) cacheStatus() cacheStatus {
	c := n.cache.Stats()
	s := cacheStatus{Kind: n.cfg.CacheKind, Bytes: c.Bytes, Budget: c.Budget, Entries: c.Entries, Evicted: c.Evicted, EvictedBytes: c.EvictedBytes, Moved: c.Moved}
	for _, k := range c.Kinds {
		s.Kinds = append(s.Kinds, cacheKindStatus(k))
	}
	if n.level == nil {
		return s
	}
	r := n.level.Stats()
	s.Redis = &redisStatus{Connected: r.Connected, Breaker: r.Breaker, Openings: r.Openings, Hits: r.Hits, Misses: r.Misses, BadValues: r.BadValues,
		Puts: r.Puts, Deletes: r.Deletes, DroppedPuts: r.DroppedPuts, DroppedDeletes: r.DroppedDeletes, TooLarge: r.TooLarge,
		Timeouts: r.Timeouts, Errors: r.Errors, Announced: r.Announced, Heard: r.Heard, Pending: r.Pending, PendingBytes: r.PendingBytes,
		Server: redisServerStatus{Masters: r.Server.Masters, UsedMemory: r.Server.UsedMemory, MaxMemory: r.Server.MaxMemory,
			EvictedKeys: r.Server.EvictedKeys, Policy: r.Server.Policy}}
	if at := r.Server.Asked; at != (time.Time{}) {
		s.Redis.Server.Asked = n.stamp(at)
	}
	return s
}

// line tells of the memory, with the hits of all kinds together.
func (c *cacheStatus) line() string {
	var hits, misses int64
	for _, k := range c.Kinds {
		hits, misses = hits+k.Hits, misses+k.Misses
	}
	return fmt.Sprintf("%s of %s, %s entries, %s, %s evicted", humanBytes(c.Bytes), humanBytes(c.Budget), humanize.Comma(c.Entries), hitRate(hits, misses), humanize.Comma(c.Evicted))
}

func hitRate(hits, misses int64) string {
	if hits+misses == 0 {
		return "not asked"
	}
	return fmt.Sprintf("%.1f%% hits of %s", 100*float64(hits)/float64(hits+misses), humanize.Comma(hits+misses))
}

func (r *redisStatus) line() string {
	state := "answers"
	switch {
	case !r.Connected:
		state = "not connected"
	case r.Breaker != "closed":
		state = "does not answer"
	}
	parts := []string{state, hitRate(r.Hits, r.Misses), fmt.Sprintf("%s timeouts", humanize.Comma(r.Timeouts))}
	if s := &r.Server; s.Masters > 0 {
		limit := "no known limit"
		if s.MaxMemory > 0 {
			limit = humanBytes(s.MaxMemory)
		}
		parts = append(parts, fmt.Sprintf("%s of %s used (%s), %s keys evicted", humanBytes(s.UsedMemory), limit, s.Policy, humanize.Comma(s.EvictedKeys)))
	}
	return strings.Join(parts, ", ")
}

func humanBytes(b int64) string { return humanize.IBytes(uint64(max(b, 0))) }
