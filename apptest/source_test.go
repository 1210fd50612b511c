package apptest

import (
	"math/rand"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"rollcall/cache/redis/redistest"
	"rollcall/eventlog/kafka/kafkatest"
	"rollcall/simtest"
	"rollcall/store/mysql/mysqltest"
)

// keyed are the lines of events with the user before each, as clients take key and value.
func keyed(t *testing.T, w *simtest.World) (keyed, plain []string) {
	t.Helper()
	plain = strings.Split(strings.TrimSpace(string(lines(t, &w.Config, w.Events))), "\n")
	for i, line := range plain {
		keyed = append(keyed, string(w.Events[i].User)+"\t"+line)
	}
	return keyed, plain
}

// TestSourceTopics takes in what kcat and kafka-console-producer write: a topic keyed by user, which becomes the log itself,
// and one without keys, whose events are written anew. What the store made of them is read with the client of the database.
func TestSourceTopics(t *testing.T) {
	t.Parallel()
	k, store := kafkatest.Start(t, kafkatest.Options{}), mysqltest.Start(t)
	admin := kadm.NewClient(k.Dial())
	for topic, withKeys := range map[string]bool{"keyed": true, "plain": false} {
		t.Run(topic, func(t *testing.T) {
			d := rand.New(rand.NewSource(*seed))
			w, flags := recent(t, d, "UTC")
			if !withKeys {
				w.Events = once(w.Events)
			}
			withKey, without := keyed(t, &w)
			if _, err := admin.CreateTopic(t.Context(), 3, 1, nil, topic); err != nil {
				t.Fatal(err)
			}
			half := len(w.Events) / 2
			if withKeys {
				k.Kcat(t, topic, true, withKey[:half], "-X", "partitioner=murmur2_random")
			} else {
				k.ConsoleProducer(t, topic, false, without[:half])
			}
			dsn := store.Database(t)
			flags = append(flags, "--log-kind", "kafka", "--log-brokers", k.Brokers()[0], "--log-topic", "log-of-"+topic, "--log-group", topic,
				"--late-horizon", "0", "--store-kind", "mysql", "--store-dsn", dsn, "--source-kind", "kafka", "--source-topic", topic, "--source-brokers", k.Brokers()[0])
			s := Start(t, binary(t), nil, flags...)
			if withKeys {
				k.ConsoleProducer(t, topic, true, withKey[half:])
			} else {
				k.Kcat(t, topic, false, without[half:])
			}
			arrived(t, s, len(w.Events))
			compareServer(t, s, d, &w)
			bySQL(t, s, store, dsn)
			if withKeys {
				erasedFrom(t, s, d, &w, flags)
			}
		})
	}
}

// erasedFrom erases a user from a topic that others write, and which Rollcall reads directly: it is passed over there.
func erasedFrom(t *testing.T, s *Server, d simtest.Dice, w *simtest.World, flags []string) {
	t.Helper()
	user := string(w.Events[slices.IndexFunc(w.Events, func(e simtest.Logged) bool { return len(e.User) > 0 })].User)
	out := MustRun(t, binary(t), nil, append([]string{"erase", "--user", user, "--yes", "--format", "json", "--data", t.TempDir()}, flags...)...)
	if !strings.Contains(out.Stdout, "in the log, topic keyed, which all readers pass over") || !strings.Contains(out.Stdout, "retention.ms of 168h") {
		t.Error(out.Stdout)
	}
	w.Events = slices.DeleteFunc(w.Events, func(e simtest.Logged) bool { return string(e.User) == user })
	if err := s.Until(func() (bool, error) { b, err := s.builds(); return err == nil && b.Active == 2, nil }); err != nil {
		t.Fatal(err)
	}
	compareServer(t, s, d, w)
	MustRun(t, binary(t), nil, append([]string{"verify", "--all"}, flags...)...)
}

// once leaves out events with the id of another, of which the first in the log wins: a topic without keys has no order of
// a user's events.
func once(events []simtest.Logged) (kept []simtest.Logged) {
	seen := map[string]bool{}
	for _, e := range events {
		id := string(e.User) + "\x00" + string(e.ID)
		if len(e.ID) == 0 || !seen[id] {
			kept = append(kept, e)
		}
		seen[id] = true
	}
	return kept
}

// arrived waits until so many events are in the figures, as duplicates or as themselves.
func arrived(t *testing.T, s *Server, n int) {
	t.Helper()
	err := s.Until(func() (bool, error) {
		status, err := s.counts()
		return status.Accepted+status.Duplicates == int64(n), err
	})
	if err != nil {
		t.Fatalf("%d events: %v\n%s", n, err, s.Stderr())
	}
}

// bySQL reads the view with the database's own client: its events by day are those of the API.
func bySQL(t *testing.T, s *Server, store *mysqltest.Server, dsn string) {
	t.Helper()
	host, port, _ := strings.Cut(store.Addr(), ":")
	_, database, _ := strings.Cut(dsn, ")/")
	database, _, _ = strings.Cut(database, "?")
	out, err := exec.Command("mariadb", "--no-defaults", "-h", host, "-P", port, "-u", "root", "-N", database, "-e",
		"SELECT event_date, SUM(total_events), SUM(total_sessions) FROM aggregated_daily_metrics GROUP BY event_date ORDER BY event_date").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	reply, err := s.Get("/api/v1/query", url.Values{"grain": {"day"}, "metrics": {"events,sessions"}, "from": {"1990-01-01"}, "to": {"2040-01-01"}, "order": {"bucket"}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := Rows(reply.Body)
	if err != nil {
		t.Fatalf("%v in %s", err, reply.Body)
	}
	var want strings.Builder
	for _, r := range rows {
		number := func(name string) string { return strconv.FormatFloat(r[name].(float64), 'f', -1, 64) }
		want.WriteString(r["bucket"].(string) + "\t" + number("events") + "\t" + number("sessions") + "\n")
	}
	if len(rows) == 0 || string(out) != want.String() {
		t.Errorf("the view has\n%s\nthe API\n%s", out, want.String())
	}
}

// TestSourceStream takes in what redis-cli adds to a stream, and after a kill goes on where it was.
func TestSourceStream(t *testing.T) {
	r := redistest.Start(t)
	d := rand.New(rand.NewSource(*seed))
	w, flags := recent(t, d, "UTC")
	_, plain := keyed(t, &w)
	flags = append(flags, "--data", filepath.Join(t.TempDir(), "data"), "--source-kind", "redis_stream", "--source-addr", r.Addr, "--source-stream", "events")
	add := func(some []string) {
		for _, line := range some {
			r.Do("XADD", "events", "*", "event", line)
		}
	}
	third := len(plain) / 3
	add(plain[:third])
	s := Start(t, binary(t), nil, flags...)
	add(plain[third : 2*third])
	s.Kill()
	add(plain[2*third:])
	s = Start(t, binary(t), nil, flags...)
	arrived(t, s, len(w.Events))
	compareServer(t, s, d, &w)
	s.Stop(t)
}

// TestSourceChannel takes in what redis-cli publishes while it listens.
func TestSourceChannel(t *testing.T) {
	r := redistest.Start(t)
	s := Start(t, binary(t), nil, "--dimensions", "campaign_id", "--data", filepath.Join(t.TempDir(), "data"), "--source-kind", "redis_pubsub", "--source-addr", r.Addr,
		"--source-channels", "events.*", "--source-sequence", "n", "--source-message-time", "true")
	redistest.Eventually(t, "somebody listens", func() bool { return strings.Contains(r.Do("PUBSUB", "NUMPAT"), "1") })
	for i, n := range []int{1, 2, 5, 6} { // 3 and 4 were lost on their way
		r.Do("PUBLISH", "events.web", `{"user_id":"u`+strconv.Itoa(i)+`","n":`+strconv.Itoa(n)+`}`)
	}
	arrived(t, s, 4)
	status, err := s.counts()
	if err != nil || status.Source.Missed != 2 {
		t.Errorf("%+v, %v: want two missed", status, err)
	}
	if today := time.Now().UTC().Format("2006-01-02"); eventsToday(t, s) != 4 {
		t.Errorf("events of %s: %v", today, eventsToday(t, s))
	}
	s.Stop(t)
}
