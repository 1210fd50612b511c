package apptest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall"
	"rollcall/simtest"
)

const (
	switchReaders = 3
	switchRounds  = 3
)

// While a server goes over to new builds and back, and to logs of other numbers of shards, nobody is refused: every body is acknowledged and counts once, every refused line
// is kept once, and every answer is wholly that of one build, never older than the one before.
func TestSwitchUnderLoad(t *testing.T) {
	t.Parallel()
	d := rand.New(rand.NewSource(*seed))
	config, flags := crashConfig()
	flags = append(flags, "--data", filepath.Join(t.TempDir(), "data"))
	s := Start(t, binary(t), nil, flags...)
	w := switchWorld(t, s, config)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l := produce(ctx, t, config)
	l.server.Store(&s.Client)
	readers := &sync.WaitGroup{}
	seen := make([]switchReader, switchReaders)
	for i := range seen {
		readers.Go(func() { seen[i].read(ctx, t, s, w) })
	}
	var refused atomic.Int64
	readers.Go(func() { refuse(ctx, t, s.Client, &refused) })
	listener := listenAgain(ctx, s.URL)
	gapOf := map[uint32]time.Duration{1: config.Gap}
	for round := range switchRounds {
		shards := fmt.Sprintf(`{"settings":{"log.shards":"%d"}}`, 1+(round+5)%8)
		for _, request := range []string{`{"settings":{"session_gap":"1h"},"keep":100}`, `{"rollback":true}`, shards} {
			switchOnce(t, s, l, w, request, gapOf)
		}
	}
	if err := s.Until(func() (bool, error) { return listener.connected.Load() > switchRounds, nil }); err != nil {
		t.Errorf("a listener was connected %d times: %v", listener.connected.Load(), err)
	}
	stop()
	readers.Wait()
	l.wait.Wait()
	answers := 0
	for i := range seen {
		answers += seen[i].check(t, w, gapOf)
	}
	l.events = append(l.events, w.Events...)
	exactBuild(t, s, l, d)
	kept := func() (n int64, err error) {
		reply, err := s.Get("/api/v1/quarantine", url.Values{"limit": {"1"}})
		if err == nil {
			n, err = lettersIn(reply.Body)
		}
		return n, err
	}
	if err := s.Until(func() (bool, error) { n, err := kept(); return n >= refused.Load(), err }); err != nil {
		n, _ := kept()
		t.Errorf("%d of %d refused lines were kept: %v", n, refused.Load(), err)
	}
	if n, err := kept(); n != refused.Load() {
		t.Errorf("%d letters for %d refused lines, %v", n, refused.Load(), err)
	}
	s.Stop(t)
	verified(t, binary(t), flags)
	t.Logf("%d events and %d refused lines taken in, %d answers over %d builds", len(l.events), refused.Load(), answers, len(gapOf))
}

func lettersIn(body []byte) (n int64, err error) {
	var reply struct{ Total int64 }
	if err := json.Unmarshal(body, &reply); err != nil {
		return 0, fmt.Errorf("%w in %s", err, body)
	}
	return reply.Total, nil
}

// switchWorld sends events of days that no producer touches, whose sessions depend on the gap.
func switchWorld(t *testing.T, s *Server, config *simtest.Config) *simtest.World {
	t.Helper()
	now := time.Now()
	start := config.StartOf(now.UnixMilli(), -30)
	w := &simtest.World{Config: *config, Start: start, Now: now.UnixMilli()}
	for i := range 40 {
		var e simtest.Logged
		e.User, e.ID, e.Time, e.Received = fmt.Appendf(nil, "old%d", i%5), fmt.Appendf(nil, "old-%d", i), start+int64(i/5)*45*60_000, now.UnixMilli()
		e.Dims = [][]byte{[]byte("A"), []byte("B")}
		w.Events = append(w.Events, e)
	}
	if _, err := s.Post(lines(t, config, w.Events), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Committed(); err != nil {
		t.Fatal(err)
	}
	return w
}

// oldDays asks for what does not change but by a rebuild.
func oldDays(w *simtest.World) url.Values {
	q := simtest.Query{From: w.Start, To: w.Config.StartOf(w.Start, 3), Grain: rollcall.Total, Metrics: []string{"events", "sessions", "bounces", "total_session_duration"}}
	return q.Params(w.Config.Location)
}

// switchOnce makes one change of builds while bodies arrive; the tag of an answer before it does not stand for the one after.
func switchOnce(t *testing.T, s *Server, l *load, w *simtest.World, request string, gapOf map[uint32]time.Duration) {
	t.Helper()
	before, err := s.Get("/api/v1/query", oldDays(w))
	if err != nil || before.Status != http.StatusOK {
		t.Fatalf("%v, status %d: %s", err, before.Status, before.Body)
	}
	l.after(20, s.Ended())
	made, err := s.remake(request)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.Stderr())
	}
	b, err := s.builds()
	if err == nil {
		gapOf[made], err = b.gap(made)
	}
	after, getErr := s.Send(http.MethodGet, "/api/v1/query", oldDays(w), map[string]string{"If-None-Match": before.Header.Get("ETag")}, nil)
	if err != nil || getErr != nil || after.Status != http.StatusOK || after.Header.Get("ETag") == before.Header.Get("ETag") {
		t.Fatalf("%v, %v: the tag %s of the old build gives status %d with the tag %s", err, getErr, before.Header.Get("ETag"), after.Status, after.Header.Get("ETag"))
	}
	l.after(20, s.Ended())
}

// switchReader asks one thing after the other.
type switchReader struct{ answers []switchAnswer }

type switchAnswer struct {
	Build uint32
	Rows  []simtest.Row
}

// ask gives an answer of one row.
func (c Client) ask(params url.Values) (a switchAnswer, err error) {
	reply, err := c.Get("/api/v1/query", params)
	if err == nil && reply.Status == http.StatusOK {
		err = json.Unmarshal(reply.Body, &a)
	}
	if err == nil && len(a.Rows) != 1 {
		err = fmt.Errorf("status %d: %s", reply.Status, reply.Body)
	}
	return a, err
}

func (r *switchReader) read(ctx context.Context, t *testing.T, s *Server, w *simtest.World) {
	all := simtest.Query{From: w.Config.StartOf(w.Now, -60), To: w.Config.StartOf(w.Now, 2), Grain: rollcall.Total, Metrics: []string{"events", "active_users"}}
	counted, users := 0.0, 0.0
	for ctx.Err() == nil {
		a, err := s.Client.ask(oldDays(w))
		total, err2 := s.Client.ask(all.Params(w.Config.Location))
		if err != nil || err2 != nil {
			t.Errorf("%v, %v\n%s", err, err2, s.Stderr())
			return
		}
		events, active := total.Rows[0]["events"].(float64), total.Rows[0]["active_users"].(float64)
		if events < counted || active < users {
			t.Errorf("%v events of %v users after %v of %v", events, active, counted, users)
		}
		counted, users = events, active
		r.answers = append(r.answers, a)
	}
}

// check compares the answers with the oracle of their build, and gives their number.
func (r *switchReader) check(t *testing.T, w *simtest.World, gapOf map[uint32]time.Duration) int {
	t.Helper()
	q := simtest.Query{From: w.Start, To: w.Config.StartOf(w.Start, 3), Grain: rollcall.Total, Metrics: []string{"events", "sessions", "bounces", "total_session_duration"}}
	want := map[uint32][]simtest.Row{}
	for number, gap := range gapOf {
		c := w.Config
		c.Gap = gap
		want[number] = simtest.NewOracle(c, w.Events).Answer(q)
	}
	builds := map[uint32]bool{}
	for _, a := range r.answers {
		builds[a.Build] = true
		if err := simtest.Diff(want[a.Build], a.Rows); err != nil {
			t.Errorf("build %d with the gap %v: %v", a.Build, gapOf[a.Build], err)
			break
		}
	}
	if len(builds) < 2 {
		t.Errorf("a reader saw the builds %v in %d answers", builds, len(r.answers))
	}
	return len(r.answers)
}

// refuse sends lines that are good events but for one, and counts those.
func refuse(ctx context.Context, t *testing.T, c Client, refused *atomic.Int64) {
	for ctx.Err() == nil {
		a, err := c.Post([]byte("{\"user_id\":\"u\",\"time\":\"never\"}\n"), nil)
		if err != nil || len(a.Rejected) != 1 {
			t.Errorf("%v: %+v", err, a)
			return
		}
		refused.Add(1)
	}
}

// listenerAgain is a client of the stream that connects again when it is cut off.
type listenerAgain struct{ connected atomic.Int64 }

func listenAgain(ctx context.Context, address string) *listenerAgain {
	l := &listenerAgain{}
	go func() {
		for ctx.Err() == nil {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/api/v1/stream", nil)
			if err != nil {
				return
			}
			one, begun := &streamListener{}, make(chan error, 1)
			ended := make(chan struct{})
			go func() { defer close(ended); one.follow(req, begun) }()
			<-ended
			if one.any() {
				l.connected.Add(1)
			}
		}
	}()
	return l
}

// any tells whether a change was told.
func (l *streamListener) any() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.days) > 0
}
