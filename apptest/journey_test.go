package apptest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/simtest"
)

const journeyFile = "../testdata/completejourney/events.ndjson.gz"

// journey is a world of real events, imported long after they happened: they make cells of days only.
func journey(t *testing.T) simtest.World {
	t.Helper()
	dims := []string{"campaign_id", "age_group"}
	now := time.Now()
	events, err := simtest.ReadNDJSON(journeyFile, dims, now)
	if err != nil {
		t.Fatal(err)
	}
	return simtest.World{
		Config: simtest.Config{
			Location: time.UTC, Dimensions: dims, Gap: 30 * time.Minute,
			MinuteRetention: 48 * time.Hour, HourRetention: 90 * 24 * time.Hour,
		},
		Events: events,
		Now:    now.UnixMilli(),
		Start:  date(2017, time.March, 1),
		Values: []string{"8", "13", "18", "26", "25-34", "45-54", "65+", rollcall.NotSet},
	}
}

func date(year int, month time.Month, day int) int64 {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).UnixMilli()
}

type summary struct {
	Read, Accepted, Duplicates, Quarantined int
}

func importFile(t *testing.T, bin, dir string, args ...string) (s summary) {
	t.Helper()
	out := MustRun(t, bin, nil, append([]string{"import", "--data", dir, "--format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out.Stdout), &s); err != nil {
		t.Fatalf("%v in %q", err, out.Stdout)
	}
	return s
}

// queryArgs gives a query as the command line has it.
func queryArgs(q *simtest.Query, dir, format string, loc *time.Location) []string {
	args := []string{"query", "--data", dir, "--format", format}
	for name, values := range q.Params(loc) {
		if dimension, ok := strings.CutPrefix(name, "filter."); ok {
			args = append(args, "--filter="+dimension+"="+values[0])
			continue
		}
		args = append(args, "--"+strings.ReplaceAll(name, "_", "-")+"="+values[0])
	}
	return args
}

// journeyQueries asks for every metric at every grain that applies, and at random.
func journeyQueries(w *simtest.World, o *simtest.Oracle) []simtest.Query {
	year := simtest.Query{From: date(2017, time.January, 1), To: date(2018, time.January, 2), Metrics: simtest.Metrics[:]}
	var all []simtest.Query
	for _, g := range []rollcall.Grain{rollcall.Day, rollcall.Week, rollcall.Month, rollcall.Total} {
		for _, groups := range [][]string{nil, {"age_group"}, {"campaign_id", "age_group"}} {
			q := year
			q.Grain, q.GroupBy = g, groups
			if g == rollcall.Day && len(groups) > 1 {
				q.To = date(2017, time.February, 15)
			}
			all = append(all, q)
		}
	}
	filtered := year
	filtered.Grain = rollcall.Month
	filtered.Filters = []simtest.Filter{
		{Dimension: "campaign_id", Values: []string{"13", "18", rollcall.NotSet}},
		{Dimension: "age_group", Not: true, Values: []string{"45-54"}},
	}
	all = append(all, filtered)
	d := rand.New(rand.NewSource(*seed))
	for range 20 {
		q := simtest.RandomQuery(d, w, o)
		q.Grain = max(q.Grain, rollcall.Day)
		all = append(all, q)
	}
	return all
}

func TestImportAndQuery(t *testing.T) {
	t.Parallel()
	bin, w := binary(t), journey(t)
	dir := filepath.Join(t.TempDir(), "data")
	first := importFile(t, bin, dir, "--dimensions", "campaign_id,age_group", journeyFile)
	if first != (summary{Read: 75_000, Accepted: 75_000}) {
		t.Fatalf("first import: %+v", first)
	}
	o := simtest.NewOracle(w.Config, w.Events)
	for _, q := range journeyQueries(&w, o) {
		same(t, o, q, func(q *simtest.Query) ([]simtest.Row, error) {
			return Rows([]byte(MustRun(t, bin, nil, queryArgs(q, dir, "json", time.UTC)...).Stdout))
		})
	}
	retentionOfDirectory(t, bin, dir, o)
	second := importFile(t, bin, dir, journeyFile)
	if second != (summary{Read: 75_000, Duplicates: 75_000}) {
		t.Fatalf("second import: %+v", second)
	}
	whole := simtest.Query{From: date(2017, time.January, 1), To: date(2018, time.January, 2), Grain: rollcall.Week, Metrics: simtest.Metrics[:]}
	same(t, o, whole, func(q *simtest.Query) ([]simtest.Row, error) {
		return Rows([]byte(MustRun(t, bin, nil, queryArgs(q, dir, "json", time.UTC)...).Stdout))
	})
	formats(t, bin, dir, o, whole)
	serveJourney(t, bin, dir, &w, o)
}

// formats compares CSV and the table with the oracle.
func formats(t *testing.T, bin, dir string, o *simtest.Oracle, q simtest.Query) {
	t.Helper()
	q.GroupBy = []string{"age_group"}
	same(t, o, q, func(q *simtest.Query) ([]simtest.Row, error) {
		return csvRows(MustRun(t, bin, nil, queryArgs(q, dir, "csv", time.UTC)...).Stdout, q)
	})
	table := MustRun(t, bin, nil, queryArgs(&q, dir, "table", time.UTC)...).Stdout
	header, body, _ := strings.Cut(table, "\n")
	for _, column := range append([]string{"bucket", "age_group"}, q.Metrics...) {
		if !strings.Contains(header, column) {
			t.Errorf("table header %q lacks %s", header, column)
		}
	}
	for _, row := range o.Answer(q) {
		if !strings.Contains(body, row["bucket"].(string)) || !strings.Contains(body, row["age_group"].(string)) {
			t.Errorf("table lacks %v", row)
		}
	}
}

// csvRows reads a CSV answer; an empty figure is null.
func csvRows(text string, q *simtest.Query) ([]simtest.Row, error) {
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(records) == 0 {
		return nil, fmt.Errorf("CSV of %d records: %w", len(records), err)
	}
	var rows []simtest.Row
	for _, record := range records[1:] {
		row := simtest.Row{}
		for i, name := range records[0] {
			switch figure := slices.Contains(q.Metrics, name); {
			case !figure:
				row[name] = record[i]
			case record[i] == "":
				row[name] = nil
			default:
				if row[name], err = strconv.ParseFloat(record[i], 64); err != nil {
					return nil, err
				}
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// serveJourney asks a server over the same data; the command line finds it held, and asks it.
func serveJourney(t *testing.T, bin, dir string, w *simtest.World, o *simtest.Oracle) {
	t.Helper()
	s := Start(t, bin, nil, "--data", dir)
	for _, q := range journeyQueries(w, o) {
		same(t, o, q, func(q *simtest.Query) ([]simtest.Row, error) { return s.Query(q, time.UTC) })
	}
	q := journeyQueries(w, o)[0]
	held := Run(t, bin, nil, queryArgs(&q, dir, "json", time.UTC)...)
	if held.Exit != 1 || !strings.Contains(held.Stderr, "--server") || !strings.Contains(held.Stderr, s.URL) {
		t.Errorf("query of a held directory: %+v", held)
	}
	remote := MustRun(t, bin, nil, append(queryArgs(&q, dir, "json", time.UTC), "--server", s.URL)...)
	if rows, err := Rows([]byte(remote.Stdout)); err != nil || simtest.Diff(o.Answer(q), rows) != nil {
		t.Errorf("query --server: %v, %v", err, simtest.Diff(o.Answer(q), rows))
	}
	report(t, s, o)
	retentionOfServer(t, bin, s, o)
	s.Stop(t)
}

// report compares GET /api/v1/metrics: the newest days first, at most 90.
func report(t *testing.T, s *Server, o *simtest.Oracle) {
	t.Helper()
	params := map[string][]string{"age_group": {"45-54"}, "from": {"2017-01-01"}, "to": {"2018-01-02"}}
	reply, err := s.Get("/api/v1/metrics", params)
	var got []map[string]any
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(reply.Body)).Decode(&got)
	}
	if err != nil {
		t.Errorf("metrics: %v: %s", err, reply.Body)
		return
	}
	var rows []simtest.Row
	for _, row := range got {
		rows = append(rows, simtest.Row{
			"bucket": row["event_date"], "active_users": row["dau"],
			"avg_session_duration": row["avg_session_duration"], "bounce_rate": row["bounce_rate"],
		})
	}
	want := o.Answer(simtest.Query{
		From: date(2017, time.January, 1), To: date(2018, time.January, 2), Grain: rollcall.Day,
		Metrics: []string{"active_users", "avg_session_duration", "bounce_rate"},
		Filters: []simtest.Filter{{Dimension: "age_group", Values: []string{"45-54"}}},
		Order:   []string{"-bucket"}, Limit: 90,
	})
	if err := simtest.Diff(want, rows); err != nil {
		t.Errorf("metrics: %v", err)
	}
}
