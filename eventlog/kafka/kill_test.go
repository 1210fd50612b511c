//go:build unix

package kafka_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall"
	"rollcall/eventlog/kafka"
	"rollcall/eventlog/kafka/kafkatest"
)

const (
	session   = 2 * time.Second
	fetchWait = 50 * time.Millisecond
)

// testMemberKilledAndFrozen: the shards of a process that is killed, or stands still, go to another when its session has
// timed out; who stood still loses them when it goes on, and gets its share again.
func testMemberKilledAndFrozen(t *testing.T, s *kafkatest.Server) {
	const shards = 4
	o := order{Brokers: s.Brokers(), Topic: "killed", Shards: shards, Group: "killed-rekey"}
	cfg := o.config()
	b := newBoard()
	join(t, open(t, cfg), &worker{name: "a", board: b})
	mine := func(n int) func() bool {
		return func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return len(b.owners) == n
		}
	}
	eventually(t, "all are mine", mine(shards))
	killed := spawn(t, o)
	eventually(t, "a half is the child's", func() bool { return mine(2)() && killed.said("take") })
	killed.kill()
	eventually(t, "all are mine after the kill", mine(shards))
	frozen := spawn(t, o)
	eventually(t, "a half is the second child's", func() bool { return mine(2)() && frozen.said("take") })
	frozen.signal(syscall.SIGSTOP)
	eventually(t, "all are mine while it is frozen", mine(shards))
	frozen.signal(syscall.SIGCONT)
	eventually(t, "it has lost them", func() bool { return frozen.said("lose") })
	eventually(t, "it has its share again", mine(2))
}

// testRekeyKilled: processes that rekey are killed at any moment, in the middle of transactions; every message is in the log once.
func testRekeyKilled(t *testing.T, s *kafkatest.Server) {
	const parts, shards, each = 2, 2, 18_000
	open(t, config(s, "rekeyed-source", parts))
	l := open(t, config(s, "rekeyed", shards))
	c := s.Dial(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	feed := func(n int) {
		for p := range int32(parts) {
			must(t, c.ProduceSync(t.Context(), records("rekeyed-source", p, n, func(i int) string { return fmt.Sprint(i) })...).FirstErr())
		}
	}
	o := order{Brokers: s.Brokers(), Topic: "rekeyed", Shards: shards, Group: "rekeyed-rekey", Name: "a", Source: "rekeyed-source"}
	other := o
	other.Name = "b"
	spawn(t, other)
	for range 3 {
		child := spawn(t, o)
		feed(each / 3)
		eventually(t, "the child works", func() bool { return child.said("messages") })
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond) // any moment will do
		child.kill()
	}
	exactlyOnce(t, l, parts*each)
}

// exactlyOnce waits until a number of different payloads is in the log, and finds doubles.
func exactlyOnce(t *testing.T, l *kafka.Log, want int) {
	t.Helper()
	seen, at := map[string]int{}, make([]rollcall.Offset, l.Shards())
	readOn := func() bool {
		for shard := range at {
			at[shard] = count(t, l, shard, at[shard], seen)
		}
		return len(seen) >= want
	}
	eventually(t, "all messages are in the log", readOn)
	readOn()
	for name, n := range seen {
		if n != 1 {
			t.Fatalf("%s is in the log %d times", name, n)
		}
	}
	if len(seen) != want {
		t.Errorf("%d messages, want %d", len(seen), want)
	}
}
