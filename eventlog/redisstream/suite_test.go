//go:build unix

package redisstream_test

import (
	"fmt"
	"testing"

	"rollcall"
	"rollcall/cache/redis/redistest"
	"rollcall/eventlog"
	"rollcall/eventlog/logtest"
	"rollcall/eventlog/redisstream"
)

func TestConformance(t *testing.T) {
	s := redistest.Start(t)
	runSuite(t, redisstream.Config{Addr: s.Addr})
}

func TestConformanceInACluster(t *testing.T) {
	runSuite(t, redisstream.Config{Addr: redistest.StartCluster(t).URL})
}

func runSuite(t *testing.T, cfg redisstream.Config) {
	number := 0
	logtest.Run(t, func(t *testing.T, shards int) logtest.Harness {
		number++
		cfg := cfg
		cfg.Prefix, cfg.Shards = fmt.Sprintf("suite%d", number), shards
		l := open(t, cfg)
		return logtest.Harness{
			Log: l,
			Reopen: func() logtest.Log {
				must(t, l.Close())
				l = open(t, cfg)
				return l
			},
			Trim: func(shard int, before rollcall.Offset) logtest.Log {
				must(t, l.Report(t.Context(), []eventlog.Progress{{Shard: shard, Committed: before, Snapshot: before}}))
				return l
			},
		}
	})
}
