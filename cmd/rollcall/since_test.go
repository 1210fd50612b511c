package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/store"
)

// A rebuild from a day on leaves the days before as they are, whatever comes for them later, and verify knows that.
func TestSince(t *testing.T) {
	dir := t.TempDir()
	day := func(n int) time.Time { return time.Date(2026, 11, 20+n, 10, 0, 0, 0, time.UTC) }
	add := func(lines ...string) {
		t.Helper()
		must(t, "import", "--data", dir, "--dimensions", "c", writeTemp(t, "events.ndjson", strings.Join(lines, "\n")))
	}
	event := func(user, kind string, at time.Time) string {
		return fmt.Sprintf(`{"user_id":%q,"type":%q,"time":%q,"c":"x"}`, user, kind, at.Format(time.RFC3339))
	}
	want := func(sessions, bounces string) {
		t.Helper()
		out := must(t, "query", "--data", dir, "--from", "2026-11-20", "--to", "2026-11-25", "--grain", "day", "--metrics", "sessions,bounces", "--format", "json")
		var reply struct {
			Rows []struct{ Sessions, Bounces int }
		}
		if err := json.Unmarshal([]byte(out), &reply); err != nil {
			t.Fatal(err)
		}
		got := [2]string{}
		for _, row := range reply.Rows {
			got[0], got[1] = got[0]+fmt.Sprint(row.Sessions), got[1]+fmt.Sprint(row.Bounces)
		}
		if got != [2]string{sessions, bounces} {
			t.Fatalf("sessions and bounces are %v, want %s and %s", got, sessions, bounces)
		}
		must(t, "verify", "--data", dir, "--all")
	}
	for i := range 5 {
		add(event("u", "click", day(i)), event("u", "heartbeat", day(i).Add(45*time.Minute)))
	}
	want("22222", "22222")
	rebuild := func(flags ...string) { t.Helper(); must(t, append([]string{"rebuild", "--data", dir}, flags...)...) }
	rebuild("--session-gap", "1h", "--since", "2026-11-22")
	want("22111", "22000")
	add(event("u", "click", day(0).Add(90*time.Minute)), event("u", "click", day(4).Add(90*time.Minute)))
	want("32111", "32000")
	rebuild("--passive-types", "heartbeat", "--since", "2026-11-24")
	add(event("v", "click", day(3)), event("v", "heartbeat", day(3)), event("v", "click", day(4)), event("v", "heartbeat", day(4)))
	want("32122", "32001")
	told := must(t, "explain", "--data", dir, "--day", "2026-11-24")
	if rules := "earlier session_gap 30m before 2026-11-22, session_gap 1h before 2026-11-24,"; !strings.Contains(told, rules) || strings.Contains(told, "late_horizon") {
		t.Errorf("not told: %s\n%s", rules, told)
	}
	rebuild("--dimensions", "c,d") // for something else: the rules stay
	want("32122", "32001")
	must(t, "rollback", "--data", dir)
	want("32122", "32001")
	rebuild("--session-gap", "30m", "--since", "2026-11-23") // the later change goes
	want("32134", "32034")
	rebuild("--session-gap", "1h")
	want("11122", "01121") // a passive type is passive on all days
}

// Which rules hold before which days after a rebuild, of those there were.
func TestFrom(t *testing.T) {
	was := defaults()
	was.SessionGap, was.PassiveTypes = time.Hour, []string{"ping"}
	was.Earlier = []earlierRule{{"2026-03-01", "10m0s", nil}, {"2026-06-01", "20m0s", []string{"beat"}}}
	active := buildOf(&was)
	for _, c := range []struct{ day, setting, text, want, problem string }{
		{"", "timezone", "Asia/Seoul", "2026-03-01 10m0s [], 2026-06-01 20m0s [beat]", ""},
		{"", "session_gap", "2h", "", ""},
		{"", "passive_types", "beat", "", ""},
		{"2026-09-01", "session_gap", "2h", "2026-03-01 10m0s [], 2026-06-01 20m0s [beat], 2026-09-01 1h0m0s [ping]", ""},
		{"2026-06-01", "session_gap", "2h", "2026-03-01 10m0s [], 2026-06-01 20m0s [beat]", ""},
		{"2026-05-31", "session_gap", "1h", "2026-03-01 10m0s [], 2026-05-31 20m0s [beat]", ""},
		{"2026-02-01", "session_gap", "1h", "2026-02-01 10m0s []", ""},
		{"2026-09-01", "session_gap", "1h", "", "nothing is to change"},
		{"2026-09-01", "timezone", "Asia/Seoul", "", "timezone"},
		{"2026-09-01", "dimensions", "a", "", "dimensions"},
	} {
		target := changed(t, map[string]string{"session_gap": "1h", "passive_types": "ping"})
		for _, s := range settings(target) {
			if s.key == c.setting {
				if err := s.value.set(c.text); err != nil {
					t.Fatal(err)
				}
			}
		}
		err := target.from(c.day, &active)
		if (err != nil) != (c.problem != "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if err != nil {
			continue
		}
		texts := []string{}
		for _, e := range target.Earlier {
			texts = append(texts, fmt.Sprint(e.Until, " ", e.SessionGap, " ", e.PassiveTypes))
		}
		if got := strings.Join(texts, ", "); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
		b, again := buildOf(target), defaults()
		if err := adopt(&again, &b); err != nil || earlierText(again.Earlier) != earlierText(target.Earlier) {
			t.Errorf("%+v: %v, %+v", c, err, again.Earlier)
		}
	}
}

// A build whose rules can't be read is not gone on with.
func TestUnreadableRules(t *testing.T) {
	c := defaults()
	if err := adopt(&c, &store.Build{Number: 3, Settings: map[string]string{keyEarlier: "soon"}}); err == nil || !strings.Contains(err.Error(), "build 3") {
		t.Error(err)
	}
	for _, text := range []string{`[{"until":"soon","session_gap":"1h"}]`, `[{"until":"2026-11-01","session_gap":"long"}]`} {
		if err := adopt(&c, &store.Build{Settings: map[string]string{keyEarlier: text}}); err != nil {
			t.Fatal(err)
		}
		if _, err := calendarOf(&c); err == nil {
			t.Error("no error for", text)
		}
	}
}

func TestSinceIsChecked(t *testing.T) {
	for _, args := range [][]string{{"--since", "soon"}, {"--since", "2026-11-01", "--days", "2026-11-02"}} {
		if status, _, errs := invoke(t, nil, append([]string{"rebuild", "--data", t.TempDir()}, args...)...); status != wrongUse || !strings.Contains(errs, "since") {
			t.Errorf("%v: %d %s", args, status, errs)
		}
	}
}
