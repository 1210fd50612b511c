//go:build unix

package simtest_test

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall/cache/redis"
	"rollcall/cache/redis/redistest"
	"rollcall/simtest"
)

// TestPipelineOverRedisEqualsOracle runs random worlds with two processes over one store and one Redis, asked in turn, so
// that what one has put there is in the answers of the other. The Redis loses everything with each crash. A third of the
// draws are such worlds: they take longer.
func TestPipelineOverRedisEqualsOracle(t *testing.T) {
	server, worlds, found := redistest.Start(t), 0, int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		if rapid.IntRange(0, 2).Draw(rt, "one in three") > 0 {
			return
		}
		worlds++
		newLevel := func() (level, error) {
			c, err := redis.New(redis.Config{Addr: server.Addr, Prefix: "world" + strconv.Itoa(worlds), Timeout: 10 * time.Second}, redis.Deps{})
			return &countedLevel{c, &found}, err
		}
		simtest.Check(rt, rapid.Bool().Draw(rt, "limits"), func(w simtest.World) (simtest.Harness, error) {
			p, err := openPipeline(t, w, func(p *pipeline) { p.newLevel = newLevel })
			return &overRedis{p, server}, err
		})
	})
	if found == 0 {
		t.Error("nothing was ever found in Redis")
	}
	t.Logf("%d blocks of %d worlds came from Redis", found, worlds)
}

// countedLevel adds up what was found.
type countedLevel struct {
	*redis.Cache
	found *int64
}

func (l *countedLevel) Close() {
	*l.found += l.Stats().Hits
	l.Cache.Close()
}

// overRedis loses what is in Redis with each crash.
type overRedis struct {
	*pipeline
	server *redistest.Server
}

func (o *overRedis) Crash() error {
	if _, err := o.server.Ask("FLUSHALL"); err != nil {
		return err
	}
	return o.pipeline.Crash()
}
