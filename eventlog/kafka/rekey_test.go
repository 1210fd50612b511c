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

// testRekeyKeepsTimes: a record with a time of receipt keeps it, one without has that of its writing. A transaction may have more than an
// Append.
func testRekeyKeepsTimes(t *testing.T, s *kafkatest.Server) {
	open(t, config(s, "times-source", 1))
	cfg := config(s, "times", 1)
	cfg.AppendBytes = 100 // less than a record takes
	l := open(t, cfg)
	begun := time.Now().UnixMilli()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		err := kafka.Rekey(ctx, cfg, kafka.Deps{}, kafka.Source{Topic: "times-source", Group: "times-rekey"},
			func(_ context.Context, messages []eventlog.Message) (out []eventlog.Record, err error) {
				for _, m := range messages {
					out = append(out, eventlog.Record{Received: int64(m.Offset) * 1000, Count: 1, Payload: m.Value})
				}
				return out, nil
			})
		if err != nil {
			t.Error(err)
		}
	})
	c := s.Dial(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.UnknownTopicRetries(-1))
	must(t, c.ProduceSync(t.Context(), records("times-source", 0, 3, func(i int) string { return fmt.Sprint(i) })...).FirstErr())
	var got []eventlog.Record
	for at := rollcall.Offset(0); len(got) < 3; {
		some, err := l.Fetch(t.Context(), 0, at, 0, 1<<20, nil)
		must(t, err)
		for _, r := range some {
			if at = r.Next; r.Count > 0 {
				got = append(got, r)
			}
		}
	}
	if got[0].Received < begun || got[1].Received != 1000 || got[2].Received != 2000 {
		t.Errorf("received %d, %d, %d, begun %d", got[0].Received, got[1].Received, got[2].Received, begun)
	}
	cancel()
	wg.Wait()
}
