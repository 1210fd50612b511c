package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/cache"
	"rollcall/query"
	"rollcall/query/querytest"
	"rollcall/store"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func sample() *querytest.Store {
	var facts []querytest.Fact
	for i := range 40 {
		facts = append(facts, querytest.Fact{Time: noon.Add(-time.Duration(i) * 5 * time.Hour).UnixMilli(), User: i % 7,
			Dims: []string{[]string{"Spring", "summer"}[i%2], "20s"}, Finest: rollcall.Hour, Session: i%3 == 0, Length: 1500, Bounce: i%6 == 0, NewUser: i == 4})
	}
	return querytest.Build(rollcall.NewCalendar(time.UTC), []string{"campaign", "age"}, rollcall.Cuboids(2), 2, facts)
}

func handler(v store.Viewer, change func(*Config)) http.Handler { return New(configured(v, change)) }

func configured(v store.Viewer, change func(*Config)) Config {
	cfg := Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Engine: query.New(query.Config{Dimensions: []string{"campaign", "age"}, Cuboids: rollcall.Cuboids(2),
			Calendar: rollcall.NewCalendar(time.UTC), Now: func() time.Time { return noon }},
			cache.New(cache.Config{}, cache.Deps{Store: v, Firsts: querytest.ReadFirsts}))}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

func do(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestParquetReply(t *testing.T) {
	get := do(handler(sample(), nil), "GET", "/api/v1/query?from=2026-11-01&metrics=active_users&group_by=campaign&compare=previous_year&format=parquet", "")
	if h := get.Header(); get.Code != 200 || h.Get("Content-Type") != "application/vnd.apache.parquet" || h.Get("Content-Disposition") != `attachment; filename="rollcall.parquet"` {
		t.Error(get.Code, h)
	}
	if body := get.Body.String(); !strings.HasPrefix(body, "PAR1") || !strings.HasSuffix(body, "PAR1") || !strings.Contains(body, "active_users_change") {
		t.Errorf("%.80q", body)
	}
}

func TestQueryReply(t *testing.T) {
	h := handler(sample(), func(c *Config) { c.Freshness = func() time.Time { return noon } })
	get := do(h, "GET", "/api/v1/query?from=2026-11-01&metrics=active_users,sessions&filter.campaign=Spring", "")
	want := `{"rows":[
{"bucket":"2026-11-01","active_users":2,"sessions":1}],
"as_of":"2023-11-14T22:13:20.123Z","complete_through":"2026-11-01T12:00:00.000Z","late":0,"duplicates":0,"exact":true,"build":3}
`
	if get.Code != 200 || get.Body.String() != want || get.Header().Get("Content-Type") != "application/json" {
		t.Fatal(get.Code, get.Body)
	}
	post := do(h, "POST", "/api/v1/query", `{"from":"2026-11-01","metrics":["active_users","sessions"],"filter.campaign":"Spring"}`)
	if post.Body.String() != want {
		t.Fatal(post.Code, post.Body)
	}
	csv := do(h, "GET", "/api/v1/query?format=csv&from=2026-11-01&metrics=sessions", "")
	if csv.Body.String() != "bucket,sessions\r\n2026-11-01,1\r\n" {
		t.Fatalf("%q", csv.Body)
	}
}

func TestRetentionReply(t *testing.T) {
	h := handler(sample(), func(c *Config) { c.Freshness = func() time.Time { return noon } })
	get := do(h, "GET", "/api/v1/retention?from=2026-10-31&periods=2&filter.campaign=Spring", "")
	want := `{"cohort":"day","rows":[
{"cohort":"2026-10-31","users":1,"active":[1,0],"open":true},
{"cohort":"2026-11-01","users":0,"active":[0],"open":true}],
"as_of":"2023-11-14T22:13:20.123Z","complete_through":"2026-11-01T12:00:00.000Z","exact":true,"build":3}
`
	if get.Code != 200 || get.Body.String() != want || get.Header().Get("Content-Type") != "application/json" {
		t.Fatal(get.Code, get.Body)
	}
	csv := do(h, "GET", "/api/v1/retention?format=csv&from=2026-10-31&to=2026-11-01&periods=1", "")
	if csv.Body.String() != "cohort,users,period,active,open\r\n2026-10-31,1,0,1,false\r\n" || !strings.HasPrefix(csv.Header().Get("Content-Type"), "text/csv") {
		t.Fatalf("%q", csv.Body)
	}
}

func TestUnchangedAnswersAreNotSentAgain(t *testing.T) {
	s := sample()
	h := handler(s, nil)
	for _, path := range []string{"/api/v1/query?metrics=wau", "/api/v1/metrics?campaign=Spring", "/api/v1/retention?cohort=week"} {
		first := do(h, "GET", path, "")
		tag := first.Header().Get("ETag")
		if first.Code != 200 || len(tag) < 3 || tag[0] != '"' {
			t.Fatal(path, first.Code, tag)
		}
		if again := do(h, "GET", path, "", "If-None-Match", `"other", W/`+tag); again.Code != 304 || again.Body.Len() != 0 || again.Header().Get("ETag") != tag {
			t.Fatal(path, again.Code, again.Body)
		}
		s.Header.Version++
		if after := do(h, "GET", path, "", "If-None-Match", tag); after.Code != 200 || after.Header().Get("ETag") == tag {
			t.Fatal(path, after.Code)
		}
	}
}

func TestProblemsNameWhatIsValid(t *testing.T) {
	h := handler(sample(), nil)
	for _, c := range []struct {
		method, path, body string
		status             int
		parameter, valid   string
	}{
		{"GET", "/api/v1/query?metrics=dau", "", 400, "metrics", "active_users"},
		{"GET", "/api/v1/query?metric=wau", "", 400, "metric", "metrics"},
		{"GET", "/api/v1/query?group_by=city", "", 400, "group_by", "campaign"},
		{"GET", "/api/v1/retention?cohort=month", "", 400, "cohort", "week"},
		{"GET", "/api/v1/retention?group_by=age", "", 400, "group_by", "periods"},
		{"GET", "/api/v1/retention?filter.city=x", "", 400, "filter.city", "campaign"},
		{"GET", "/api/v1/retention?from=%zz", "", 400, "URL", ""},
		{"GET", "/api/v1/explain?filter.city=x", "", 400, "filter.city", "campaign"},
		{"GET", "/api/v1/explain?metrics=dau", "", 400, "metrics", "active_users"},
		{"GET", "/api/v1/explain?day=2026-02-30", "", 400, "day", ""},
		{"GET", "/api/v1/explain?day=2026-02-01,2026-02-02", "", 400, "day", ""},
		{"GET", "/api/v1/explain?from=2026-02-01", "", 400, "from", "day"},
		{"GET", "/api/v1/explain?day=%zz", "", 400, "URL", ""},
		{"GET", "/api/v1/query?from=%zz", "", 400, "URL", ""},
		{"GET", "/api/v1/metrics?city=x", "", 400, "city", "age"},
		{"GET", "/api/v1/dimensions/city", "", 400, "dimension", "age"},
		{"GET", "/api/v1/dimensions/age?limit=0", "", 400, "limit", ""},
		{"POST", "/api/v1/query", `{"metric":"wau"}`, 400, "metric", "metrics"},
		{"POST", "/api/v1/query", `{"limit":{}}`, 400, "limit", "a number"},
		{"POST", "/api/v1/query", `[`, 400, "body", ""},
		{"POST", "/api/v1/query", `{"from":"` + strings.Repeat("x", maxBody) + `"}`, 413, "", ""},
		{"GET", "/api/v2/query", "", 404, "", "GET /api/v1/query"},
	} {
		w := do(h, c.method, c.path, c.body)
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatal(c.path, err, w.Body)
		}
		if w.Code != c.status || p.Status != c.status || p.Parameter != c.parameter || p.Detail == "" || c.valid != "" && !slices.Contains(p.Valid, c.valid) ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %+v", c.method, c.path, w.Code, p)
		}
	}
}

func TestMetricsAndDimensions(t *testing.T) {
	h := handler(sample(), nil)
	var days []map[string]any
	w := do(h, "GET", "/api/v1/metrics?campaign=Spring,summer&age=20s", "")
	if err := json.Unmarshal(w.Body.Bytes(), &days); err != nil || len(days) != 9 || days[0]["event_date"] != "2026-11-01" || days[0]["dau"] != 3.0 {
		t.Fatal(err, w.Body)
	}
	if w := do(h, "GET", "/api/v1/dimensions", ""); w.Body.String() != `{"dimensions":["campaign","age"]}`+"\n" {
		t.Fatal(w.Body)
	}
	if w := do(h, "GET", "/api/v1/dimensions/campaign?search=SP&limit=5", ""); w.Body.String() != `{"dimension":"campaign","values":[{"value":"Spring","weight":20}]}`+"\n" {
		t.Fatal(w.Body)
	}
}

// failing is a store whose views can't be opened.
type failing struct{ err error }

func (f failing) View(context.Context) (store.View, error) { return nil, f.err }

func TestFailuresOfTheStore(t *testing.T) {
	w := do(handler(failing{errors.New("secret path /x: I/O error")}, nil), "GET", "/api/v1/query", "")
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Fatal(w.Code, w.Body)
	}
	w = do(handler(failing{context.DeadlineExceeded}, nil), "GET", "/api/v1/query", "")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Fatal(w.Code, w.Body)
	}
}

func TestHealthReadinessStatus(t *testing.T) {
	h := handler(sample(), func(c *Config) {
		c.Ready = func(context.Context) error { return errors.New("catching up") }
		c.Status = func(context.Context) (any, error) { return map[string]int{"shards": 2}, nil }
	})
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/api/v1/status": 200} {
		w := do(h, "GET", path, "")
		if w.Code != want || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := do(handler(sample(), nil), "GET", "/readyz", ""); w.Code != 200 {
		t.Fatal(w.Code)
	}
}
