package apptest

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"rollcall/archive/s3/s3test"
	"rollcall/cache/redis/redistest"
	"rollcall/eventlog/kafka/kafkatest"
	"rollcall/simtest"
	"rollcall/store/mysql/mysqltest"
)

// leaving is an installation on servers, a world whose events come into it, and a user who is erased in between.
type leaving struct {
	*processes
	d     simtest.Dice
	w     simtest.World
	user  string
	data  string // of the command
	mysql *mysqltest.Server
	base  string           // its database
	gone  []simtest.Logged // events of the user from before
	from  int              // where the second third begins, without the user
}

// leave starts an installation, and posts the first third of a world with the user who leaves.
func leave(t *testing.T, db *mysqltest.Server, flags ...string) *leaving {
	l := &leaving{d: rand.New(rand.NewSource(*seed)), mysql: db, base: db.NewDatabase(t), data: t.TempDir()}
	var more []string
	l.w, more = recent(t, l.d, "America/New_York")
	flags = slices.Concat(more, flags, []string{"--store-kind", "mysql", "--store-dsn", db.DSN(l.base), "--log-shards", "3", "--log-session-timeout", "2s", "--late-horizon", "0"})
	l.processes = startProcesses(t, flags)
	l.user = l.busiest()
	third := len(l.w.Events) / 3
	l.post(t, l.d, &l.w, 0, third)
	if a, err := l.intake.Post(fmt.Appendf(nil, `{"user_id":%q,"time":"no time"}`+"\n", l.user), nil); err != nil || len(a.Rejected) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	compareSome(t, l.query, l.d, &l.w, third)
	// From here on the user's events of the first third never were, and there are none in the second.
	l.gone = slices.DeleteFunc(slices.Clone(l.w.Events[:third]), func(e simtest.Logged) bool { return string(e.User) != l.user })
	first, second := l.without(l.w.Events[:third]), l.without(l.w.Events[third:2*third])
	last := l.w.Events[2*third:]
	l.w.Events, l.from = slices.Concat(first, second, last), len(first)
	return l
}

// aggregate starts another process that counts.
func (l *leaving) aggregate(t *testing.T, flags ...string) *Server {
	return Start(t, binary(t), nil, slices.Concat([]string{"--roles", "aggregate"}, flags, l.flags)...)
}

// busiest is the user with most events in each third.
func (l *leaving) busiest() string {
	best, user := 0, ""
	third := len(l.w.Events) / 3
	for i := range l.w.Events {
		u := string(l.w.Events[i].User)
		if n := min(l.of(u, l.w.Events[:third]), l.of(u, l.w.Events[2*third:])); u != "" && n > best {
			best, user = n, u
		}
	}
	return user
}

// of counts the events of a user.
func (l *leaving) of(user string, events []simtest.Logged) (n int) {
	for i := range events {
		if string(events[i].User) == user {
			n++
		}
	}
	return n
}

func (l *leaving) without(events []simtest.Logged) []simtest.Logged {
	return slices.DeleteFunc(slices.Clone(events), func(e simtest.Logged) bool { return string(e.User) == l.user })
}

// cameBack is where the user's first event is, in the last third, in which the user comes back.
func (l *leaving) cameBack() int {
	return slices.IndexFunc(l.w.Events, func(e simtest.Logged) bool { return string(e.User) == l.user })
}

func (l *leaving) erase(args ...string) []string {
	return slices.Concat([]string{"erase", "--data", l.data, "--format", "json"}, args, l.flags)
}

// holds is what the dry run counts of the user.
func (l *leaving) holds(t *testing.T) (f struct {
	Events  int `json:"log_events"`
	Kept    int `json:"archive_events"`
	Dropped int `json:"archive_dropped"`
	Letters int `json:"letters"`
}) {
	t.Helper()
	if err := json.Unmarshal([]byte(MustRun(t, binary(t), nil, l.erase("--user", l.user, "--dry-run")...).Stdout), &f); err != nil {
		t.Error(err)
	}
	return f
}

// receipt is a part of what an erasure prints at its end.
type erased struct {
	Verified bool
	Archive  string
	Build    uint32
	Remains  []struct{ Where, Until string }
}

// isGone: the user's events so far are in no figure; when they come again they are a new user's, also after owners were killed and
// ended, and everything verifies. No build is kept that has seen the user.
func (l *leaving) isGone(t *testing.T, out string, where, until string) {
	t.Helper()
	var r erased
	if err := json.Unmarshal([]byte(out), &r); err != nil || !r.Verified {
		t.Fatalf("%v in %s", err, out)
	}
	if len(r.Remains) < 2 || !strings.Contains(r.Remains[0].Where, where) || !strings.Contains(r.Remains[0].Until, until) {
		t.Errorf("remains %+v", r.Remains)
	}
	l.wentOver(t, int(r.Build))
	if b, err := l.query.builds(); err != nil || len(b.Builds) != 1 {
		t.Errorf("%+v, %v", b, err)
	}
	if out := Run(t, binary(t), nil, append([]string{"rollback"}, l.flags...)...); out.Exit != 1 || !strings.Contains(out.Stderr, "no build is kept") {
		t.Errorf("rolled back: %+v", out)
	}
	back := l.cameBack()
	compareSome(t, l.query, l.d, &l.w, back)
	if f := l.holds(t); f.Events+f.Kept+f.Dropped+f.Letters > 0 {
		t.Errorf("the user is still found: %+v", f)
	}
	l.post(t, l.d, &l.w, back, len(l.w.Events))
	compareServer(t, l.query, l.d, &l.w)
	l.folding.Kill()
	l.standby.Stop(t)
	l.folding = l.aggregate(t, "--verify-background", "true", "--verify-interval", "1s", "--verify-share", "100")
	compareServer(t, l.query, l.d, &l.w)
	l.verified(t)
	if v := verifiedAs(t, l.folding, func(v *standing) bool { return v.Days > 0 && len(v.Bad)+v.Good == v.Days }); len(v.Bad) > 0 {
		t.Errorf("in the background: %+v", v)
	}
	if f := l.holds(t); f.Events != l.of(l.user, l.w.Events) || f.Letters > 0 {
		t.Errorf("of the user who came back: %+v, not %d", f, l.of(l.user, l.w.Events))
	}
}

// archived gives the flags for an archive in a bucket. Between the times that owners take their shards they write every so often.
func archived(b *s3test.Server, interval string) []string {
	return []string{"--archive-dir", "s3://" + s3test.Bucket, "--archive-endpoint", b.URL, "--archive-region", "us-east-1", "--archive-access-key", s3test.AccessKey,
		"--archive-secret-key", s3test.SecretKey, "--archive-interval", interval}
}

// untilArchived waits until the archive has all events of the user that are read of the log.
func (l *leaving) untilArchived(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(poll) {
		f := l.holds(t)
		if f.Events > 0 && f.Kept+f.Dropped == f.Events {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", f)
		}
	}
}

// notArchived: no file of the archive has a row of the user.
func (l *leaving) notArchived(t *testing.T, b *s3test.Server) {
	t.Helper()
	rows := fmt.Sprintf(`SELECT count(*) AS rows FROM read_parquet('ARCHIVE/*/*/*.parquet', union_by_name = true) WHERE user_id = '%s'`, l.user)
	if got := duck(t, b.Dir, rows); got != "rows\n0\n" {
		t.Errorf("the archive has of the user %s", got)
	}
}

// Over Kafka an erasure that is killed at each of its steps, one after the other, beside what an ended rebuild has left and while
// events arrive, is ended by the same command. Some events are in the archive when they are erased, others come into it after that. What
// the topic still holds is told, and the list forgets it when the topic does.
func TestEraseOverKafka(t *testing.T) {
	t.Parallel()
	k, bucket := kafkatest.Start(t, kafkatest.Options{}), s3test.Start(t)
	l := leave(t, mysqltest.Start(t), append(archived(bucket, "1h"), "--log-kind", "kafka", "--log-brokers", strings.Join(k.Brokers(), ","))...)
	l.archivesAPart(t)
	killed(t, binary(t, "failpoint"), "rebuild.folded:1", append([]string{"rebuild"}, l.flags...)...) // what it leaves has seen the user
	steps := []string{"erase.begun", "erase.settled", "erase.listed", "rebuild.begun", "rebuild.verified", "rebuild.activated", "erase.rebuilt", "erase.archive",
		"erase.searched", "erase.receipt"}
	from, back := l.from, l.cameBack()
	for i, step := range steps {
		posted, at := make(chan struct{}), from+(back-from)*i/len(steps)
		go func() {
			defer close(posted)
			l.post(t, rand.New(rand.NewSource(int64(i))), &l.w, at, from+(back-from)*(i+1)/len(steps))
		}()
		killed(t, binary(t, "failpoint"), step+":1", l.erase("--user", l.user, "--yes")...)
		<-posted
	}
	if out := Run(t, binary(t), nil, l.erase("--user", "another", "--yes")...); out.Exit != 2 || !strings.Contains(out.Stderr, "another erasure was begun") {
		t.Errorf("another one: %+v", out)
	}
	out := MustRun(t, binary(t), nil, l.erase("--yes")...)
	l.notArchived(t, bucket)
	l.standby = l.aggregate(t)
	l.isGone(t, out.Stdout, "topic rollcall", "for ever")
	l.forgets(t, k)
}

// archivesAPart has an owner archive what there is, which it does when it takes the shards, and then posts more of the user, as
// duplicates or as themselves.
func (l *leaving) archivesAPart(t *testing.T) {
	t.Helper()
	l.folding.Stop(t)
	l.standby.Stop(t)
	l.folding = l.aggregate(t) // alone, so that no shard moves
	l.untilArchived(t)
	post(t, l.intake.Client, l.d, &l.w.Config, l.gone)
	if err := l.query.Committed(); err != nil {
		t.Fatal(err)
	}
	if f := l.holds(t); f.Events != 2*len(l.gone) || f.Kept+f.Dropped != len(l.gone) || f.Letters != 1 {
		t.Errorf("%d events were posted twice, and the archive has one part of them: %+v", len(l.gone), f)
	}
}

// forgets: once the topic begins behind what was erased, the list is empty, and with the archive in place of the topic's beginning all is
// as it was. Without one there is nothing to make figures anew from.
func (l *leaving) forgets(t *testing.T, k *kafkatest.Server) {
	t.Helper()
	db := l.mysql.Open(t, l.base)
	entries := func() (n int) {
		if err := db.QueryRow("SELECT COUNT(*) FROM erasures").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	if n := entries(); n != 1 {
		t.Errorf("%d entries, not one", n)
	}
	l.folding.Stop(t)
	l.folding = l.aggregate(t)
	l.untilArchived(t)
	client := k.Dial()
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := admin.ListEndOffsets(t.Context(), "rollcall")
	if err == nil {
		_, err = admin.DeleteRecords(t.Context(), ends.Offsets())
	}
	if err != nil {
		t.Fatal(err)
	}
	l.folding.Stop(t)
	l.folding = l.aggregate(t)
	if err := l.query.Until(func() (bool, error) { return entries() == 0, nil }); err != nil {
		t.Errorf("%v: %d entries are left", err, entries())
	}
	compareServer(t, l.query, l.d, &l.w)
	l.verified(t)
	out := Run(t, binary(t), nil, append(l.erase("--user", l.user, "--yes"), "--archive-dir", "")...)
	if out.Exit != 1 || !strings.Contains(out.Stderr, "the beginning of the log") {
		t.Errorf("from a log without its beginning: %+v", out)
	}
}

// Over Redis Streams the archive agrees with the figures before and after the user comes back.
func TestEraseOverRedisStreams(t *testing.T) {
	t.Parallel()
	r, bucket := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always"), s3test.Start(t)
	l := leave(t, mysqltest.Start(t), append(archived(bucket, "100ms"), "--log-kind", "redis", "--log-addr", r.Addr)...)
	l.untilArchived(t)
	posted := make(chan struct{})
	go func() {
		defer close(posted)
		l.post(t, rand.New(rand.NewSource(1)), &l.w, l.from, l.cameBack())
	}()
	out := MustRun(t, binary(t), nil, l.erase("--user", l.user, "--yes")...)
	<-posted
	l.notArchived(t, bucket)
	l.isGone(t, out.Stdout, "streams {rollcall}", "trimmed")
	MustRun(t, binary(t), nil, append([]string{"verify", "--all", "--from", "archive"}, l.flags...)...)
	noRowTwice(t, bucket.Dir)
}
