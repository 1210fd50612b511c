package simtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rollcall"
	"rollcall/query"
)

// raceLog is what writer and readers know of each other.
type raceLog struct {
	begun     atomic.Int64 // the newest commit that may be in the store
	announced atomic.Int64 // the newest that was announced

	mu       sync.Mutex
	returned []time.Time // [n]: when commit n had returned
	found    []string    // what is wrong
	tags     map[string]uint64
	seed     maphash.Seed

	replies, unchanged, reports atomic.Int64
}

func (l *raceLog) wrong(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.found) < 5 {
		l.found = append(l.found, fmt.Sprintf(format, args...))
	}
}

func (l *raceLog) violations() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.found
}

func (l *raceLog) hasReturned(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.returned = append(l.returned, time.Now())
}

// since tells when a commit had returned; false while it has not.
func (l *raceLog) since(n int) (at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n >= len(l.returned) {
		return at, false
	}
	return l.returned[n], true
}

// meets notes the body that a tag stands for, and tells whether it has always been this.
func (l *raceLog) meets(tag, body string) bool {
	sum := maphash.String(l.seed, body)
	l.mu.Lock()
	defer l.mu.Unlock()
	before, known := l.tags[tag]
	l.tags[tag] = sum
	return !known || before == sum
}

// raceReader asks one server, again and again.
type raceReader struct {
	*raceLog
	server    http.Handler
	poll      time.Duration // no reply is older
	announced bool          // no reply is older than a commit announced before it
	held      map[string]heldReply
}

// heldReply is a reply that a client keeps for its tag.
type heldReply struct {
	tag string
	n   int
}

type raceReply struct {
	Rows            []map[string]any
	AsOf            time.Time `json:"as_of"`
	CompleteThrough time.Time `json:"complete_through"`
	Duplicates      int64
	Exact           bool
}

func (r *raceReader) run(ctx context.Context) {
	shapes := raceShapes()
	for ctx.Err() == nil && len(r.violations()) == 0 {
		r.ask(shapes[rand.IntN(len(shapes))])
		if rand.IntN(16) == 0 {
			r.askReport()
		}
	}
}

// askReport asks for the simple report, which does not tell which commit it is of: it must be one that it may be of.
func (r *raceReader) askReport() {
	w := httptest.NewRecorder()
	low, began := int(r.raceLog.announced.Load()), time.Now()
	r.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/metrics", nil))
	high := int(r.begun.Load())
	r.reports.Add(1)
	var rows []query.DailyMetric
	if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil {
		r.wrong("report: %v: %s", err, w.Body)
		return
	}
	if tag := w.Header().Get("ETag"); !r.meets(tag, w.Body.String()) {
		r.wrong("report: tag %s stands for two answers", tag)
	}
	if !r.announced {
		low = 0
	}
	for n := low; n <= high; n++ {
		if at, ok := r.since(n + 1); (!ok || began.Sub(at) <= r.poll) && reportIs(rows, n) {
			return
		}
	}
	r.wrong("report: of no commit from %d to %d: %s", low, high, w.Body)
}

// reportIs tells whether a report is that of commit n.
func reportIs(rows []query.DailyMetric, n int) bool {
	for _, d := range raceDays() {
		k := int64(d.touches(n))
		if k == 0 {
			continue
		}
		last := len(rows) - 1
		if last < 0 || rows[last].Date != d.start().Format(time.DateOnly) || rows[last].DAU != raceShards*k {
			return false
		}
		rows = rows[:last]
	}
	return len(rows) == 0
}

// ask asks once and checks the reply.
func (r *raceReader) ask(s raceShape) {
	path := s.path()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	held, conditional := r.held[path]
	if conditional = conditional && rand.IntN(3) > 0; conditional {
		request.Header.Set("If-None-Match", held.tag)
	}
	w := httptest.NewRecorder()
	low, began := int(r.raceLog.announced.Load()), time.Now()
	r.server.ServeHTTP(w, request)
	high := int(r.begun.Load())
	switch w.Code {
	case http.StatusOK:
		r.check(s, w, low, high, began)
	case http.StatusNotModified:
		r.unchanged.Add(1)
		r.checkUnchanged(s, held, low, high, began)
	default:
		r.wrong("%s: %d %s", path, w.Code, w.Body)
	}
}

func (r *raceReader) check(s raceShape, w *httptest.ResponseRecorder, low, high int, began time.Time) {
	path, text := s.path(), w.Body.String()
	var reply raceReply
	if err := json.Unmarshal([]byte(text), &reply); err != nil {
		r.wrong("%s: %v: %s", path, err, text)
		return
	}
	r.replies.Add(1)
	n := int(reply.AsOf.UnixMilli() - raceTime(0))
	want, duplicates := s.answer(n)
	if got, err := s.figures(reply.Rows); err != nil || !maps.Equal(got, want) || reply.Duplicates != duplicates {
		r.wrong("%s: as of commit %d\nhave %v, %d duplicates, %v\nwant %v, %d duplicates", path, n, got, reply.Duplicates, err, want, duplicates)
	}
	if reply.CompleteThrough.After(reply.AsOf) {
		r.wrong("%s: complete through commit %d, as of %d", path, reply.CompleteThrough.UnixMilli()-raceTime(0), n)
	}
	r.checkAge(path, n, low, high, began)
	tag := w.Header().Get("ETag")
	if rows, _, _ := strings.Cut(text, `"as_of"`); !r.meets(tag, path+rows+fmt.Sprint(reply.Duplicates)) {
		r.wrong("%s: tag %s stands for two answers", path, tag)
	}
	r.held[path] = heldReply{tag, n}
}

// checkAge tells whether a reply of commit n is one that the store could have given not too long ago.
func (r *raceReader) checkAge(path string, n, low, high int, began time.Time) {
	if n > high {
		r.wrong("%s: as of commit %d, which had not begun; the newest was %d", path, n, high)
	}
	if r.announced && n < low {
		r.wrong("%s: as of commit %d after %d had been announced", path, n, low)
	}
	if at, ok := r.since(n + 1); ok && began.Sub(at) > r.poll {
		r.wrong("%s: as of commit %d, and the next had been there for %v", path, n, began.Sub(at))
	}
}

// checkUnchanged: of the commits that the reply may be of, one at least leaves the answer as the client has it.
func (r *raceReader) checkUnchanged(s raceShape, held heldReply, low, high int, began time.Time) {
	if !r.announced {
		low = held.n
	}
	for n := max(low, held.n); n <= high; n++ {
		if at, ok := r.since(n + 1); ok && began.Sub(at) > r.poll {
			continue // too old to be the one
		}
		if s.same(held.n, n) {
			return
		}
	}
	r.wrong("%s: 304 for the answer of commit %d between %d and %d", s.path(), held.n, low, high)
}

// figures reads rows by bucket and group.
func (s raceShape) figures(rows []map[string]any) (map[string][5]int64, error) {
	figures := map[string][5]int64{}
	for _, row := range rows {
		text := func(name string) string { t, _ := row[name].(string); return t }
		var f [5]int64
		for i, name := range [...]string{"events", "sessions", "active_users", "wau", "mau"} {
			v, asked := row[name].(float64)
			if f[i] = int64(v); !asked && (i < 3 || s.trailing) {
				return nil, fmt.Errorf("no %s in %v", name, row)
			}
		}
		key := text("bucket")
		if s.grain == rollcall.Minute && !strings.HasSuffix(key, ":00:00Z") {
			return nil, fmt.Errorf("a row of %s", key)
		}
		key += text("campaign") + text("age")
		if _, twice := figures[key]; twice {
			return nil, fmt.Errorf("two rows of %s", key)
		}
		figures[key] = f
	}
	return figures, nil
}
