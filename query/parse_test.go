package query

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/query/querytest"
)

func TestParseValuesAndJSONAgree(t *testing.T) {
	v, err := url.ParseQuery(`from=2026-01-02&to=2026-02-01&grain=week&metrics=mau,events&metrics=wau&filter.age=20s,30s&filter.age!=&filter.age=a\,b&group_by=age&order=-mau,bucket:desc&limit=7&fill=zero&compare=previous_year&everything_else=true&format=csv`)
	if err != nil {
		t.Fatal(err)
	}
	a, err := ParseValues(v)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseJSON([]byte(`{"from":"2026-01-02","to":"2026-02-01","grain":"week","metrics":["mau","events","wau"],"filter.age":["20s","30s","a,b"],"filter.age!":"",
		"group_by":"age","order":["-mau","bucket:desc"],"limit":7,"fill":"zero","compare":"previous_year","everything_else":true,"format":"csv"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Request{From: "2026-01-02", To: "2026-02-01", Grain: rollcall.Week, Metrics: []string{"mau", "events", "wau"},
		Filters: []Filter{{"age", false, []string{"20s", "30s", "a,b"}}, {"age", true, []string{""}}}, GroupBy: []string{"age"},
		Order: []Order{{"mau", true}, {"bucket", true}}, Limit: 7, Fill: true, Compare: "previous_year", EverythingElse: true, Format: "csv"}
	if !reflect.DeepEqual(a, want) || !reflect.DeepEqual(b, want) {
		t.Fatalf("\n%+v\n%+v\n%+v", a, b, want)
	}
}

func TestSplitListUndoesEscaping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.StringMatching(`[a,\\é ]*`), 1, 4).Draw(t, "list")
		escaped := make([]string, len(list))
		for i, v := range list {
			escaped[i] = strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace(v)
		}
		if got := splitList(strings.Join(escaped, ",")); !slices.Equal(got, list) {
			t.Fatalf("%q from %q", got, list)
		}
	})
}

func sample(t testing.TB) (*querytest.Store, *Engine) {
	cal := rollcall.NewCalendar(time.UTC)
	dims := []string{"campaign", "age"}
	at := func(text string) int64 {
		tm, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return tm.UnixMilli()
	}
	m := querytest.Build(cal, dims, rollcall.Cuboids(2), 2, []querytest.Fact{
		{Time: at("2020-01-01T10:00:00Z"), User: 1, Dims: []string{"Old", "20s"}, Finest: rollcall.Day, Session: true, Length: 1500},
		{Time: at("2026-10-31T10:00:00Z"), User: 1, Dims: []string{"x,\"y\"", "20s"}, Finest: rollcall.Hour, Session: true, Length: 2500},
		{Time: at("2026-11-01T10:00:00Z"), User: 2, Dims: []string{"x,\"y\"", "30s"}, Finest: rollcall.Minute},
	})
	return m, engineOver(m, cal, rollcall.Cuboids(2), at("2026-11-01T12:00:00Z"), 0, 0)
}

func TestBadRequestsSayWhatIsValid(t *testing.T) {
	_, e := sample(t)
	for in, want := range map[string]string{
		"metric=dau":                             "unknown parameter",
		"compare=next_year":                      "previous_period, previous_year",
		"compare=previous_year&grain=hour":       "compare: the range compared with",
		"everything_else=yes":                    "true, false",
		"everything_else=true&limit=3":           "needs group_by",
		"everything_else=true&group_by=age":      "needs limit",
		"order=events_previous&metrics=events":   "bucket, events",
		"filter.age!=x&filter.city!=x":           "campaign, age",
		"grain=hour&to=2026-01-02":               "hour cells are kept for",
		"metrics=dau":                            "active_users",
		"metrics=wau,wau":                        "twice",
		"grain=year":                             "month",
		"group_by=city":                          "campaign, age",
		"filter.city=x":                          "campaign, age",
		"order=events":                           "bucket, active_users",
		"from=yesterday":                         "RFC 3339",
		"from=2026-01-02&to=2026-01-02":          "not before",
		"limit=0":                                "whole number",
		"limit=-3":                               "whole number",
		"limit=1,2":                              "one value",
		"fill=null":                              "zero",
		"format=xml":                             "json, csv, parquet",
		"grain=minute&to=2026-01-02":             "coarser grain",
		"from=2026-01-01T10:30:00Z":              "hour cells are kept for" + "|minute cells, which are kept for",
		"from=2026-10-31T10:30:00.5Z":            "begin and end on a minute",
		"grain=minute&fill=zero&from=1900-01-01": "more than",
	} {
		v, err := url.ParseQuery(in)
		if err != nil {
			t.Fatal(err)
		}
		req, err := ParseValues(v)
		if err == nil {
			_, err = e.Query(context.Background(), req)
		}
		var b *BadRequest
		if !errors.As(err, &b) || !slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return strings.Contains(err.Error(), w) }) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"from":"2026-01-02","metrics":["mau"],"limit":7}`))
	f.Add([]byte(`{"filter.campaign":["a",1,true],"filter.age!":"\\,"}`))
	_, e := sample(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := ParseJSON(body)
		if err == nil {
			_, err = e.Query(context.Background(), req)
		}
		if b := (*BadRequest)(nil); err != nil && !errors.As(err, &b) {
			t.Fatalf("%s: %v", body, err)
		}
	})
}

func TestFormsOfAResult(t *testing.T) {
	_, e := sample(t)
	res, err := e.Query(context.Background(), &Request{Grain: rollcall.Day, GroupBy: []string{"campaign"}, Metrics: []string{"active_users", "avg_session_duration", "bounce_rate"}})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := res.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	want := `{"rows":[
{"bucket":"2026-10-31","campaign":"x,\"y\"","active_users":1,"avg_session_duration":2.5,"bounce_rate":0},
{"bucket":"2026-11-01","campaign":"x,\"y\"","active_users":1,"avg_session_duration":null,"bounce_rate":null}],
"as_of":"2023-11-14T22:13:20.123Z","complete_through":"2023-11-14T22:13:20.123Z","late":0,"duplicates":0,"exact":true,"build":3}
`
	if out.String() != want || !json.Valid([]byte(out.String())) {
		t.Errorf("%s", out.String())
	}
	out.Reset()
	if err := res.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || !slices.Equal(records[2], []string{"2026-11-01", `x,"y"`, "1", "", ""}) {
		t.Errorf("%q %v", records, err)
	}
	out.Reset()
	if err := res.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "bucket      campaign  active_users  avg_session_duration  bounce_rate\n2026-10-31  x,\"y\"                1                   2.5            0\n") {
		t.Errorf("\n%s", out.String())
	}
}

func TestMetricsGivesTheNewestDaysWithData(t *testing.T) {
	_, e := sample(t)
	for in, want := range map[string][]string{
		"":                              {"2026-11-01", "2026-10-31", "2020-01-01"},
		"campaign=Old":                  {"2020-01-01"},
		"age=20s,30s":                   {"2026-11-01", "2026-10-31", "2020-01-01"},
		"from=2026-01-01":               {"2026-11-01", "2026-10-31"},
		"campaign=never":                {},
		"from=2019-12-01&to=2026-11-01": {"2026-10-31", "2020-01-01"},
	} {
		v, err := url.ParseQuery(in)
		if err != nil {
			t.Fatal(err)
		}
		days, err := e.Metrics(context.Background(), v)
		if err != nil {
			t.Fatal(err)
		}
		dates := []string{}
		for _, d := range days {
			dates = append(dates, d.Date)
		}
		if !slices.Equal(dates, want) {
			t.Errorf("%s: %v, want %v", in, dates, want)
		}
	}
	days, err := e.Metrics(context.Background(), url.Values{"campaign": {`x\,"y"`}})
	if err != nil || len(days) != 2 {
		t.Fatal(days, err)
	}
	body, err := json.Marshal(days)
	if want := `[{"event_date":"2026-11-01","dau":1,"avg_session_duration":null,"bounce_rate":null},{"event_date":"2026-10-31","dau":1,"avg_session_duration":2.5,"bounce_rate":0}]`; err != nil || string(body) != want {
		t.Fatal(string(body), err)
	}
}

func TestValuesAreHeaviestFirst(t *testing.T) {
	_, e := sample(t)
	got, err := e.Values(context.Background(), "campaign", "", 10)
	if err != nil || !slices.Equal(got, []DimensionValue{{`x,"y"`, 2}, {"Old", 1}}) {
		t.Fatal(got, err)
	}
	if got, err = e.Values(context.Background(), "campaign", "OL", 10); err != nil || !slices.Equal(got, []DimensionValue{{"Old", 1}}) {
		t.Fatal(got, err)
	}
}

func TestTagFollowsRequestAndCommits(t *testing.T) {
	m, e := sample(t)
	tag := func(r *Request) string {
		q, err := e.Ask(context.Background(), "", func() (*Request, error) { return r, nil })
		if err != nil {
			t.Fatal(err)
		}
		return q.Tag
	}
	a, b := &Request{Grain: rollcall.Day, Metrics: []string{"wau"}}, &Request{Grain: rollcall.Day, Metrics: []string{"mau"}}
	first := tag(a)
	if first == tag(b) || first != tag(a) {
		t.Fatal("tag does not follow the request")
	}
	m.Header.Version++
	if tag(a) == first {
		t.Fatal("tag does not follow the commits")
	}
}
