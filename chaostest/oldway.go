//go:build unix

package chaostest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall/simtest"
)

// OldWay is how such figures are usually counted: a consumer group, additive upserts, and offsets committed by the client
// now and then, after the messages. It exists to be found out.
type OldWay struct {
	Brokers []string      `json:"brokers"`
	Topic   string        `json:"topic"`
	Group   string        `json:"group"`
	DSN     string        `json:"dsn"`
	Session time.Duration `json:"session"`
}

// oldWayVariable has the test binary be an old consumer.
const oldWayVariable = "ROLLCALL_CHAOS_OLD_WAY"

// oldWayCommits is how often the client commits offsets; five seconds are usual.
const oldWayCommits = time.Second

const oldWayTable = "CREATE TABLE old_way (phase VARCHAR(20) NOT NULL, cell VARCHAR(200) NOT NULL, events BIGINT NOT NULL, PRIMARY KEY (phase, cell))"

// oldMessage is an event in the topic of the old way.
type oldMessage struct {
	Phase string `json:"phase"`
	Cell  string `json:"cell"`
}

// ActOldWay runs an old consumer when the environment says so, and gives the exit status.
func ActOldWay() (status int, acted bool) {
	text, ok := os.LookupEnv(oldWayVariable)
	if !ok {
		return 0, false
	}
	var o OldWay
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = o.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}

func (o *OldWay) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	db, err := sql.Open("mysql", o.DSN)
	if err != nil {
		return err
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(o.Brokers...), kgo.ConsumerGroup(o.Group), kgo.ConsumeTopics(o.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(o.Session), kgo.HeartbeatInterval(o.Session/4),
		kgo.AutoCommitInterval(oldWayCommits))
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "listening on nothing")
	for {
		fetched := consumer.PollFetches(ctx)
		if ctx.Err() != nil {
			consumer.Close()
			return nil
		}
		for o.add(ctx, db, fetched.Records()) != nil {
			hold(ctx, 50*time.Millisecond)
		}
	}
}

// add writes increments, as one statement.
func (o *OldWay) add(ctx context.Context, db *sql.DB, records []*kgo.Record) error {
	counts := map[oldMessage]int{}
	for _, r := range records {
		var m oldMessage
		if err := json.Unmarshal(r.Value, &m); err != nil {
			return err
		}
		counts[m]++
	}
	if len(counts) == 0 {
		return nil
	}
	var args []any
	for m, n := range counts {
		args = append(args, m.Phase, m.Cell, n)
	}
	rows := strings.TrimSuffix(strings.Repeat("(?,?,?),", len(counts)), ",")
	_, err := db.ExecContext(ctx, "INSERT INTO old_way (phase, cell, events) VALUES "+rows+" ON DUPLICATE KEY UPDATE events = events + VALUES(events)", args...)
	return err
}

// Seat makes the seat of an old consumer.
func (o *OldWay) Seat(t testing.TB, name, logs string) *Seat {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSeat(t, name, logs, self)
	s.env = []string{oldWayVariable + "=" + string(text)}
	return s
}

// OldFeed gives the old way each event that was acknowledged, exactly once: that is more than it could hope for.
type OldFeed struct {
	client *kgo.Client
	topic  string
}

// Prepare makes the topic and the table, and opens a feed until the test ends.
func (o *OldWay) Prepare(t testing.TB, db *sql.DB, partitions int32) *OldFeed {
	t.Helper()
	if _, err := db.Exec(oldWayTable); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(o.Brokers...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.AlwaysRetryEOF())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), partitions, 1, nil, o.Topic); err != nil {
		t.Fatal(err)
	}
	return &OldFeed{client, o.Topic}
}

// Give writes events to the topic and returns once they are durable.
func (f *OldFeed) Give(ctx context.Context, events []simtest.Logged) error {
	var records []*kgo.Record
	for i := range events {
		value, err := json.Marshal(oldMessageOf(&events[i]))
		if err != nil {
			return err
		}
		records = append(records, &kgo.Record{Topic: f.topic, Key: events[i].User, Value: value})
	}
	return f.client.ProduceSync(ctx, records...).FirstErr()
}

func oldMessageOf(e *simtest.Logged) oldMessage {
	last := len(e.Dims) - 1
	return oldMessage{Phase: string(e.Dims[last]), Cell: fmt.Sprintf("%q", e.Dims[:last])}
}

// OldCounts gives what the old way has counted, and what it should have.
func OldCounts(ctx context.Context, db *sql.DB, events []simtest.Logged) (want, got map[[2]string]int, err error) {
	want, got = map[[2]string]int{}, map[[2]string]int{}
	for i := range events {
		m := oldMessageOf(&events[i])
		want[[2]string{m.Phase, m.Cell}]++
	}
	rows, err := db.QueryContext(ctx, "SELECT phase, cell, events FROM old_way")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var phase, cell string
		var events int
		if err := rows.Scan(&phase, &cell, &events); err != nil {
			return nil, nil, err
		}
		got[[2]string{phase, cell}] = events
	}
	return want, got, rows.Err()
}

// off sums what is lost and what is doubled.
func off(want, got map[[2]string]int) (lost, doubled int) {
	for key, n := range want {
		lost += max(0, n-got[key])
		doubled += max(0, got[key]-n)
	}
	return lost, doubled
}

// drained tells whether a group has committed up to the end of a topic.
func (f *OldFeed) drained(ctx context.Context, group string) (bool, error) {
	admin := kadm.NewClient(f.client)
	ends, err := admin.ListEndOffsets(ctx, f.topic)
	if err != nil {
		return false, err
	}
	offsets, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return false, err
	}
	all := true
	ends.Each(func(end kadm.ListedOffset) {
		at, ok := offsets.Lookup(end.Topic, end.Partition)
		all = all && (end.Offset == 0 || ok && at.At >= end.Offset)
	})
	return all, nil
}
