package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"rollcall/query"
)

// full is a server with every part.
func full(change func(*Config)) *server {
	return newServer(configured(sample(), func(c *Config) {
		c.Heads, c.Letters = newHeads(), noLetters{}
		c.Status = func(context.Context) (any, error) { return state{Shards: []int{1}}, nil }
		c.StatusOf = state{}
		c.Builds, c.Rebuilds = &someBuilds{}, &someBuilds{}
		c.Verify = &Verify{Of: state{}, Ask: func(r *VerifyRequest) (func(context.Context, func(float64)) (any, error), error) {
			if r.Limit < 0 {
				return nil, errors.New("limit: give 1 or more")
			}
			return func(_ context.Context, tell func(float64)) (any, error) {
				tell(0.5)
				return state{Shards: []int{1}}, nil
			}, nil
		}}
		c.Events = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, `{"accepted":1,"duplicates_possible":false,"rejected":[{"index":1,"reason":"no time"}]}`)
		})
		if change != nil {
			change(c)
		}
	}))
}

type state struct {
	Shards []int  `json:"shards"`
	Failed string `json:"failed,omitempty"`
}

func checker(t *testing.T, document []byte) validator.Validator {
	t.Helper()
	d, err := libopenapi.NewDocument(document)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(d)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return v
}

func TestTheDocumentIsOpenAPI(t *testing.T) {
	document := do(full(nil).handler(), "GET", "/openapi.json", "").Body.Bytes()
	if !strings.Contains(string(document), `"openapi": "3.1.0"`) {
		t.Fatal(string(document[:200]))
	}
	ok, errs := checker(t, document).ValidateDocument()
	for _, e := range errs {
		t.Error(e.Message, e.Reason)
		for _, s := range e.SchemaValidationErrors {
			t.Error(s.Reason)
		}
	}
	if !ok {
		t.Fatal("not valid")
	}
}

// Real replies are what the document says.
func TestRepliesMatchTheDocument(t *testing.T) {
	s := full(nil)
	h := s.handler()
	v := checker(t, s.document())
	seen := map[string]bool{}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/api/v1/query", "", 200},
		{"GET", "/api/v1/query?metrics=" + strings.Join(query.MetricNames(), ","), "", 200},
		{"GET", "/api/v1/query?metrics=bounce_rate,avg_session_duration&grain=hour&from=2026-10-30&fill=zero", "", 200},
		{"GET", "/api/v1/query?group_by=campaign,age&order=-sessions&limit=3", "", 200},
		{"GET", "/api/v1/query?filter.campaign=Spring&filter.age!=30s&grain=total", "", 200},
		{"GET", "/api/v1/query?from=2020-01-01&to=2020-01-02", "", 200},
		{"GET", "/api/v1/query?format=csv", "", 200},
		{"GET", "/api/v1/query?metrics=dau", "", 400},
		{"GET", "/api/v1/retention", "", 200},
		{"GET", "/api/v1/retention?cohort=week&periods=3&filter.campaign=Spring&filter.age!=30s", "", 200},
		{"GET", "/api/v1/retention?format=csv", "", 200},
		{"GET", "/api/v1/retention?cohort=month", "", 400},
		{"GET", "/api/v1/explain", "", 200},
		{"GET", "/api/v1/explain?day=2026-11-01&filter.campaign=Spring,summer&metrics=bounce_rate,wau", "", 200},
		{"GET", "/api/v1/explain?day=2020-01-01&filter.age!=30s", "", 200},
		{"GET", "/api/v1/explain?day=today", "", 400},
		{"POST", "/api/v1/query", `{"metrics":"wau,mau","grain":"week","group_by":["age"],"limit":5}`, 200},
		{"POST", "/api/v1/query", `[`, 400},
		{"POST", "/api/v1/query", `{"from":"` + strings.Repeat("x", maxBody) + `"}`, 413},
		{"GET", "/api/v1/metrics", "", 200},
		{"GET", "/api/v1/metrics?campaign=Spring,summer&from=2026-11-01", "", 200},
		{"GET", "/api/v1/metrics?campaign=none", "", 200},
		{"GET", "/api/v1/metrics?city=x", "", 400},
		{"GET", "/api/v1/dimensions", "", 200},
		{"GET", "/api/v1/dimensions/campaign?search=s&limit=1", "", 200},
		{"GET", "/api/v1/dimensions/city", "", 400},
		{"GET", "/api/v1/status", "", 200},
		{"GET", "/api/v1/quarantine", "", 200},
		{"GET", "/api/v1/quarantine?limit=1&before=4&reason=late", "", 200},
		{"GET", "/api/v1/quarantine?limit=201", "", 400},
		{"POST", "/api/v1/verify", `{"days":["2026-11-01"],"limit":5}`, 200},
		{"POST", "/api/v1/verify", `{"limit":-1}`, 400},
		{"POST", "/api/v1/verify", `{"day":"2026-11-01"}`, 400},
		{"GET", "/api/v1/builds", "", 200},
		{"POST", "/api/v1/rebuild", `{"settings":{"session_gap":"1h"},"rate":10,"keep":2,"proof":"all","fresh":true}`, 202},
		{"POST", "/api/v1/rebuild", `{"rollback":true}`, 409},
		{"POST", "/api/v1/rebuild", `{"settings":{"gap":"1h"}}`, 400},
		{"POST", "/api/v1/rebuild", `{"setting":{}}`, 400},
		{"POST", "/api/v1/rebuild", ``, 400},
		{"POST", "/api/v1/rebuild", `{"proof":"` + strings.Repeat("x", maxBody) + `"}`, 413},
		{"GET", "/api/v1/builds", "", 200},
		{"DELETE", "/api/v1/rebuild", "", 202},
		{"GET", "/openapi.json", "", 200},
		{"GET", "/healthz", "", 200},
		{"GET", "/readyz", "", 200},
		{"GET", "/metrics", "", 200},
		{"POST", "/v1/events", `{"user_id":"u","time":1}`, 202},
	} {
		w := do(h, c.method, c.path, c.body)
		if w.Code != c.status {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, w.Code, c.status, w.Body)
			continue
		}
		if w.Header().Get("Content-Type") == "application/x-ndjson" { // of which the validator knows nothing
			for line := range strings.Lines(w.Body.String()) {
				if err := json.Unmarshal([]byte(line), &verifyLine{}); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		} else {
			matches(t, v, c.method, c.path, w)
		}
		path, _, _ := strings.Cut(c.path, "?")
		seen[c.method+" "+strings.NewReplacer("campaign", "{name}", "city", "{name}").Replace(path)] = true
	}
	for _, rt := range s.routes {
		if rt.path != "" && !seen[rt.name()] && rt.weight != endless {
			t.Errorf("no reply of %s was checked", rt.name())
		}
	}
}

func matches(t *testing.T, v validator.Validator, method, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	ok, errs := v.ValidateHttpResponse(httptest.NewRequest(method, path, nil), w.Result())
	for _, e := range errs {
		t.Errorf("%s %s: %s: %s %v", method, path, e.Message, e.Reason, e.SchemaValidationErrors)
	}
	if !ok && len(errs) == 0 {
		t.Errorf("%s %s: the reply is not as described", method, path)
	}
}

// A reply that breaks the description is noticed.
func TestTheCheckOfRepliesCanFail(t *testing.T) {
	v := checker(t, full(nil).document())
	for _, body := range []string{`{"rows":[]}`, `{"rows":[{"bucket":1}],"as_of":null,"complete_through":null,"late":0,"duplicates":0,"exact":true,"build":1}`} {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
		if ok, _ := v.ValidateHttpResponse(httptest.NewRequest("GET", "/api/v1/query", nil), w.Result()); ok {
			t.Errorf("%s is taken for an answer", body)
		}
	}
}

// Every route answers, and is in the document; nothing else is.
func TestEveryRouteIsDescribed(t *testing.T) {
	s := full(nil)
	var d struct {
		Paths map[string]map[string]struct {
			Responses map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(s.document(), &d); err != nil {
		t.Fatal(err)
	}
	described := 0
	for _, operations := range d.Paths {
		described += len(operations)
	}
	for _, rt := range s.routes {
		if rt.path == "" {
			continue
		}
		described--
		if len(d.Paths[rt.path][strings.ToLower(rt.method)].Responses) == 0 {
			t.Errorf("%s is not described", rt.name())
		}
	}
	if described != 0 {
		t.Errorf("%d more operations are described than there are", described)
	}
}

// What the parser takes is what the document offers: every name and every value of it.
func TestParametersAreDescribed(t *testing.T) {
	for _, p := range query.Parameters() {
		if p.Doc == "" {
			t.Errorf("query.Parameters says nothing of %s", p.Name)
		}
		for _, value := range p.Values {
			if _, err := query.ParseValues(map[string][]string{p.Name: {value}}); err != nil {
				t.Errorf("%s=%s: %v", p.Name, value, err)
			}
		}
	}
	for _, p := range query.RetentionParameters() {
		for _, value := range p.Values {
			if _, err := query.ParseRetention(map[string][]string{p.Name: {value}}); p.Doc == "" || err != nil {
				t.Errorf("%s=%s: %q, %v", p.Name, value, p.Doc, err)
			}
		}
	}
	document := string(full(nil).document())
	for _, name := range []string{"filter.campaign", "filter.age!", "group_by", "campaign", "events_per_session", "minute"} {
		if !strings.Contains(document, `"`+name+`"`) {
			t.Errorf("the document has no %s", name)
		}
	}
	for _, f := range query.Formats() {
		if forms := full(nil).queryResponses()["200"].(object)["content"].(object); len(forms) != len(query.Formats()) {
			t.Errorf("of the forms with %s only %v are described", f, forms)
		}
	}
}
