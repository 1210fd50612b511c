//go:build unix

package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/eventlog/kafka"
	"rollcall/eventlog/kafka/kafkatest"
)

// transact writes n records of a transaction that is committed or aborted.
func transact(t *testing.T, s *kafkatest.Server, topic string, n int, how kgo.TransactionEndTry) {
	t.Helper()
	c := s.Dial(kgo.TransactionalID(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, c.BeginTransaction())
	must(t, c.ProduceSync(t.Context(), records(topic, 0, n, func(i int) string { return fmt.Sprintf("%v %d", how, i) })...).FirstErr())
	must(t, c.EndTransaction(t.Context(), how))
	c.Close()
}

// readTo reads a shard from an offset to an offset, and gives the payloads.
func readTo(t *testing.T, l *kafka.Log, shard int, at, to rollcall.Offset) (all []string, end rollcall.Offset) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
	defer cancel()
	for at < to {
		got, err := l.Fetch(ctx, shard, at, to, 1, nil)
		must(t, err)
		for _, r := range got {
			if r.Offset < at || r.Next <= r.Offset || r.Next > to {
				t.Fatalf("record [%d, %d) read from %d to %d", r.Offset, r.Next, at, to)
			}
			if at = r.Next; r.Count > 0 {
				all = append(all, string(r.Payload))
			}
		}
	}
	return all, at
}

// testGaps: aborted records and markers are stepped over, at the end of the log too, and a fetch ends at its end.
func testGaps(t *testing.T, s *kafkatest.Server) {
	l := open(t, config(s, "gaps", 1))
	must(t, put(l, 0, "a"))
	transact(t, s, "gaps", 3, kgo.TryAbort)  // 1 to 3, marker 4
	transact(t, s, "gaps", 2, kgo.TryCommit) // 5 and 6, marker 7
	must(t, put(l, 0, "b"))
	transact(t, s, "gaps", 2, kgo.TryAbort) // 9 and 10, marker 11
	first, next, err := l.Bounds(t.Context(), 0)
	for err == nil && next < 12 && t.Context().Err() == nil { // the broker writes the last marker in its own time
		first, next, err = l.Bounds(t.Context(), 0)
	}
	must(t, err)
	if first != 0 || next != 12 {
		t.Fatalf("bounds [%d, %d), want [0, 12)", first, next)
	}
	all, end := readTo(t, l, 0, 0, next)
	if got := strings.Join(all, ", "); got != "a, true 0, true 1, b" || end != next {
		t.Errorf("got %s, to %d", got, end)
	}
	for from := range rollcall.Offset(12) {
		for to := from + 1; to <= 12; to++ {
			if _, end := readTo(t, l, 0, from, to); end != to {
				t.Errorf("from %d to %d: ended at %d", from, to, end)
			}
		}
	}
}

// testOpenTransactionIsTheEnd: records of a transaction that is not ended are not in the bounds, and no Fetch gives them.
func testOpenTransactionIsTheEnd(t *testing.T, s *kafkatest.Server) {
	l := open(t, config(s, "open", 1))
	c := s.Dial(kgo.TransactionalID("open"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, c.BeginTransaction())
	must(t, c.ProduceSync(t.Context(), records("open", 0, 1, func(int) string { return "open" })...).FirstErr())
	must(t, put(l, 0, "behind"))
	if _, next, err := l.Bounds(t.Context(), 0); err != nil || next != 0 {
		t.Errorf("the log ends at %d, %v, want 0", next, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if got, err := l.Fetch(ctx, 0, 0, 0, 1<<20, nil); err == nil {
		t.Errorf("got %d records", len(got))
	}
	must(t, c.EndTransaction(t.Context(), kgo.TryCommit))
	if all, _ := readTo(t, l, 0, 0, 3); strings.Join(all, " ") != "open behind" {
		t.Errorf("got %q", all)
	}
}

// testLost: an offset behind the end is an error at once, and so is a topic that was made anew.
func testLost(t *testing.T, s *kafkatest.Server) {
	cfg := config(s, "lost", 1)
	cfg.Refresh = 300 * time.Millisecond
	l := open(t, cfg)
	must(t, put(l, 0, "a"))
	if _, err := l.Fetch(t.Context(), 0, 2, 0, 1, nil); !errors.Is(err, eventlog.ErrLost) {
		t.Errorf("got %v, want ErrLost", err)
	}
	before, err := l.Identity(t.Context())
	must(t, err)
	failed := make(chan error, 1)
	go func() {
		_, err := l.Fetch(context.Background(), 0, 1, 0, 1, nil)
		failed <- err
	}()
	admin := kadm.NewClient(s.Dial())
	_, err = admin.DeleteTopics(t.Context(), "lost")
	must(t, err)
	var again *kafka.Log
	eventually(t, "the topic is made anew", func() bool {
		again, err = kafka.Open(t.Context(), cfg, kafka.Deps{})
		return err == nil
	})
	defer again.Close() //nolint:errcheck // it gives none
	select {
	case err := <-failed:
		if !errors.Is(err, eventlog.ErrLost) {
			t.Errorf("the Fetch that waited got %v, want ErrLost", err)
		}
	case <-time.After(kafkatest.Patience):
		t.Fatal("a Fetch waits for records of another topic")
	}
	eventually(t, "Append is refused", func() bool { return errors.Is(put(l, 0, "b"), eventlog.ErrLost) })
	if after, _ := again.Identity(t.Context()); after == before {
		t.Errorf("both topics are %s", before)
	}
}

// testPartitions: another number of partitions is an error that says what to do, at Open and while the log is open.
func testPartitions(t *testing.T, s *kafkatest.Server) {
	cfg := config(s, "partitions", 2)
	cfg.Refresh = 200 * time.Millisecond
	l := open(t, cfg)
	wrong := cfg
	wrong.Shards = 3
	if _, err := kafka.Open(t.Context(), wrong, kafka.Deps{}); err == nil || !strings.Contains(err.Error(), "set log.shards to 2") {
		t.Errorf("got %v", err)
	}
	missing := config(s, "missing", 0)
	if _, err := kafka.Open(t.Context(), missing, kafka.Deps{}); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("got %v", err)
	}
	owned := make(chan error, 1)
	go func() { owned <- l.Own(context.Background(), &worker{name: "a", board: newBoard()}) }()
	_, err := kadm.NewClient(s.Dial()).CreatePartitions(t.Context(), 1, "partitions")
	must(t, err)
	for _, what := range []func() error{
		func() error { _, err := l.Fetch(context.Background(), 0, 0, 0, 1, nil); return err },
		func() error { return <-owned },
		func() error { return put(l, 0, "a") },
	} {
		if err := what(); err == nil || !strings.Contains(err.Error(), "it has 3 partitions and log.shards is 2") {
			t.Errorf("got %v", err)
		}
	}
}

// testAppendBounds: what can't be taken is refused with its reason, and what can wait is bounded in bytes and time.
func testAppendBounds(t *testing.T, s *kafkatest.Server) {
	cfg := config(s, "bounded", 1)
	cfg.Properties = map[string]string{"max.message.bytes": "100000"}
	cfg.AppendTimeout, cfg.AppendBytes = 2*time.Second, 200_000
	l := open(t, cfg)
	if err := put(l, 0, "%0100000d", 1); err == nil || !strings.Contains(err.Error(), "max.message.bytes") {
		t.Errorf("got %v", err)
	}
	must(t, put(l, 0, "off"))
	s.Freeze()
	failed := make(chan error, 2)
	for range 2 {
		go func() { failed <- put(l, 0, "%090000d", 1) }()
	}
	eventually(t, "both wait", func() bool { return l.Stats().Waiting > 180_000 })
	if err := put(l, 0, "%050000d", 1); !errors.Is(err, eventlog.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	for range 2 {
		if err := <-failed; !errors.Is(err, eventlog.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
	}
	if _, _, err := l.Bounds(t.Context(), 0); !errors.Is(err, eventlog.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	s.Thaw()
	eventually(t, "the log takes records again", func() bool { return put(l, 0, "on") == nil })
}

// testRestartWhileWorking: while the broker is killed and comes back, no acknowledged record is lost, none comes twice, and
// the reader needs no help.
func testRestartWhileWorking(t *testing.T, s *kafkatest.Server) {
	l := open(t, config(s, "restart", 1))
	acknowledged, stop := make(chan int, 1), make(chan struct{})
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				acknowledged <- n
				return
			default:
			}
			if err := put(l, 0, "%d", n); err != nil {
				t.Error(err)
			}
		}
	}()
	read := make(chan string, 1<<20)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- follow(ctx, l, read) }()
	seen := 0
	more := func(n int) {
		for range n {
			select {
			case got := <-read:
				if got != fmt.Sprint(seen) {
					t.Fatalf("got %s, want %d", got, seen)
				}
				seen++
			case <-time.After(kafkatest.Patience):
				t.Fatalf("no record after %d", seen)
			}
		}
	}
	more(100)
	s.Kill()
	s.Restart()
	more(len(read) + 100)
	s.Freeze()
	s.Thaw()
	more(len(read) + 100)
	close(stop)
	more(<-acknowledged - seen)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func follow(ctx context.Context, l *kafka.Log, to chan<- string) error {
	var buf []eventlog.Record
	for at := rollcall.Offset(0); ; at = buf[len(buf)-1].Next {
		var err error
		if buf, err = l.Fetch(ctx, 0, at, 0, 1000, buf); err != nil {
			return err
		}
		for _, r := range buf {
			to <- string(r.Payload)
		}
	}
}

// testDamage: a batch with a flipped bit is named and not stepped over; what lies before it is read.
func testDamage(t *testing.T, s *kafkatest.Server) {
	l := open(t, config(s, "damage", 1))
	for _, text := range []string{"sound", "to be damaged", "behind"} {
		must(t, put(l, 0, "%s", text))
	}
	path := filepath.Join(s.Dir, "data", "damage-0", fmt.Sprintf("%020d.log", 0))
	b, err := os.ReadFile(path)
	must(t, err)
	at := bytes.Index(b, []byte("to be damaged"))
	if at < 0 {
		t.Fatal("the record is not in the file")
	}
	b[at] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
	if all, _ := readTo(t, l, 0, 0, 1); all[0] != "sound" {
		t.Errorf("got %q", all)
	}
	_, err = l.Fetch(t.Context(), 0, 1, 0, 1<<20, nil)
	if err == nil || !strings.Contains(err.Error(), "shard 0: the batch at offset 1 is damaged") {
		t.Errorf("got %v", err)
	}
	if all, _ := readTo(t, l, 0, 2, 3); all[0] != "behind" {
		t.Errorf("got %q", all)
	}
}
