package redisstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// inspect looks at the settings of every primary: the one with the log may be any of them, today or after a failover.
func (l *Log) inspect(ctx context.Context) error {
	for _, node := range l.link.client.Nodes() {
		text, err := node.Do(ctx, node.B().Info().Build()).ToString()
		if err != nil {
			return l.failure(err)
		}
		info := parseInfo(text)
		if info["role"] == "slave" {
			continue
		}
		if major, _, _ := strings.Cut(info["redis_version"], "."); major != "" {
			if n, err := strconv.Atoi(major); err == nil && n < 7 {
				return fmt.Errorf("redis %.20q: want 7.0 or newer", info["redis_version"])
			}
		}
		if policy := info["maxmemory_policy"]; strings.HasPrefix(policy, "allkeys") && info["maxmemory"] != "0" {
			return fmt.Errorf("maxmemory-policy %s may delete the log: set noeviction or volatile-lru, and keep the cache in another redis", policy)
		}
		settings, err := node.Do(ctx, node.B().ConfigGet().Parameter("appendfsync").Build()).AsStrMap()
		if err != nil {
			settings = nil // managed servers forbid CONFIG
		}
		l.judge(info["aof_enabled"], settings["appendfsync"])
	}
	return nil
}

// judge warns when an Append that was acknowledged may be lost.
func (l *Log) judge(aof, sync string) {
	const still = "; Replicas makes another machine have it too"
	switch {
	case aof == "0":
		l.logger.Error("the redis that holds the log keeps no append-only file: acknowledged events are LOST when it ends",
			"what to do", "set appendonly yes and appendfsync always in redis.conf or with CONFIG SET"+still, "replicas", l.cfg.Replicas)
	case sync == "":
		l.logger.Warn("the redis that holds the log does not tell how it writes its append-only file: acknowledged events may be lost when it ends",
			"what to do", "see that appendonly is yes and appendfsync is always"+still, "replicas", l.cfg.Replicas)
	case sync != "always":
		l.logger.Warn("acknowledged events of the last seconds are LOST when the machine of the redis that holds the log fails",
			"appendfsync", sync, "what to do", "set appendfsync always in redis.conf or with CONFIG SET"+still, "replicas", l.cfg.Replicas)
	}
}

// parseInfo takes the lines name:value of a reply to INFO.
func parseInfo(text string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

var errReply = errors.New("redis replied with something unexpected")
