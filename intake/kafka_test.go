//go:build unix

package intake_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/eventlog"
	"rollcall/eventlog/kafka"
	"rollcall/eventlog/kafka/kafkatest"
	"rollcall/intake"
	"rollcall/record"
	"rollcall/store"
)

const partitions = 8

type letterbox struct {
	mu   sync.Mutex
	rows []string
}

func (l *letterbox) Quarantine(_ context.Context, letters []store.DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range letters {
		l.rows = append(l.rows, d.Source+" "+d.Reason+" "+string(d.Raw))
	}
	return nil
}

func (l *letterbox) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.rows)
}

func quarantine(t *testing.T, box *letterbox) *intake.Quarantine {
	q := intake.NewQuarantine(box, slog.New(slog.DiscardHandler))
	t.Cleanup(q.Close)
	return q
}

func messageConfig() intake.MessageConfig {
	return intake.MessageConfig{Shape: intake.Shape{Dimensions: []string{"campaign_id"}, MaxLine: 1 << 16}}
}

func open(t *testing.T, s *kafkatest.Server, topic string, shards int) *kafka.Log {
	t.Helper()
	l, err := kafka.Open(t.Context(), kafka.Config{Brokers: s.Brokers(), Topic: topic, Shards: shards, FetchWait: 50 * time.Millisecond}, kafka.Deps{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func user(i int) string { return fmt.Sprintf("%süser-%d", strings.Repeat("x", i%5), i%100) }

func value(i int) string {
	return fmt.Sprintf(`{"event_id":"e%06d","user_id":"%s","time":1793534400,"campaign_id":"c%d"}`, i, user(i), i%7)
}

func lines(from, to int, keyed bool) (all []string) {
	for i := from; i < to; i++ {
		line := value(i)
		if keyed {
			line = user(i) + "\t" + line
		}
		all = append(all, line)
	}
	return all
}

func want(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s/e%06d", user(i), i))
	}
	return all
}

// stored is what a log holds, and fails where a user lies in two shards or out of order.
func stored(t *testing.T, l eventlog.Fetcher, shards int) (all []string) {
	t.Helper()
	home, last := map[string]int{}, map[string]string{}
	for shard := range shards {
		at, next, err := l.Bounds(t.Context(), shard)
		for at < next && err == nil {
			var records []eventlog.Record
			records, err = l.Fetch(t.Context(), shard, at, next, 1<<20, nil)
			for _, r := range records {
				at = r.Next
				if r.Count == 0 {
					continue
				}
				var b record.Batch
				if err := b.Decode(r.Payload); err != nil {
					t.Fatal(err)
				}
				for i := range b.Rows {
					u, id := string(b.Rows[i].User), string(b.Rows[i].ID)
					if other, known := home[u]; known && other != shard || id <= last[u] {
						t.Fatalf("%s of %s in shards %d and %d, after %s", id, u, shard, other, last[u])
					}
					home[u], last[u] = shard, id
					all = append(all, u+"/"+id)
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(a[strings.Index(a, "/"):], b[strings.Index(b, "/"):]) })
	return all
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(kafkatest.Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain: ", what)
		}
	}
}

// TestTopicsOfOthers holds what the package promises of Kafka topics against a real broker, and clients that are not ours.
func TestTopicsOfOthers(t *testing.T) {
	s := kafkatest.Start(t, kafkatest.Options{})
	const n = 2000
	for _, c := range []struct {
		topic string
		by    intake.Partitioners // 0: not keyed
		send  func(topic string)
	}{
		{"java", intake.Murmur2, func(topic string) { s.ConsoleProducer(t, topic, true, lines(0, n, true)) }},
		{"librdkafka", intake.CRC32, func(topic string) { s.Kcat(t, topic, true, lines(0, n, true)) }},
		{"librdkafka-consistent", intake.CRC32, func(topic string) { s.Kcat(t, topic, true, lines(0, n, true), "-X", "partitioner=consistent") }},
		{"librdkafka-murmur2", intake.Murmur2, func(topic string) {
			s.Kcat(t, topic, true, lines(0, n, true), "-X", "partitioner=murmur2_random", "-X", "compression.codec=lz4")
		}},
		{"librdkafka-fnv1a", intake.FNV1a, func(topic string) { s.Kcat(t, topic, true, lines(0, n, true), "-X", "partitioner=fnv1a") }},
		{"without-keys", 0, func(topic string) { s.ConsoleProducer(t, topic, false, lines(0, n, false)) }},
	} {
		t.Run(c.topic, func(t *testing.T) {
			l := open(t, s, c.topic, partitions)
			c.send(c.topic)
			testKeys(t, l, c.topic, c.by, n)
		})
	}
	t.Run("mixed producers are noticed", func(t *testing.T) { testMixed(t, s, n) })
	t.Run("follow", func(t *testing.T) { testFollow(t, s) })
	t.Run("rekey", func(t *testing.T) { testRekey(t, s) })
}

// testKeys: the verdict, and direct consumption, are right.
func testKeys(t *testing.T, l *kafka.Log, topic string, by intake.Partitioners, n int) {
	samples, parts, err := l.Sample(t.Context(), topic, 30)
	if err != nil {
		t.Fatal(err)
	}
	messages := intake.KafkaTopic(l, topic, parts)
	v, err := intake.Keyed(t.Context(), messageConfig(), messages, samples)
	if err != nil || v.Keyed != (by != 0) || v.Partitioners != by {
		t.Fatalf("%+v %v", v, err)
	}
	box := &letterbox{}
	f, err := intake.NewForeign(intake.ForeignConfig{MessageConfig: messageConfig(), Partitioners: v.Partitioners}, messages, intake.TranslatorDeps{Quarantine: quarantine(t, box), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if by == 0 {
		var not *intake.NotKeyedError
		at := 0
		for p := range parts {
			if first, next, _ := l.Bounds(t.Context(), p); next > first {
				at = p
			}
		}
		if _, err := f.Fetch(t.Context(), at, 0, 0, 1<<20, nil); !errors.As(err, &not) || not.Key != nil || !strings.HasPrefix(err.Error(), "kafka:without-keys/") {
			t.Errorf("%v", err)
		}
		return
	}
	if got := stored(t, f, parts); !slices.Equal(got, want(n)) {
		t.Errorf("%d events, want %d", len(got), n)
	}
	if len(box.all()) > 0 || f.Partitioners() != by {
		t.Errorf("quarantine %q, %s", box.all(), f.Partitioners())
	}
}

func testMixed(t *testing.T, s *kafkatest.Server, n int) {
	l := open(t, s, "mixed", partitions)
	s.Kcat(t, "mixed", true, lines(0, n, true))
	s.ConsoleProducer(t, "mixed", true, lines(n, 2*n, true))
	samples, parts, err := l.Sample(t.Context(), "mixed", n)
	if err != nil {
		t.Fatal(err)
	}
	v, err := intake.Keyed(t.Context(), messageConfig(), intake.KafkaTopic(l, "mixed", parts), samples)
	if err != nil || v.Keyed || v.Why == nil {
		t.Errorf("%+v %v", v, err)
	}
}

// testFollow: a topic without keys comes into another log exactly once, through a killed broker and followers that stop.
func testFollow(t *testing.T, s *kafkatest.Server) {
	const n = 6000
	l := open(t, s, "follow", 3)
	log, err := eventlog.Open(eventlog.Config{Dir: t.TempDir(), Shards: 4}, eventlog.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	box := &letterbox{}
	q := quarantine(t, box)
	accepted := int64(0)
	for round := range 3 {
		s.Kcat(t, "follow", true, lines(n/3*round, n/3*(round+1), true))
		f, err := intake.NewFollower(messageConfig(), intake.KafkaTopic(l, "follow", 3), intake.FollowDeps{Log: log, Mark: intake.MarkIn(log.Marks),
			Quarantine: q, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		if round == 1 {
			s.Kill()
			s.Restart()
			s.Kcat(t, "follow", true, []string{"someone\tnonsense"})
			until(t, "the rejected message", func() bool { return len(box.all()) == 1 })
		}
		until(t, "the messages", func() bool { return f.Stats().Accepted == n/3 && f.Stats().Lag == 0 })
		accepted += f.Stats().Accepted
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if got := stored(t, log, 4); !slices.Equal(got, want(n)) || accepted != n {
		t.Errorf("%d events, %d accepted, want %d", len(got), accepted, n)
	}
	if rows := box.all(); !strings.HasPrefix(rows[0], "kafka:follow/") || !strings.HasSuffix(rows[0], "invalid_json nonsense") {
		t.Errorf("quarantine %q", rows)
	}
}

// testRekey: a topic without keys comes into a Kafka log exactly once.
func testRekey(t *testing.T, s *kafkatest.Server) {
	const n = 3000
	open(t, s, "loose", 3)
	log := open(t, s, "rekeyed", 4)
	box := &letterbox{}
	cfg := messageConfig()
	cfg.Shards = 4
	tr, err := intake.NewTranslator(cfg, intake.KafkaTopic(nil, "loose", 3), intake.TranslatorDeps{Quarantine: quarantine(t, box), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- kafka.Rekey(ctx, kafka.Config{Brokers: s.Brokers(), Topic: "rekeyed", Shards: 4}, kafka.Deps{Log: slog.New(slog.DiscardHandler)},
			kafka.Source{Topic: "loose", Group: "rekey"}, tr.Split)
	}()
	// One partition, so that each user's events keep their order.
	s.Kcat(t, "loose", false, append(lines(0, n, false), "nonsense"), "-p", "1")
	until(t, "the events", func() bool { return len(stored(t, log, 4)) >= n })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := stored(t, log, 4); !slices.Equal(got, want(n)) {
		t.Errorf("%d events, want %d", len(got), n)
	}
	if rows := box.all(); len(rows) != 1 || !strings.HasSuffix(rows[0], fmt.Sprintf("/1@%d invalid_json nonsense", n)) {
		t.Errorf("quarantine %q", rows)
	}
}
