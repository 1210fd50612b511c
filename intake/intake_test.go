package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store"
)

// letterbox keeps dead letters in memory, and fails as often as it is told to.
type letterbox struct {
	mu      sync.Mutex
	letters []store.DeadLetter
	fail    int
}

func (l *letterbox) Quarantine(_ context.Context, letters []store.DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail > 0 {
		l.fail--
		return errors.New("no store")
	}
	l.letters = append(l.letters, letters...)
	return nil
}

// brokenLog refuses every Append.
type brokenLog struct{ err error }

func (brokenLog) Shards() int { return 2 }
func (b brokenLog) Append(context.Context, []eventlog.Record, *eventlog.Mark) error {
	return fmt.Errorf("append: %w", b.err)
}

func openLog(t testing.TB, dir string) *eventlog.Log {
	t.Helper()
	l, err := eventlog.Open(eventlog.Config{Dir: dir, Shards: 3}, eventlog.Deps{Now: time.Now, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func testShape() Shape {
	return Shape{Dimensions: []string{"campaign_id", "age_group"}, Location: time.UTC, MaxLine: 64 << 10}
}

// stored reads all events of a log as "user/id/time/dims", shard by shard in the order of the log.
func stored(t testing.TB, l *eventlog.Log) (all []string) {
	t.Helper()
	for shard := range l.Shards() {
		first, next, err := l.Bounds(t.Context(), shard)
		if err != nil {
			t.Fatal(err)
		}
		for first < next {
			records, err := l.Fetch(t.Context(), shard, first, 0, 1<<30, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				var b record.Batch
				var ev rollcall.Event
				if err := b.Decode(r.Payload); err != nil {
					t.Fatal(err)
				}
				for i := range b.Rows {
					b.Event(i, &ev)
					if record.ShardOf(ev.User, l.Shards()) != shard {
						t.Fatalf("%s in shard %d", ev.User, shard)
					}
					all = append(all, fmt.Sprintf("%s/%s/%d/%s", ev.User, ev.ID, ev.Time, ev.Dims))
				}
				first = r.Next
			}
		}
	}
	return all
}

type edge struct {
	*Handler
	log     *eventlog.Log
	box     *letterbox
	letters *Quarantine
}

func newEdge(t testing.TB, change func(*Config)) *edge {
	e := &edge{log: openLog(t, t.TempDir()), box: &letterbox{}}
	e.letters = NewQuarantine(e.box, quiet())
	cfg := Config{Shape: testShape(), MaxBody: 1 << 20}
	if change != nil {
		change(&cfg)
	}
	var err error
	if e.Handler, err = NewHandler(cfg, Deps{Log: e.log, Quarantine: e.letters, Logger: quiet(), Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.log.Close() })
	return e
}

func post(h http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const line1 = `{"user_id":"u1","time":"2026-11-01T10:00:00Z","event_id":"a","campaign_id":"spring"}`
const line2 = `{"user_id":"u2","time":1793527200,"age_group":"25-34"}`

func TestBodiesOfEveryForm(t *testing.T) {
	for name, body := range map[string]string{
		"ndjson": line1 + "\n" + line2 + "\n", "array": "[" + line1 + ",\n" + line2 + "]",
		"crlf": line1 + "\r\n\r\n" + line2,
	} {
		e := newEdge(t, nil)
		w := post(e, body)
		want := `{"accepted":2,"duplicates_possible":true,"rejected":[]}` + "\n"
		if w.Code != http.StatusAccepted || w.Body.String() != want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if got := stored(t, e.log); len(got) != 2 {
			t.Errorf("%s: stored %v", name, got)
		}
	}
	if w := post(newEdge(t, nil), line1); w.Code != 202 || !strings.Contains(w.Body.String(), `"accepted":1,"duplicates_possible":false`) {
		t.Errorf("one object: %d %s", w.Code, w.Body)
	}
}

func TestPackedBodies(t *testing.T) {
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	fmt.Fprint(w, line1)
	w.Close()
	z, _ := zstd.NewWriter(nil)
	e := newEdge(t, nil)
	for enc, body := range map[string]string{"gzip": gz.String(), "zstd": string(z.EncodeAll([]byte(line1), nil))} {
		for range 2 { // the second request uses the memory of the first
			if w := post(e, body, "Content-Encoding", enc); w.Code != 202 {
				t.Errorf("%s: %d %s", enc, w.Code, w.Body)
			}
		}
		if w := post(e, body[:len(body)-4], "Content-Encoding", enc); w.Code != 400 {
			t.Errorf("%s cut short: %d %s", enc, w.Code, w.Body)
		}
		if w := post(e, "no such thing", "Content-Encoding", enc); w.Code != 400 {
			t.Errorf("%s not packed at all: %d %s", enc, w.Code, w.Body)
		}
	}
	if got := stored(t, e.log); len(got) != 4 {
		t.Errorf("stored %v", got)
	}
}

// A small packed body must not unfold into a large one.
func TestBombs(t *testing.T) {
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = io.CopyN(w, zeros{}, 64<<20)
	w.Close()
	z, _ := zstd.NewWriter(nil)
	for enc, body := range map[string]string{"gzip": gz.String(), "zstd": string(z.EncodeAll(make([]byte, 64<<20), nil))} {
		if w := post(newEdge(t, nil), body, "Content-Encoding", enc); w.Code != 413 {
			t.Errorf("%s: %d %s", enc, w.Code, w.Body)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestRefusals(t *testing.T) {
	keyed := func(c *Config) { c.Keys = []string{"correct-horse", "battery-staple"} }
	for _, c := range []struct {
		name    string
		change  func(*Config)
		body    string
		headers []string
		want    int
	}{
		{"empty", nil, " \n", nil, 400},
		{"too large", nil, strings.Repeat(" ", 1<<20+1), nil, 413},
		{"encoding", nil, line1, []string{"Content-Encoding", "br"}, 415},
		{"long key", nil, line1, []string{"Idempotency-Key", strings.Repeat("k", 201)}, 400},
		{"no key", keyed, line1, nil, 401},
		{"wrong key", keyed, line1, []string{"Authorization", "Bearer nonsense"}, 403},
		{"good key", keyed, line1, []string{"Authorization", "bearer battery-staple"}, 202},
		{"good key, other header", keyed, line1, []string{"X-Api-Key", "correct-horse"}, 202},
	} {
		w := post(newEdge(t, c.change), c.body, c.headers...)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, w.Code, c.want, w.Body)
		}
		var p problem
		if w.Code >= 400 && (json.Unmarshal(w.Body.Bytes(), &p) != nil || p.Status != c.want || p.Detail == "" ||
			w.Header().Get("Content-Type") != "application/problem+json") {
			t.Errorf("%s: no problem document: %s", c.name, w.Body)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/events", nil)
	w := httptest.NewRecorder()
	newEdge(t, nil).ServeHTTP(w, r)
	if w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d", w.Code)
	}
}

func TestBadLinesNeverSinkGoodOnes(t *testing.T) {
	e := newEdge(t, nil)
	bad := `{"user_id":`
	w := post(e, line1+"\n"+bad+"\n"+line2+"\n{\"time\":1}\n")
	var reply struct {
		Accepted int
		Rejected []struct {
			Index  int
			Reason string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &reply); err != nil || w.Code != 202 || reply.Accepted != 2 || len(reply.Rejected) != 2 ||
		reply.Rejected[0].Index != 1 || reply.Rejected[1].Index != 3 || !strings.Contains(reply.Rejected[1].Reason, "user_id") {
		t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	e.letters.Close()
	if len(e.box.letters) != 2 || string(e.box.letters[0].Raw) != bad || e.box.letters[1].Reason != "missing_user_id" ||
		!strings.HasSuffix(e.box.letters[0].Source, "#1") {
		t.Fatalf("letters %+v", e.box.letters)
	}
	if w := post(newEdge(t, nil), "nonsense\n"); w.Code != 202 || !strings.Contains(w.Body.String(), `"accepted":0`) {
		t.Errorf("only bad lines: %d %s", w.Code, w.Body)
	}
}

func TestIdempotencyKeyNamesEventsWithoutID(t *testing.T) {
	e := newEdge(t, nil)
	for range 2 {
		w := post(e, line1+"\n"+line2, "Idempotency-Key", "req-7")
		if w.Code != 202 || !strings.Contains(w.Body.String(), `"duplicates_possible":false`) {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	got := strings.Join(stored(t, e.log), " ")
	if strings.Count(got, "u1/a/") != 2 || strings.Count(got, "u2/req-7#1/") != 2 {
		t.Fatal(got)
	}
}

func TestLogFullAndLogDown(t *testing.T) {
	for err, want := range map[error]int{eventlog.ErrFull: 429, eventlog.ErrUnavailable: 503, eventlog.ErrClosed: 503} {
		q := NewQuarantine(&letterbox{}, quiet())
		h, newErr := NewHandler(Config{Shape: testShape(), MaxBody: 1 << 20}, Deps{Log: brokenLog{err}, Quarantine: q, Logger: quiet(), Now: time.Now})
		if newErr != nil {
			t.Fatal(newErr)
		}
		if w := post(h, line1); w.Code != want || w.Header().Get("Retry-After") == "" {
			t.Errorf("%v: %d", err, w.Code)
		}
		q.Close()
	}
}

func TestRate(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newBucket(10, func() time.Time { return now })
	if b.wait() != 0 {
		t.Fatal("a fresh bucket refuses")
	}
	b.charge(25)
	if w := b.wait(); w < 1500*time.Millisecond || w > 1700*time.Millisecond {
		t.Fatalf("wait %v", w)
	}
	now = now.Add(b.wait())
	if b.wait() != 0 {
		t.Fatal("refuses after the wait it asked for")
	}
}

func TestQuarantineTriesAgainAndCounts(t *testing.T) { synctest.Test(t, quarantineTriesAgain) }

func quarantineTriesAgain(t *testing.T) {
	box := &letterbox{fail: 2}
	q := NewQuarantine(box, quiet())
	for i := range 2500 {
		q.Add(t.Context(), store.DeadLetter{Number: int64(i), Raw: []byte("x")})
	}
	q.Close()
	if kept, lost := q.Counts(); kept != 2500 || lost != 0 || len(box.letters) != 2500 || box.letters[2499].Number != 2499 {
		t.Fatalf("kept %d, lost %d", kept, lost)
	}
	box = &letterbox{fail: 1 << 30}
	q = NewQuarantine(box, quiet())
	q.Add(t.Context(), store.DeadLetter{Raw: []byte("x")})
	q.Close()
	if kept, lost := q.Counts(); kept != 0 || lost != 1 {
		t.Fatalf("kept %d, lost %d", kept, lost)
	}
}
