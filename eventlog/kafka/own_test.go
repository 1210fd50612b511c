//go:build unix

package kafka_test

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/eventlog/kafka"
	"rollcall/eventlog/kafka/kafkatest"
)

// board is who believes to own which shard. It finds two owners at a time.
type board struct {
	mu     sync.Mutex
	owners map[int]string
	wrong  []string
	losses int
}

func newBoard() *board { return &board{owners: map[int]string{}} }

// all tells the shards of each owner when every one of n shards has one.
func (b *board) all(n int) map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.owners) != n {
		return nil
	}
	counts := map[string]int{}
	for _, who := range b.owners {
		counts[who]++
	}
	return counts
}

// worker is an owner of that name.
type worker struct {
	name    string
	board   *board
	release func(context.Context, []int) // what it does before it lets go
}

func (w *worker) Take(shards []int) {
	w.board.mu.Lock()
	defer w.board.mu.Unlock()
	for _, s := range shards {
		if other := w.board.owners[s]; other != "" {
			w.board.wrong = append(w.board.wrong, fmt.Sprintf("%s takes shard %d of %s", w.name, s, other))
		}
		w.board.owners[s] = w.name
	}
}

func (w *worker) Release(ctx context.Context, shards []int) {
	if w.release != nil {
		w.release(ctx, shards)
	}
	w.drop(shards)
}

func (w *worker) Lose(shards []int) {
	w.board.mu.Lock()
	w.board.losses++
	w.board.mu.Unlock()
	w.drop(shards)
}

func (w *worker) drop(shards []int) {
	w.board.mu.Lock()
	defer w.board.mu.Unlock()
	for _, s := range shards {
		if w.board.owners[s] == w.name {
			delete(w.board.owners, s)
		}
	}
}

// join runs a member until the function it gives is called, which waits for its end.
func join(t *testing.T, l *kafka.Log, w *worker) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Own(ctx, w) }()
	leave = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
	})
	t.Cleanup(leave)
	return leave
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(kafkatest.Patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not in %s: %s", kafkatest.Patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (b *board) check(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.wrong) > 0 {
		t.Errorf("%q", b.wrong)
	}
}

// testOwnersTakeTurns: as members come and go every shard has one owner, which let go before the next took; one that leaves
// in order is followed soon, and one that needs longer than the session to let go stays a member meanwhile.
func testOwnersTakeTurns(t *testing.T, s *kafkatest.Server) {
	const shards = 6
	cfg := config(s, "turns", shards)
	cfg.SessionTimeout = 2 * time.Second
	b := newBoard()
	slow := false
	a := &worker{name: "a", board: b, release: func(ctx context.Context, _ []int) {
		if slow {
			select {
			case <-time.After(2*cfg.SessionTimeout + time.Second):
			case <-ctx.Done():
			}
		}
	}}
	leaveA := join(t, open(t, cfg), a)
	eventually(t, "one owner of all", func() bool { return b.all(shards)["a"] == shards })
	slow = true
	join(t, open(t, cfg), &worker{name: "b", board: b})
	eventually(t, "two owners", func() bool { return b.all(shards)["a"] == 3 && b.all(shards)["b"] == 3 })
	slow = false
	leaveC := join(t, open(t, cfg), &worker{name: "c", board: b})
	eventually(t, "three owners", func() bool { return len(b.all(shards)) == 3 })
	begun := time.Now()
	leaveC()
	eventually(t, "two owners again", func() bool { return len(b.all(shards)) == 2 })
	t.Logf("a planned hand-over took %s", time.Since(begun))
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("a planned hand-over took %s", took)
	}
	leaveA()
	eventually(t, "b alone", func() bool { return b.all(shards)["b"] == shards })
	if b.check(t); b.losses > 0 {
		t.Errorf("%d losses: a session ended while its owner let go", b.losses)
	}
}

// testBrokerAway: owners stay owners or lose their shards while the broker is away, and come back without help.
func testBrokerAway(t *testing.T, s *kafkatest.Server) {
	const shards = 4
	cfg := config(s, "away", shards)
	cfg.SessionTimeout = time.Second
	b := newBoard()
	for _, name := range []string{"a", "b"} {
		join(t, open(t, cfg), &worker{name: name, board: b})
	}
	spread := func() bool { c := b.all(shards); return c["a"] == 2 && c["b"] == 2 }
	eventually(t, "two owners", spread)
	s.Kill()
	s.Restart()
	l := open(t, cfg)
	must(t, put(l, 0, "on"))
	eventually(t, "two owners again", func() bool { return spread() && l.Report(t.Context(), nil) == nil })
}

// testReportShowsAsLag: what is reported is what Kafka's own tools read, during Own and after it.
func testReportShowsAsLag(t *testing.T, s *kafkatest.Server) {
	cfg := config(s, "report", 2)
	l, b := open(t, cfg), newBoard()
	admin := kadm.NewClient(s.Dial())
	committed := func(shard int32) int64 {
		offsets, err := admin.FetchOffsets(t.Context(), cfg.Group)
		must(t, err)
		o, _ := offsets.Lookup("report", shard)
		return o.At
	}
	w := &worker{name: "a", board: b}
	w.release = func(ctx context.Context, shards []int) {
		if err := l.Report(ctx, []eventlog.Progress{{Shard: 1, Committed: 9}}); err != nil {
			t.Error(err)
		}
	}
	leave := join(t, l, w)
	eventually(t, "an owner", func() bool { return b.all(2)["a"] == 2 })
	must(t, l.Report(t.Context(), []eventlog.Progress{{Shard: 0, Committed: 5}, {Shard: 1, Committed: 7}}))
	if a, b := committed(0), committed(1); a != 5 || b != 7 {
		t.Errorf("the group is at %d and %d, want 5 and 7", a, b)
	}
	leave()
	if got := committed(1); got != 9 {
		t.Errorf("released at %d, want 9", got)
	}
	must(t, l.Report(t.Context(), []eventlog.Progress{{Shard: 1, Committed: 11}}))
	if got := committed(1); got != 11 {
		t.Errorf("nobody is a member, and the group is at %d, want 11", got)
	}
}

// testFeedFromOutside: what a client of others writes is read as messages, keys and values.
func testFeedFromOutside(t *testing.T, s *kafkatest.Server) {
	open(t, config(s, "feed", 3))
	cmd := exec.CommandContext(t.Context(), "kcat", "-P", "-b", s.Brokers()[0], "-t", "feed", "-p", "2", "-K", ":", "-z", "snappy")
	cmd.Stdin = strings.NewReader("k1:v1\nk2:v2\nk3:\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kcat: %v\n%s", err, out)
	}
	l := open(t, config(s, "feed", 0))
	var got []string
	for at := rollcall.Offset(0); at < 3; {
		messages, err := l.Messages(t.Context(), 2, at, 0, 1, nil)
		must(t, err)
		for _, m := range messages {
			got = append(got, fmt.Sprintf("%d %s=%s", m.Offset, m.Key, m.Value))
			if at = m.Next; m.Shard != 2 || m.Time == 0 || m.Control {
				t.Errorf("%+v", m)
			}
		}
	}
	if want := []string{"0 k1=v1", "1 k2=v2", "2 k3="}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	sample, partitions, err := l.Sample(t.Context(), "feed", 2)
	must(t, err)
	if partitions != 3 || len(sample) != 2 || string(sample[1].Key) != "k3" {
		t.Errorf("%d partitions, %d messages", partitions, len(sample))
	}
}
