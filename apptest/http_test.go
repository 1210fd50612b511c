package apptest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"rollcall"
	"rollcall/simtest"
)

// recent makes a world whose events arrive now, and the flags of a server that counts it as the oracle does.
func recent(t *testing.T, d simtest.Dice, zone string) (simtest.World, []string) {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	w := simtest.RecentWorld(d, time.Now().In(loc))
	return w, []string{
		"--timezone", zone, "--dimensions", strings.Join(w.Config.Dimensions, ","),
		"--passive-types", strings.Join(w.Config.Passive, ","), "--retention-minute", "900d", "--retention-hour", "900d", "--commit-interval", "20ms",
	}
}

// Random worlds, posted in bodies of every shape, give the oracle's answers, before and after a restart.
func TestServeWorlds(t *testing.T) {
	t.Parallel()
	bin := binary(t)
	for i, zone := range []string{"UTC", "America/New_York", "Asia/Kolkata"} {
		t.Run(zone, func(t *testing.T) {
			d := rand.New(rand.NewSource(*seed + int64(i)))
			w, flags := recent(t, d, zone)
			flags = append(flags, "--data", filepath.Join(t.TempDir(), "data"))
			s := Start(t, bin, nil, flags...)
			for start := 0; start < len(w.Events); {
				end := min(start+1+d.Intn(30), len(w.Events))
				post(t, s.Client, d, &w.Config, w.Events[start:end])
				start = end
			}
			for range 2 {
				compareServer(t, s, d, &w)
				s.Stop(t)
				s = Start(t, bin, nil, flags...)
			}
			compareServer(t, s, d, &w)
			s.Stop(t)
		})
	}
}

func compareServer(t *testing.T, s *Server, d simtest.Dice, w *simtest.World) {
	t.Helper()
	if err := s.Committed(); err != nil {
		t.Fatal(err)
	}
	o := simtest.NewOracle(w.Config, w.Events)
	for range 25 {
		same(t, o, simtest.RandomQuery(d, w, o), func(q *simtest.Query) ([]simtest.Row, error) {
			if d.Intn(2) == 0 {
				return s.Query(q, w.Config.Location)
			}
			return postQuery(s.Client, q, w.Config.Location)
		})
		sameRetention(t, o, simtest.RandomCohorts(d, w), func(q *simtest.Cohorts) ([]simtest.Row, error) { return s.Retention(q, w.Config.Location) })
	}
}

// postQuery asks with POST and the same names in JSON.
func postQuery(c Client, q *simtest.Query, loc *time.Location) ([]simtest.Row, error) {
	params := map[string]string{}
	for name, values := range q.Params(loc) {
		params[name] = values[0]
	}
	body, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	reply, err := c.Send(http.MethodPost, "/api/v1/query", nil, map[string]string{"Content-Type": "application/json"}, body)
	if err != nil || reply.Status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s: %w", reply.Status, reply.Body, err)
	}
	return Rows(reply.Body)
}

// post sends events in a random shape and encoding; all have to be accepted.
func post(t *testing.T, c Client, d simtest.Dice, config *simtest.Config, events []simtest.Logged) {
	t.Helper()
	body := lines(t, config, events)
	if d.Intn(3) == 0 {
		body = array(body)
	}
	header := map[string]string{}
	switch d.Intn(3) {
	case 0:
		body, header["Content-Encoding"] = gzipped(t, body), "gzip"
	case 1:
		body, header["Content-Encoding"] = zstded(t, body), "zstd"
	}
	a, err := c.Post(body, header)
	if err != nil || a.Accepted != len(events) || len(a.Rejected) > 0 {
		t.Fatalf("post %d events: %+v, %v", len(events), a, err)
	}
}

// array makes NDJSON a JSON array.
func array(lines []byte) []byte {
	return append(append([]byte("["), bytes.ReplaceAll(bytes.TrimSpace(lines), []byte("\n"), []byte(",\n"))...), ']')
}

func gzipped(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t *testing.T, body []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(body, nil)
}

// eventsToday asks how many events there are, in all groups together.
func eventsToday(t *testing.T, s *Server) float64 {
	t.Helper()
	if err := s.Committed(); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	q := simtest.Query{
		From: now.AddDate(0, 0, -2).Truncate(24 * time.Hour).UnixMilli(), To: now.AddDate(0, 0, 2).Truncate(24 * time.Hour).UnixMilli(),
		Grain: rollcall.Total, Metrics: []string{"events"}, Fill: true,
	}
	rows, err := s.Query(&q, time.UTC)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	return rows[0]["events"].(float64)
}

// Each body adds what it should, and what is bad in it is named by index.
func TestPostBodies(t *testing.T) {
	bin := binary(t)
	s := Start(t, bin, nil, "--data", filepath.Join(t.TempDir(), "data"), "--max-body", "64KiB", "--commit-interval", "20ms")
	now := time.Now().UTC().Format(time.RFC3339)
	one := func(user string) string { return fmt.Sprintf(`{"user_id":%q,"time":%q}`, user, now) }
	key := map[string]string{"Idempotency-Key": "order-7"}
	for _, c := range []struct {
		name     string
		body     string
		header   map[string]string
		accepted int
		rejected []int
		doubles  bool
		adds     float64
	}{
		{"object", one("a"), nil, 1, nil, true, 1},
		{"array", "[" + one("a") + "," + one("b") + "]", nil, 2, nil, true, 2},
		{"lines", one("a") + "\n" + one("b") + "\r\n\n" + one("c"), nil, 3, nil, true, 3},
		{"bad line", one("a") + "\n{\"user_id\":\n" + one("b") + "\n", nil, 2, []int{1}, true, 2},
		{"bad element", "[" + one("a") + `,{"user_id":""},` + one("b") + "]", nil, 2, []int{1}, true, 2},
		{"with id", `{"user_id":"a","event_id":"1","time":"` + now + `"}`, nil, 1, nil, false, 1},
		{"id again", `{"user_id":"a","event_id":"1","time":"` + now + `"}`, nil, 1, nil, false, 0},
		{"id of another user", `{"user_id":"b","event_id":"1","time":"` + now + `"}`, nil, 1, nil, false, 1},
		{"key", one("a") + "\n" + one("a") + "\n", key, 2, nil, false, 2},
		{"key again", one("a") + "\n" + one("a") + "\n", key, 2, nil, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := eventsToday(t, s)
			a, err := s.Post([]byte(c.body), c.header)
			if err != nil {
				t.Fatal(err)
			}
			if a.Accepted != c.accepted || a.DuplicatesPossible != c.doubles || len(a.Rejected) != len(c.rejected) {
				t.Errorf("%+v", a)
			}
			for i, r := range a.Rejected {
				if r.Index != c.rejected[i] || r.Reason == "" {
					t.Errorf("%+v", a.Rejected)
				}
			}
			if added := eventsToday(t, s) - before; added != c.adds {
				t.Errorf("added %v events, want %v", added, c.adds)
			}
		})
	}
	refused(t, s, one("a"))
	s.Stop(t)
}

// refused sends what can't be taken at all; nothing of it may count.
func refused(t *testing.T, s *Server, event string) {
	t.Helper()
	long := strings.Repeat(event+"\n", 70_000/len(event))
	before := eventsToday(t, s)
	for _, c := range []struct {
		name   string
		method string
		body   []byte
		header map[string]string
		status int
	}{
		{"too long", http.MethodPost, []byte(long), nil, http.StatusRequestEntityTooLarge},
		{"too long unpacked", http.MethodPost, gzipped(t, []byte(long)), map[string]string{"Content-Encoding": "gzip"}, http.StatusRequestEntityTooLarge},
		{"too long unpacked, zstd", http.MethodPost, zstded(t, []byte(long)), map[string]string{"Content-Encoding": "zstd"}, http.StatusRequestEntityTooLarge},
		{"not gzip", http.MethodPost, []byte(event), map[string]string{"Content-Encoding": "gzip"}, http.StatusBadRequest},
		{"unknown encoding", http.MethodPost, []byte(event), map[string]string{"Content-Encoding": "br"}, http.StatusUnsupportedMediaType},
		{"empty", http.MethodPost, nil, nil, http.StatusBadRequest},
		{"wrong method", http.MethodPut, []byte(event), nil, http.StatusMethodNotAllowed},
	} {
		reply, err := s.Send(c.method, "/v1/events", nil, c.header, c.body)
		if err != nil || reply.Status != c.status {
			t.Errorf("%s: status %d, want %d: %s %v", c.name, reply.Status, c.status, reply.Body, err)
		}
	}
	if after := eventsToday(t, s); after != before {
		t.Errorf("refused bodies added %v events", after-before)
	}
}

// The read side's replies besides rows: problems, formats, validators.
func TestQueryReplies(t *testing.T) {
	bin := binary(t)
	s := Start(t, bin, nil, "--data", filepath.Join(t.TempDir(), "data"), "--dimensions", "campaign,age", "--commit-interval", "20ms")
	now := time.Now().UTC()
	event := fmt.Sprintf(`{"user_id":"a","time":%q,"campaign":"A"}`, now.Format(time.RFC3339))
	if _, err := s.Post([]byte(event), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Committed(); err != nil {
		t.Fatal(err)
	}
	for query, says := range map[string][]string{
		"filter.colour=red": {"colour", "campaign", "age"},
		"group_by=colour":   {"colour", "campaign", "age"},
		"metrics=visits":    {"visits", "active_users"},
		"grain=year":        {"year", "month"},
		"colour=red":        {"colour"},
		"limit=x":           {"limit"},
	} {
		name, value, _ := strings.Cut(query, "=")
		reply, err := s.Get("/api/v1/query", map[string][]string{name: {value}})
		if err != nil || reply.Status != http.StatusBadRequest || !strings.HasPrefix(reply.Header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s: status %d, %q, %v", query, reply.Status, reply.Header.Get("Content-Type"), err)
		}
		for _, text := range says {
			if !strings.Contains(string(reply.Body), text) {
				t.Errorf("%s: %s does not say %q", query, reply.Body, text)
			}
		}
	}
	params := map[string][]string{"metrics": {"events"}, "group_by": {"campaign"}}
	reply, err := s.Get("/api/v1/query", params)
	if err != nil || reply.Status != http.StatusOK || reply.Header.Get("ETag") == "" {
		t.Fatalf("status %d, ETag %q, %v", reply.Status, reply.Header.Get("ETag"), err)
	}
	again, err := s.Send(http.MethodGet, "/api/v1/query", params, map[string]string{"If-None-Match": reply.Header.Get("ETag")}, nil)
	if err != nil || again.Status != http.StatusNotModified {
		t.Errorf("If-None-Match: status %d, %v", again.Status, err)
	}
	if _, err := s.Post([]byte(event), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Committed(); err != nil {
		t.Fatal(err)
	}
	changed, err := s.Send(http.MethodGet, "/api/v1/query", params, map[string]string{"If-None-Match": reply.Header.Get("ETag")}, nil)
	if err != nil || changed.Status != http.StatusOK || !strings.Contains(string(changed.Body), `"events":2`) {
		t.Errorf("after another event: status %d, %s, %v", changed.Status, changed.Body, err)
	}
	params["format"] = []string{"csv"}
	reply, err = s.Get("/api/v1/query", params)
	want := "bucket,campaign,events\r\n" + now.Format("2006-01-02") + ",A,2\r\n"
	if err != nil || string(reply.Body) != want {
		t.Errorf("CSV %q, want %q, %v", reply.Body, want, err)
	}
	s.Stop(t)
}
