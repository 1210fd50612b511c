//go:build unix

package apptest

import (
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rollcall/cache/redis/redistest"
	"rollcall/simtest"
)

// metric reads one figure of GET /metrics, by its name and labels.
func metric(t *testing.T, s *Server, name string) float64 {
	t.Helper()
	reply, err := s.Get("/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(reply.Body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return f
		}
	}
	t.Fatalf("no %s in\n%s", name, reply.Body)
	return 0
}

// importWorld imports the events of a world into a data directory and gives the flags to serve it.
func importWorld(t *testing.T, d simtest.Dice, more ...string) (simtest.World, []string) {
	t.Helper()
	w, flags := recent(t, d, "UTC")
	flags = append(append(flags, "--data", filepath.Join(t.TempDir(), "data")), more...)
	file := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(file, lines(t, &w.Config, w.Events), 0o600); err != nil {
		t.Fatal(err)
	}
	MustRun(t, binary(t), nil, append([]string{"import", file}, flags...)...)
	return w, flags
}

// A server over Redis gives the oracle's figures; started again, with an empty memory, it has the blocks from Redis.
func TestServeOverRedis(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	d := rand.New(rand.NewSource(*seed))
	w, flags := importWorld(t, d, "--cache-kind", "redis", "--cache-addr", r.Addr, "--cache-prefix", "app", "--cache-timeout", "1s")
	s := Start(t, binary(t), nil, flags...)
	compareServer(t, s, d, &w)
	redistest.Eventually(t, "blocks are in Redis", func() bool {
		return metric(t, s, "rollcall_redis_puts_total") > 0 && metric(t, s, "rollcall_redis_pending") == 0
	})
	if !strings.Contains(s.Stderr(), "policy=allkeys-lru") {
		t.Errorf("nothing of maxmemory-policy in\n%s", s.Stderr())
	}
	s.Stop(t)
	quietEnd(t, s)
	s = Start(t, binary(t), nil, flags...)
	compareServer(t, s, d, &w)
	if metric(t, s, "rollcall_redis_hits_total") == 0 {
		t.Error("nothing came from Redis")
	}
	for _, name := range []string{`rollcall_redis_breaker_state{state="closed"}`, `rollcall_redis_server_info{policy="allkeys-lru"}`, "rollcall_redis_connected"} {
		if metric(t, s, name) != 1 {
			t.Errorf("%s is not 1", name)
		}
	}
	if limit := metric(t, s, "rollcall_redis_server_maxmemory_bytes"); limit != 64<<20 {
		t.Errorf("maxmemory %v", limit)
	}
	if metric(t, s, `rollcall_cache_misses_total{kind="cells"}`) == 0 || metric(t, s, "rollcall_cache_bytes") == 0 || metric(t, s, "rollcall_cache_budget_bytes") != 256<<20 {
		t.Error("the memory's figures are wrong")
	}
	asDescribed(t, described(t, s), s, "GET", "/api/v1/status", "", 200)
	table := MustRun(t, binary(t), nil, append([]string{"status", "--server", s.URL}, flags...)...).Stdout
	for _, text := range []string{" of 256 MiB, ", "% hits of ", "redis             answers, ", "of 64 MiB used (allkeys-lru), 0 keys evicted"} {
		if !strings.Contains(table, text) {
			t.Errorf("no %q in\n%s", text, table)
		}
	}
	r.Freeze()
	compareServer(t, s, d, &w)
	s.Stop(t)
	quietEnd(t, s)
	r.Thaw()
}

// quietEnd sees to it that no error was logged.
func quietEnd(t *testing.T, s *Server) {
	t.Helper()
	if strings.Contains(s.Stderr(), "level=ERROR") {
		t.Errorf("errors in\n%s", s.Stderr())
	}
}

// A Redis that refuses the password, or that is not there, is told of once and does no harm. No password is logged.
func TestServeWithoutItsRedis(t *testing.T) {
	refusing := redistest.StartWith(t, redistest.Options{Password: "rightone", Args: []string{"--requirepass", "rightone"}})
	dead := redistest.Start(t)
	dead.Kill()
	for name, c := range map[string]struct{ addr, says string }{
		"wrong password": {"redis://:hush-hush@" + refusing.Addr, "WRONGPASS"},
		"nobody there":   {dead.Addr, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			d := rand.New(rand.NewSource(*seed))
			w, flags := importWorld(t, d, "--cache-kind", "redis", "--cache-addr", c.addr)
			s := Start(t, binary(t), nil, flags...)
			compareServer(t, s, d, &w)
			if log := s.Stderr(); strings.Count(log, "can't connect to redis") != 1 || !strings.Contains(log, c.says) || strings.Contains(log, "hush") {
				t.Errorf("log:\n%s", log)
			}
			if metric(t, s, "rollcall_redis_connected") != 0 || metric(t, s, `rollcall_redis_breaker_state{state="open"}`) != 1 {
				t.Error("it is said to be connected")
			}
			s.Stop(t)
			quietEnd(t, s)
		})
	}
}

func TestBadSettingsOfRedis(t *testing.T) {
	out := Run(t, binary(t), nil, "config", "check", "--data", t.TempDir(), "--cache-kind", "redis", "--cache-addr", "redis://:hush@h:x", "--cache-ttl", "1ms", "--cache-prefix", "{a}")
	for _, text := range []string{"cache.addr: redis address: ", "cache.ttl: 1ms is out of range", `cache.prefix: "{a}"`} {
		if !strings.Contains(out.Stdout, text) || out.Exit != 2 || strings.Contains(out.Stdout+out.Stderr, "hush") {
			t.Errorf("no %q, or a password, in %d %s%s", text, out.Exit, out.Stdout, out.Stderr)
		}
	}
	if out := Run(t, binary(t), nil, "serve", "--data", t.TempDir(), "--cache-kind", "redis", "--cache-prefix", "{a}"); out.Exit != 2 || !strings.Contains(out.Stderr, "cache.prefix") {
		t.Errorf("%d %s", out.Exit, out.Stderr)
	}
}
