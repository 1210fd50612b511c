package redis

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// Server is what the masters say of themselves, added up over those of a Cluster.
type Server struct {
	Asked       time.Time // zero: never answered
	Masters     int
	UsedMemory  int64  // bytes
	MaxMemory   int64  // bytes; 0 if a master has no limit or does not say
	EvictedKeys int64  // since the servers' start
	Policy      string // maxmemory-policy, several joined by commas; empty if unknown
	Unlimited   bool   // a master has no limit
}

const (
	serverEvery   = 10 * time.Second
	serverTimeout = 2 * time.Second
)

// serverState is the last answer.
type serverState struct {
	mu      sync.Mutex
	server  Server
	verdict string // last logged
}

func (s *serverState) load() Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server
}

// watch asks the server once it is connected and every ten seconds from then on.
func (c *Cache) watch() {
	for wait := firstPause; c.link.life.Err() == nil; {
		if _, err := c.Check(c.link.life); err == nil {
			wait = serverEvery
		}
		c.link.sleep(c.link.life, wait)
		wait = min(2*wait, serverEvery)
	}
}

// Check asks the servers now, and logs what is to be changed in their settings when that is new. It waits two seconds at
// most for each.
func (c *Cache) Check(ctx context.Context) (Server, error) {
	client, ok := c.link.get()
	if !ok {
		return Server{}, errors.New("redis: not connected")
	}
	s, err := ask(ctx, client)
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if _, refused := rueidis.IsRedisErr(err); refused {
		c.judge(Server{})
	}
	if err != nil {
		return Server{}, errors.New("redis: INFO: " + c.link.scrub(err))
	}
	s.Asked = c.now()
	c.server.server = s
	c.judge(s)
	return s, nil
}

func ask(ctx context.Context, client rueidis.Client) (Server, error) {
	var s Server
	var policies []string
	for _, node := range client.Nodes() {
		info, err := askNode(ctx, node)
		if err != nil {
			return Server{}, err
		}
		if info["role"] != "slave" {
			s.add(info)
			policies = append(policies, info["maxmemory_policy"])
		}
	}
	slices.Sort(policies)
	s.Policy = strings.Join(slices.Compact(policies), ",")
	if s.Unlimited {
		s.MaxMemory = 0
	}
	return s, nil
}

func askNode(ctx context.Context, node rueidis.Client) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	text, err := node.Do(ctx, node.B().Info().Build()).ToString()
	return parseInfo(text), err
}

func (s *Server) add(info map[string]string) {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(info[name], 10, 64)
		return n
	}
	s.Masters++
	s.UsedMemory += number("used_memory")
	s.MaxMemory += number("maxmemory")
	s.EvictedKeys += number("evicted_keys")
	s.Unlimited = s.Unlimited || info["maxmemory"] == "0"
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

const (
	adviceLimit  = "set maxmemory, and maxmemory-policy allkeys-lru, in redis.conf or with CONFIG SET"
	advicePolicy = "set maxmemory-policy allkeys-lru in redis.conf or with CONFIG SET"
	adviceLook   = "look whether the server has a memory limit and a policy such as allkeys-lru"
)

// judge logs what the settings mean, when that has changed.
func (c *Cache) judge(s Server) {
	verdict, advice := "", ""
	switch {
	case s.Unlimited:
		verdict, advice = "redis has no memory limit, so it may take all of its machine's", adviceLimit
	case strings.Contains(s.Policy, "noeviction"):
		verdict, advice = "redis evicts nothing, so it refuses blobs when it is full", advicePolicy
	case s.Policy == "" || s.MaxMemory == 0:
		verdict, advice = "redis does not say what it does when memory is short", adviceLook
	default:
		verdict = "redis evicts keys when memory is short"
	}
	if verdict == c.server.verdict {
		return
	}
	c.server.verdict = verdict
	if advice != "" {
		c.logger.Warn(verdict, "what to do", advice, "maxmemory", s.MaxMemory, "policy", s.Policy)
		return
	}
	c.logger.Info(verdict, "maxmemory", s.MaxMemory, "policy", s.Policy)
}
