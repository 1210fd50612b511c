package apptest

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
	"rollcall/query"
	"rollcall/store/mysql/mysqltest"
)

// TestExplain: what came after the day was over is told exactly, and nothing else is, in the embedded store and in one on a
// server.
func TestExplain(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		explained(t, "sqlite", filepath.Join(dir, "store.db")+"?_pragma=busy_timeout(30000)", "--data", dir)
	})
	t.Run("servers", func(t *testing.T) {
		dsn, log := mysqltest.Start(t).Database(t), redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
		explained(t, "mysql", dsn, "--store-kind", "mysql", "--store-dsn", dsn, "--log-kind", "redis", "--log-addr", log.Addr)
	})
}

// The day is two days ago. Its events are these; of the later ones, the first joins two sessions of the first user, the
// second is of a new user, the third is a duplicate.
var (
	inTime = []string{"u1 10:00 A 1", "u1 10:50 B 2", "u2 11:00 A 3"}
	behind = []string{"u1 10:25 B 4", "u3 12:00 A 5", "u2 11:00 A 3"}
)

func explained(t *testing.T, driver, dsn string, flags ...string) {
	day := time.Now().UTC().AddDate(0, 0, -2)
	s := Start(t, binary(t), nil, append(flags, "--dimensions", "campaign", "--log-shards", "2", "--late-horizon", "3d", "--commit-interval", "20ms")...)
	send := func(day time.Time, events ...string) {
		t.Helper()
		var body strings.Builder
		for _, e := range events {
			f := strings.Fields(e)
			fmt.Fprintf(&body, `{"user_id":%q,"time":"%sT%s:00Z","campaign":%q,"event_id":%q}`+"\n", f[0], day.Format(time.DateOnly), f[1], f[2], f[3])
		}
		if _, err := s.Post([]byte(body.String()), nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Committed(); err != nil {
			t.Fatal(err)
		}
	}
	send(day, inTime...)
	turnBack(t, driver, dsn, day)
	unchanged := explanation(t, s, day)
	if unchanged.Verdict != "unchanged" || len(unchanged.Steps) != 1 || unchanged.Steps[0].Kind != "day" || unchanged.Steps[0].Events != 3 {
		t.Errorf("%+v", unchanged)
	}
	send(day, behind...)
	x := explanation(t, s, day)
	since := x.Since
	since.Kind, since.From, since.To, since.Hours, since.Commits, since.FirstVersion, since.LastVersion = "", time.Time{}, time.Time{}, 0, 0, 0, 0
	want := query.DayStep{Events: 2, Sessions: 0, TakenBack: 1, Bounces: -1, Duration: 3000, NewUsers: 1, ActiveUsers: 1, Duplicates: 1}
	if x.Verdict != "changed" || since != want || x.Since.LastVersion < x.Version || x.Steps[0].Events != 3 || x.Steps[0].Sessions != 3 {
		t.Errorf("%+v\nsince %+v\nwant %+v", x, since, want)
	}
	checkFigures(t, x)
	long := day.AddDate(0, 0, -10)
	send(long, "u1 10:00 A 9")
	if late := explanation(t, s, long); late.Verdict != "empty" || len(late.Steps) != 1 || late.Steps[0].Late != 1 || len(late.Hours) != 1 || late.Hours[0].Late != 1 {
		t.Errorf("%+v", late)
	}
	forPeople(t, s, day, long)
	s.Stop(t)
	if driver == "sqlite" {
		out := MustRun(t, binary(t), nil, append([]string{"explain", "--day", day.Format(time.DateOnly)}, flags[:2]...)...)
		if !strings.Contains(out.Stdout, "has changed since it was counted: +2 events, 1 session taken back") {
			t.Error(out.Stdout)
		}
	}
}

// turnBack lets the commits so far be of noon of the day.
func turnBack(t *testing.T, driver, dsn string, day time.Time) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	noon := day.Truncate(24 * time.Hour).Add(12 * time.Hour).UnixMilli()
	done, err := db.Exec("UPDATE history SET first_at = ?, last_at = ?, hour = ? + (hour - (SELECT * FROM (SELECT MIN(hour) FROM history) AS h))", noon, noon, noon)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := done.RowsAffected(); err != nil || n < 1 || n > 2 {
		t.Fatalf("%d rows: %v", n, err)
	}
}

func explanation(t *testing.T, s *Server, day time.Time) *query.Explanation {
	t.Helper()
	reply, err := s.Get("/api/v1/explain", url.Values{"day": {day.Format(time.DateOnly)}, "filter.campaign": {"A"}, "metrics": {"active_users,sessions,events,bounce_rate"}})
	if err != nil {
		t.Fatal(err)
	}
	x := &query.Explanation{}
	if err := json.Unmarshal(reply.Body, x); err != nil {
		t.Fatalf("%v: %s", err, reply.Body)
	}
	return x
}

// checkFigures holds the figures under the filter, their one cell and the ledger against what was sent.
func checkFigures(t *testing.T, x *query.Explanation) {
	t.Helper()
	for i, want := range []float64{3, 3, 3, 2.0 / 3} {
		if x.Figures[i].Value == nil || *x.Figures[i].Value != want {
			t.Errorf("%s %v, want %v", x.Figures[i].Metric, x.Figures[i].Value, want)
		}
	}
	if len(x.Cells) != 1 || x.Cells[0].Values[0] != "A" || x.Cells[0].Sessions != 3 || x.Cells[0].Bounces != 2 || x.Cells[0].Duration != 3000 || x.Rest != nil {
		t.Errorf("%+v", x.Cells)
	}
	accepted := ""
	for _, h := range x.Hours {
		accepted += fmt.Sprintf("%d:%d-%d ", h.Hour.Hour(), h.Accepted, h.Duplicates)
	}
	if accepted != "10:3-0 11:1-1 12:1-0 " || x.Shards != 2 {
		t.Error(accepted)
	}
}

// forPeople asks the command line, whose first line has the answer.
func forPeople(t *testing.T, s *Server, day, long time.Time) {
	t.Helper()
	ask := func(want string, args ...string) {
		t.Helper()
		out := MustRun(t, binary(t), nil, append([]string{"explain", "--server", s.URL}, args...)...)
		if first, _, _ := strings.Cut(out.Stdout, "\n"); !strings.HasPrefix(first, want) {
			t.Errorf("%v: want %q in\n%s", args, want, out.Stdout)
		}
	}
	date := day.Format(time.DateOnly)
	ask(date+" has changed since it was counted: +2 events, 1 session taken back, -1 bounces, +3000 s in sessions, +1 new users, +1 active users, 1 duplicate dropped, in ",
		"--day", date, "--filter", "campaign=A")
	ask("Nothing is counted on "+long.Format(time.DateOnly)+". Besides: 1 late event in quarantine.", "--day", long.Format(time.DateOnly))
	ask(`{"day":"`+date+`","over":true,"verdict":"changed",`, "--day", date, "--format", "json")
	if out := Run(t, binary(t), nil, "explain", "--server", s.URL, "--filter", "city=x"); out.Exit != 2 || !strings.Contains(out.Stderr, "campaign") {
		t.Errorf("%d %s", out.Exit, out.Stderr)
	}
}
