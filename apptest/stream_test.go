package apptest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	streamListeners = 200
	streamEvents    = 20
)

// Every listener hears of every day that changes, soon after the commit.
func TestStreamTellsListeners(t *testing.T) {
	s := Start(t, binary(t), nil, "--dimensions", "campaign_id", "--data", filepath.Join(t.TempDir(), "data"), "--commit-interval", "50ms")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	listeners := make([]*streamListener, streamListeners)
	for i := range listeners {
		listeners[i] = listen(ctx, t, s.URL)
	}
	day := time.Now().UTC().AddDate(0, 0, -streamEvents)
	for i := range streamEvents {
		body := fmt.Appendf(nil, `{"user_id":"u","event_id":"e%d","time":%d}`, i, day.AddDate(0, 0, i).UnixMilli())
		if _, err := s.Post(body, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Committed(); err != nil {
			t.Fatal(err)
		}
	}
	last := day.AddDate(0, 0, streamEvents-1).Format("2006-01-02")
	var took []time.Duration
	for _, l := range listeners {
		if err := s.Until(func() (bool, error) { return l.heard(last), nil }); err != nil {
			t.Fatal(err)
		}
		l.mu.Lock()
		for i := range streamEvents {
			if date := day.AddDate(0, 0, i).Format("2006-01-02"); !slices.Contains(l.days, date) {
				t.Errorf("nobody told of %s: %v", date, l.days)
			}
		}
		took = append(took, l.took...)
		l.mu.Unlock()
	}
	slices.Sort(took)
	p50, p99 := took[len(took)/2], took[len(took)*99/100]
	t.Logf("from the beginning of a commit to %d listeners: p50 %v, p99 %v", streamListeners, p50, p99)
	if p50 > time.Second {
		t.Errorf("half of the listeners hear of a commit later than after %v", p50)
	}
}

// streamListener keeps what one client of the stream is told.
type streamListener struct {
	mu   sync.Mutex
	days []string
	took []time.Duration // since the commit began, by change
}

func (l *streamListener) heard(day string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.days, day)
}

// listen connects and returns once the stream has begun.
func listen(ctx context.Context, t *testing.T, url string) *streamListener {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	l, begun := &streamListener{}, make(chan error, 1)
	go l.follow(req, begun)
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	return l
}

// follow reads a stream to its end, and tells when it has begun.
func (l *streamListener) follow(req *http.Request, begun chan<- error) {
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		begun <- err
		return
	}
	defer func() { _ = reply.Body.Close() }()
	lines := bufio.NewScanner(reply.Body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") { // the version at the beginning
	}
	begun <- lines.Err()
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			l.take(data)
		}
	}
}

func (l *streamListener) take(data string) {
	var change struct {
		AsOf *time.Time `json:"as_of"`
		Days []string   `json:"days"`
	}
	if json.Unmarshal([]byte(data), &change) != nil || len(change.Days) == 0 || change.AsOf == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.days = append(l.days, change.Days...)
	l.took = append(l.took, time.Since(*change.AsOf))
}
