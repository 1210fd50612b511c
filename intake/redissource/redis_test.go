//go:build unix

package redissource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/redis/rueidis"
	"go.uber.org/goleak"

	"rollcall/cache/redis/redistest"
	"rollcall/eventlog"
	"rollcall/intake"
	"rollcall/record"
	"rollcall/store"
)

func TestMain(m *testing.M) {
	// The library looks a second later whether a server that it lost is part of a Cluster, even when it is closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

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

func openLog(t *testing.T) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Open(eventlog.Config{Dir: t.TempDir(), Shards: 3}, eventlog.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func config() intake.MessageConfig {
	return intake.MessageConfig{Shape: intake.Shape{Dimensions: []string{"campaign_id"}, MaxLine: 1 << 16}}
}

// ids are the event ids of the log, sorted.
func ids(t *testing.T, l *eventlog.Log) (all []string) {
	t.Helper()
	for shard := range l.Shards() {
		at, next, err := l.Bounds(t.Context(), shard)
		for at < next && err == nil {
			var records []eventlog.Record
			if records, err = l.Fetch(t.Context(), shard, at, 0, 1<<20, nil); err != nil {
				break
			}
			for _, r := range records {
				var b record.Batch
				if err = b.Decode(r.Payload); err != nil {
					break
				}
				for i := range b.Rows {
					all = append(all, string(b.Rows[i].ID))
				}
				at = r.Next
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(all)
	return all
}

func want(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("e%06d", i))
	}
	return all
}

func event(i int) string {
	return fmt.Sprintf(`{"event_id":"e%06d","user_id":"u%d","time":1793534400,"campaign_id":"c%d","n":%d}`, i, i%40, i%7, i)
}

// cli runs redis-cli with commands on its input.
func cli(t *testing.T, s *redistest.Server, commands string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.Addr)
	cmd := exec.Command("redis-cli", "-h", host, "-p", port)
	cmd.Stdin = strings.NewReader(commands)
	if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("ERR")) {
		t.Fatalf("redis-cli: %v: %.300s", err, out)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(redistest.Patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain: ", what)
		}
	}
}

// start runs a connector until the function it gives is called, or the test ends.
func start(t *testing.T, run func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	var once sync.Once
	var err error
	stop = func() error { once.Do(func() { cancel(); err = <-ended }); return err }
	t.Cleanup(func() { stop() })
	return stop
}

func stream(t *testing.T, addr string) *Stream {
	t.Helper()
	s, err := NewStream(StreamConfig{Access: Access{Addr: addr}, Stream: "events"}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func follower(t *testing.T, s *Stream, log eventlog.Appender, mark intake.Mark, box *letterbox) *intake.Follower {
	t.Helper()
	q := intake.NewQuarantine(box, quiet())
	t.Cleanup(q.Close)
	f, err := intake.NewFollower(config(), s.Topic(), intake.FollowDeps{Log: log, Mark: mark, Quarantine: q, Logger: quiet(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// xadd is what redis-cli reads for entries i of [from, to): in JSON, or as fields of their own.
func xadd(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i%2 == 0 {
			fmt.Fprintf(&b, "XADD events * event '%s'\n", event(i))
		} else {
			fmt.Fprintf(&b, "XADD events * event_id e%06d user_id u%d time 1793534400 campaign_id c%d\n", i, i%40, i%7)
		}
	}
	return b.String()
}

// TestStreamFollowed: what redis-cli adds comes into the log once, through a dead server, a dead connector and a frozen
// one.
func TestStreamFollowed(t *testing.T) {
	const n = 3000
	server := redistest.Start(t, "--port", "%port", "--appendonly", "yes", "--appendfsync", "always")
	log, box := openLog(t), &letterbox{}
	mark := intake.MarkIn(log.Marks)
	first := follower(t, stream(t, server.Addr), log, mark, box)
	stop := start(t, first.Run)
	cli(t, server, xadd(0, 1000))
	until(t, "the first thousand", func() bool { return first.Stats().Accepted == 1000 })
	server.Freeze()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	server.Thaw()
	cli(t, server, xadd(1000, 2000)+"XADD events * event nonsense\nXADD events * user_id u1 time never\n")
	second := follower(t, stream(t, server.Addr), log, mark, box)
	stop = start(t, second.Run)
	until(t, "the second thousand", func() bool { return second.Stats().Accepted == 1000 })
	if s := second.Stats(); s.Gaps != 0 || s.Messages != 1002 || s.Rejected != 2 {
		t.Errorf("%+v", s)
	}
	cli(t, server, xadd(2000, n))
	until(t, "the third thousand", func() bool { return second.Stats().Accepted == 2000 && second.Stats().Lag == 0 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, log); !slices.Equal(got, want(n)) {
		t.Errorf("%d events, want %d", len(got), n)
	}
	rows := box.all()
	if len(rows) != 2 || !strings.HasPrefix(rows[0], "redis:events@") || !strings.HasSuffix(rows[0], ` missing_user_id {"event":"nonsense"}`) ||
		!strings.HasSuffix(rows[1], ` invalid_time {"user_id":"u1","time":"never"}`) {
		t.Errorf("quarantine: %q", rows)
	}
}

// TestStreamTrimmed: a deletion of what was not read is told.
func TestStreamTrimmed(t *testing.T) {
	server := redistest.Start(t)
	log := openLog(t)
	run := func(n int64, gaps int64) {
		f := follower(t, stream(t, server.Addr), log, intake.MarkIn(log.Marks), &letterbox{})
		stop := start(t, f.Run)
		until(t, "the entries", func() bool { return f.Stats().Accepted == n })
		if stop(); f.Stats().Gaps != gaps {
			t.Errorf("%d gaps, want %d", f.Stats().Gaps, gaps)
		}
	}
	cli(t, server, xadd(0, 100))
	run(100, 0)
	cli(t, server, xadd(100, 200))
	run(100, 0)
	cli(t, server, xadd(200, 300)+"XTRIM events MAXLEN 50\n")
	run(50, 1)
}

func TestOffsets(t *testing.T) {
	for _, id := range []string{"0-0", "1-1", "1793534400123-0", "1793534400123-2097151", "4398046511103-5"} {
		if o, err := offsetOf(id); err != nil || idOf(o) != id || int64(o) < 0 {
			t.Errorf("%s: %d %v", id, o, err)
		}
	}
	for _, id := range []string{"", "1", "-1", "1-", "x-1", "4398046511104-0", "1-2097152", "18446744073709551615-0"} {
		if _, err := offsetOf(id); err == nil {
			t.Errorf("%q was taken", id)
		}
	}
}

func pubsub(t *testing.T, server string, log eventlog.Appender, mark intake.Mark, box *letterbox, change func(*PubSubConfig)) *PubSub {
	t.Helper()
	q := intake.NewQuarantine(box, quiet())
	t.Cleanup(q.Close)
	cfg := PubSubConfig{Access: Access{Addr: server}, MessageConfig: config(), Channels: []string{"events", "more.*"}, Sequence: "n"}
	if change != nil {
		change(&cfg)
	}
	p, err := NewPubSub(cfg, PubSubDeps{Log: log, Mark: mark, Quarantine: q, Logger: quiet(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func listening(t *testing.T, server *redistest.Server) {
	t.Helper()
	until(t, "subscribers", func() bool {
		return strings.Contains(server.Do("PUBSUB", "NUMSUB", "events"), "1") && server.Do("PUBSUB", "NUMPAT") == "1"
	})
}

func publish(channel string, from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "PUBLISH %s '%s'\n", channel, event(i))
	}
	return b.String()
}

// uncertain fails every third Append, half of them after it took effect.
type uncertain struct {
	*eventlog.Log
	calls atomic.Int64
}

func (u *uncertain) Append(ctx context.Context, records []eventlog.Record, mark *eventlog.Mark) error {
	switch n := u.calls.Add(1); {
	case n%6 == 0:
		return errors.Join(eventlog.ErrUnavailable, errors.New("before"))
	case n%3 == 0:
		return errors.Join(eventlog.ErrUnavailable, u.Log.Append(ctx, records, mark))
	}
	return u.Log.Append(ctx, records, mark)
}

// TestPubSub: what redis-cli publishes while it listens comes into the log once, though appends fail; an absence and the
// numbers missed in it are counted.
func TestPubSub(t *testing.T) {
	server := redistest.Start(t)
	log, box := openLog(t), &letterbox{}
	u := &uncertain{Log: log}
	p := pubsub(t, server.Addr, u, intake.MarkIn(log.Marks), box, nil)
	stop := start(t, p.Run)
	listening(t, server)
	for i := range 20 {
		cli(t, server, publish("events", 100*i, 100*(i+1)))
		until(t, "messages", func() bool { return p.Stats().Accepted == int64(100*(i+1)) })
	}
	cli(t, server, "PUBLISH more.a nonsense\n")
	until(t, "a rejected message", func() bool { return p.Stats().Rejected == 1 })
	if s := p.Stats(); s.Gaps != 0 || s.Missed != 0 || s.Retries < 2 {
		t.Errorf("%+v", s)
	}
	server.Kill()
	server.Restart()
	listening(t, server)
	cli(t, server, publish("events", 2050, 2060))
	until(t, "messages after the absence", func() bool { return p.Stats().Accepted == 2010 })
	if s := p.Stats(); s.Gaps < 1 || s.Missed != 50 || s.Away <= 0 {
		t.Errorf("%+v", s)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, log); !slices.Equal(got, append(want(2000), want(2060)[2050:]...)) {
		t.Errorf("%d events", len(got))
	}
	if rows := box.all(); len(rows) != 1 || !strings.HasPrefix(rows[0], "redis:more.a@") || !strings.HasSuffix(rows[0], "nonsense") {
		t.Errorf("quarantine %q", rows)
	}
}

// TestPubSubStops: what was heard before the end is appended.
func TestPubSubStops(t *testing.T) {
	server := redistest.Start(t)
	log := openLog(t)
	p := pubsub(t, server.Addr, log, nil, &letterbox{}, nil)
	stop := start(t, p.Run)
	listening(t, server)
	cli(t, server, publish("events", 0, 500))
	until(t, "hearing all", func() bool { return p.queued.Load() > 0 || p.Stats().Messages == 500 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := int64(len(ids(t, log))); got != p.Stats().Accepted || got == 0 {
		t.Errorf("%d events, %d counted", got, p.Stats().Accepted)
	}
}

// stuck is a log that takes nothing.
type stuck struct{ eventlog.Appender }

func (stuck) Append(context.Context, []eventlog.Record, *eventlog.Mark) error {
	return eventlog.ErrFull
}

// TestPubSubQueueIsBounded: what a log does not take is dropped beyond the queue, and counted.
func TestPubSubQueueIsBounded(t *testing.T) {
	server := redistest.Start(t)
	log := openLog(t)
	p := pubsub(t, server.Addr, stuck{log}, intake.MarkIn(log.Marks), &letterbox{}, func(c *PubSubConfig) { c.QueueBytes = 100_000 })
	stop := start(t, p.Run)
	listening(t, server)
	cli(t, server, publish("events", 0, 3000))
	until(t, "dropped messages", func() bool { return p.Stats().Missed > 1000 })
	if q := p.queued.Load(); q > 100_000 {
		t.Errorf("%d bytes are queued", q)
	}
	stop()
}

func TestSequence(t *testing.T) {
	var s sequence
	for _, c := range []struct {
		value   string
		missing int64
	}{
		{`{"n":5}`, 0}, {`{"a":{"n":1},"n":6}`, 0}, {`{"n":9}`, 2}, {`{"n":"10"}`, 0}, {`{"m":1}`, 0}, {`{"n":11`, 0}, {`{"n":12}`, 0},
		{`{"n":3}`, 0}, {`{"n":4}`, 0}, {`{"n":1e3}`, 0}, {`{"n":9223372036854775807}`, 0}, {`n`, 0}, {`{"n":6}`, 1},
	} {
		if got := s.see([]byte(c.value), "n"); got != c.missing {
			t.Errorf("%s: %d missing, want %d", c.value, got, c.missing)
		}
	}
}

func FuzzNumberOf(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"n":2}],"n":3}`))
	f.Fuzz(func(_ *testing.T, b []byte) { numberOf(b, "n") })
}

// FuzzEntry: the JSON of flat fields is what a JSON parser reads as them.
func FuzzEntry(f *testing.F) {
	f.Add("user_id", "u\x00\"\\\n")
	f.Add("event", "[1")
	f.Fuzz(func(t *testing.T, name, value string) {
		e := rueidis.XRangeSlice{ID: "1-2", FieldValues: []rueidis.XRangeFieldValue{{Field: name, Value: value}}}
		m, err := message(&e, "event")
		if err != nil || m.Offset != 1<<seqBits|2 || m.Time != 1 {
			t.Fatal(m, err)
		}
		var got map[string]string
		if utf8.ValidString(name) && utf8.ValidString(value) && m.Value[0] == '{' && string(m.Value) != value {
			if err := json.Unmarshal(m.Value, &got); err != nil || got[name] != value {
				t.Fatalf("%s: %v %v", m.Value, got, err)
			}
		}
	})
}

func TestPasswordsAreHidden(t *testing.T) {
	server := redistest.StartWith(t, redistest.Options{Password: "right", Args: []string{"--requirepass", "right"}})
	s, err := NewStream(StreamConfig{Access: Access{Addr: server.Addr, Password: "hunter2"}, Stream: "events"}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Bounds(t.Context(), 0); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
