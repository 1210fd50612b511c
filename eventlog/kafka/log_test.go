//go:build unix

package kafka_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/eventlog/kafka"
	"rollcall/eventlog/kafka/kafkatest"
	"rollcall/eventlog/logtest"
)

// config of a log of its own on a server.
func config(s *kafkatest.Server, topic string, shards int) kafka.Config {
	return kafka.Config{Brokers: s.Brokers(), Topic: topic, Shards: shards, Group: topic + "-group", TLS: s.TLS(),
		FetchWait: 50 * time.Millisecond, AppendTimeout: 20 * time.Second}
}

func open(t testing.TB, cfg kafka.Config) *kafka.Log {
	t.Helper()
	l, err := kafka.Open(t.Context(), cfg, kafka.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestOnOneBroker runs the tests on topics of their own: a broker takes seconds to start.
func TestOnOneBroker(t *testing.T) {
	s := kafkatest.Start(t, kafkatest.Options{})
	for _, c := range []struct {
		name string
		test func(*testing.T, *kafkatest.Server)
	}{
		{"conformance", testConformance},
		{"gaps are stepped over", testGaps},
		{"an open transaction is the end", testOpenTransactionIsTheEnd},
		{"lost", testLost},
		{"another number of partitions", testPartitions},
		{"a damaged batch", testDamage},
		{"owners take turns", testOwnersTakeTurns},
		{"a member is killed or frozen", testMemberKilledAndFrozen},
		{"a report shows as lag", testReportShowsAsLag},
		{"fed from outside", testFeedFromOutside},
		{"rekeying processes are killed", testRekeyKilled},
		{"appends are bounded", testAppendBounds}, // from here on the broker suffers too
		{"the broker restarts while a reader and a writer work", testRestartWhileWorking},
		{"the broker is away from owners", testBrokerAway},
		{"rekeyed exactly once", testRekeyIsExactlyOnce},
		{"rekeyed with its times", testRekeyKeepsTimes},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, s) })
	}
}

func testConformance(t *testing.T, s *kafkatest.Server) {
	admin := kadm.NewClient(s.Dial())
	var topics atomic.Int64
	logtest.Run(t, func(t *testing.T, shards int) logtest.Harness {
		cfg := config(s, fmt.Sprintf("events-%d", topics.Add(1)), shards)
		l := open(t, cfg)
		return logtest.Harness{Log: l,
			Reopen: func() logtest.Log {
				must(t, l.Close())
				l = open(t, cfg)
				return l
			},
			Trim: func(shard int, before rollcall.Offset) logtest.Log {
				trim(t, admin, cfg.Topic, shard, before)
				return l
			},
		}
	})
}

func trim(t testing.TB, admin *kadm.Client, topic string, shard int, before rollcall.Offset) {
	t.Helper()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, int32(shard), int64(before), -1)
	resp, err := admin.DeleteRecords(t.Context(), offsets)
	must(t, err)
	must(t, resp.Error())
}

// put appends one record of one event.
func put(l *kafka.Log, shard int, format string, args ...any) error {
	return l.Append(context.Background(), []eventlog.Record{{Shard: shard, Count: 1, Payload: fmt.Appendf(nil, format, args...)}}, nil)
}

// records makes n records of a client for one partition.
func records(topic string, partition int32, n int, value func(int) string) []*kgo.Record {
	out := make([]*kgo.Record, n)
	for i := range out {
		out[i] = &kgo.Record{Topic: topic, Partition: partition, Value: []byte(value(i))}
	}
	return out
}
