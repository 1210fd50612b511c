//go:build unix

package redis

import (
	"strings"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
)

func TestSettingsAreJudged(t *testing.T) {
	for name, test := range map[string]struct {
		args   []string
		want   string
		level  string
		max    int64
		policy string
	}{
		"no limit":   {nil, "no memory limit", "WARN", 0, "noeviction"},
		"noeviction": {[]string{"--maxmemory", "64mb"}, "evicts nothing", "WARN", 64 << 20, "noeviction"},
		"lru":        {[]string{"--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"}, "evicts keys", "INFO", 64 << 20, "allkeys-lru"},
		"lfu":        {[]string{"--maxmemory", "64mb", "--maxmemory-policy", "volatile-lfu"}, "evicts keys", "INFO", 64 << 20, "volatile-lfu"},
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t, test.args...)
			var l logged
			c := openLogged(t, patient(s.Addr), l.logger())
			redistest.Eventually(t, "the server is asked", func() bool { return !c.Stats().Server.Asked.IsZero() })
			if text := l.String(); !strings.Contains(text, test.want) || !strings.Contains(text, "level="+test.level+" msg=\"redis ") {
				t.Errorf("log:\n%s", text)
			}
			if s := c.Stats().Server; s.MaxMemory != test.max || s.Policy != test.policy || s.UsedMemory == 0 || s.Masters != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestEvictionsAreCounted(t *testing.T) {
	s := redistest.Start(t, "--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru")
	c := open(t, patient(s.Addr))
	put(t, c, sized(keysOf(100), 100_000))
	got, err := c.Check(t.Context())
	if err != nil || got.EvictedKeys == 0 || c.Stats().Server != got {
		t.Errorf("%+v, %v", got, err)
	}
}

// INFO is refused to many users of a shared Redis: that is not known, and harms nothing.
func TestSettingsAreUnknown(t *testing.T) {
	s := redistest.Start(t)
	s.Do("ACL", "SETUSER", "reader", "on", ">word", "~*", "&*", "+@all", "-@dangerous")
	var l logged
	c := openLogged(t, Config{Addr: "redis://reader:word@" + s.Addr, Timeout: 10 * time.Second}, l.logger())
	redistest.Eventually(t, "it is logged", func() bool { return strings.Contains(l.String(), "does not say") })
	if _, err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "INFO") {
		t.Error(err)
	}
	put(t, c, map[string][]byte{"a": {1}})
}

func TestServersOfAClusterAddUp(t *testing.T) {
	t.Parallel()
	g := redistest.StartCluster(t)
	g.Nodes[0].Do("CONFIG", "SET", "maxmemory", "10mb", "maxmemory-policy", "allkeys-lru")
	g.Nodes[1].Do("CONFIG", "SET", "maxmemory", "20mb")
	c := open(t, patient(g.URL))
	s, err := c.Check(t.Context())
	if err != nil || s.Masters != 3 || !s.Unlimited || s.MaxMemory != 0 || s.Policy != "allkeys-lru,noeviction" {
		t.Errorf("%+v, %v", s, err)
	}
	g.Nodes[2].Do("CONFIG", "SET", "maxmemory", "30mb")
	if s, err = c.Check(t.Context()); err != nil || s.Unlimited || s.MaxMemory != 60<<20 {
		t.Errorf("%+v, %v", s, err)
	}
}
