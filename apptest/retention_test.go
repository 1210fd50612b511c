package apptest

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/simtest"
)

// sameRetention compares an answer with the oracle's. An answer that was asked for around midnight is asked for again.
func sameRetention(t *testing.T, o *simtest.Oracle, q simtest.Cohorts, ask func(*simtest.Cohorts) ([]simtest.Row, error)) {
	t.Helper()
	for {
		q.Now = time.Now().UnixMilli()
		rows, err := ask(&q)
		if err == nil && time.Now().In(o.Location).YearDay() != time.UnixMilli(q.Now).In(o.Location).YearDay() {
			continue
		}
		if err == nil {
			err = simtest.Diff(o.Retention(q), rows)
		}
		if err != nil {
			t.Errorf("retention %s: %v", q.Text(o.Location), err)
		}
		return
	}
}

// retentionArgs gives a question as the command line has it.
func retentionArgs(q *simtest.Cohorts, format string, more ...string) []string {
	args := []string{"retention", "--format", format}
	for name, values := range q.Params(time.UTC) {
		if dimension, ok := strings.CutPrefix(name, "filter."); ok {
			args = append(args, "--filter="+dimension+"="+values[0])
			continue
		}
		args = append(args, "--"+name+"="+values[0])
	}
	return append(args, more...)
}

// journeyCohorts are questions about the real events.
func journeyCohorts() []simtest.Cohorts {
	age := simtest.Filter{Dimension: "age_group", Values: []string{"45-54", "25-34"}}
	campaign := simtest.Filter{Dimension: "campaign_id", Not: true, Values: []string{"18", rollcall.NotSet}}
	day := simtest.Cohorts{From: date(2017, time.January, 1), To: date(2017, time.February, 15), Unit: rollcall.Day, Periods: 40}
	week := simtest.Cohorts{From: date(2017, time.January, 1), To: date(2018, time.January, 2), Unit: rollcall.Week, Periods: 60}
	late := simtest.Cohorts{From: time.Now().AddDate(0, 0, -8).UTC().Truncate(24 * time.Hour).UnixMilli(), Unit: rollcall.Day, Periods: 3}
	late.To = late.From + 30*86_400_000
	all := []simtest.Cohorts{day, week, late}
	for _, q := range []simtest.Cohorts{day, week} {
		for _, filters := range [][]simtest.Filter{{age}, {campaign}, {age, campaign}} {
			q.Filters = filters
			all = append(all, q)
		}
	}
	return all
}

// retentionOfDirectory asks the command line about a data directory.
func retentionOfDirectory(t *testing.T, bin, dir string, o *simtest.Oracle) {
	t.Helper()
	for _, q := range journeyCohorts() {
		sameRetention(t, o, q, func(q *simtest.Cohorts) ([]simtest.Row, error) {
			return simtest.CohortRows([]byte(MustRun(t, bin, nil, retentionArgs(q, "json", "--data", dir)...).Stdout))
		})
	}
}

// retentionOfServer asks a server over HTTP and through the command line, in every form.
func retentionOfServer(t *testing.T, bin string, s *Server, o *simtest.Oracle) {
	t.Helper()
	for _, q := range journeyCohorts() {
		sameRetention(t, o, q, func(q *simtest.Cohorts) ([]simtest.Row, error) { return s.Retention(q, time.UTC) })
	}
	q := journeyCohorts()[1]
	q.Now = time.Now().UnixMilli()
	want := o.Retention(q)
	records, err := csv.NewReader(strings.NewReader(MustRun(t, bin, nil, retentionArgs(&q, "csv", "--server", s.URL)...).Stdout)).ReadAll()
	if err != nil || len(records) != 1+60*len(want) {
		t.Fatalf("%d lines of CSV for %d cohorts, %v", len(records), len(want), err)
	}
	for i, r := range records[1:] {
		row := want[i/60]
		if r[0] != row["cohort"] || r[1] != fmt.Sprint(row["users"]) || r[2] != fmt.Sprint(i%60) || r[3] != fmt.Sprint(row["active "+r[2]]) || r[4] != "false" {
			t.Fatalf("line %d of CSV is %v, want %v", i+1, r, row)
		}
	}
	table := MustRun(t, bin, nil, retentionArgs(&q, "table", "--server", s.URL)...).Stdout
	if lines := strings.Split(table, "\n"); !strings.HasPrefix(lines[0], "week") || !strings.HasPrefix(lines[2], fmt.Sprintf("2017-01-02    %v 100%%", want[1]["users"])) {
		t.Error(table)
	}
	retentionETag(t, s, &q)
	if out := Run(t, bin, nil, "retention", "--server", s.URL, "--cohort", "month"); out.Exit != 2 || !strings.Contains(out.Stderr, "week") {
		t.Errorf("%+v", out)
	}
}

func retentionETag(t *testing.T, s *Server, q *simtest.Cohorts) {
	t.Helper()
	reply, err := s.Get("/api/v1/retention", q.Params(time.UTC))
	if err != nil || reply.Header.Get("ETag") == "" || !bytes.HasPrefix(reply.Body, []byte(`{"cohort":"week","rows":[`)) {
		t.Fatal(reply.Status, err)
	}
	again, err := s.Send(http.MethodGet, "/api/v1/retention", q.Params(time.UTC), map[string]string{"If-None-Match": reply.Header.Get("ETag")}, nil)
	if err != nil || again.Status != http.StatusNotModified {
		t.Error(again.Status, err)
	}
}
