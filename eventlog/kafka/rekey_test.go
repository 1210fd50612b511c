//go:build unix

package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/eventlog/kafka"
	"rollcall/eventlog/kafka/kafkatest"
)

// testRekeyIsExactlyOnce: members come, are cut off in the middle of a transaction, fail, and the broker is killed: every
// message is in the log once.
func testRekeyIsExactlyOnce(t *testing.T, s *kafkatest.Server) {
	const parts, shards, each = 3, 2, 4000
	from := config(s, "once-source", parts)
	open(t, from)
	cfg := config(s, "once", shards)
	cfg.SessionTimeout = 2 * time.Second
	l := open(t, cfg)

	// run is a member that ends by itself with a translation that fails, or goes on.
	run := func(name string, ctx context.Context, failAt int) error {
		n := 0
		return kafka.Rekey(ctx, cfg, kafka.Deps{}, kafka.Source{Topic: "once-source", Group: "once-rekey", Member: name, TransactionTimeout: 3 * time.Second},
			func(ctx context.Context, messages []eventlog.Message) ([]eventlog.Record, error) {
				if n += len(messages); failAt > 0 && n >= failAt {
					return nil, errors.New("broken")
				}
				return spread(shards)(ctx, messages)
			})
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run("a", ctx, 0); err != nil {
			t.Errorf("a: %v", err)
		}
	})
	wg.Go(func() {
		for n := 500; ctx.Err() == nil; n += 700 {
			if err := run("b", ctx, n); err == nil && ctx.Err() == nil {
				t.Error("b did not fail")
			}
		}
	})
	c := s.Dial(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.UnknownTopicRetries(-1))
	for round := range 4 {
		for p := range int32(parts) {
			must(t, c.ProduceSync(t.Context(), records("once-source", p, each/4, func(i int) string { return fmt.Sprint(i) })...).FirstErr())
		}
		if round == 1 {
			s.Kill()
			s.Restart()
		}
	}
	exactlyOnce(t, l, parts*each)
	cancel()
	wg.Wait()
}

// count reads on from an offset to the end of now, and counts the payloads.
func count(t *testing.T, l *kafka.Log, shard int, at rollcall.Offset, seen map[string]int) rollcall.Offset {
	t.Helper()
	_, next, err := l.Bounds(t.Context(), shard)
	must(t, err)
	all, _ := readTo(t, l, shard, at, next)
	for _, name := range all {
		seen[name]++
	}
	return max(at, next)
}
