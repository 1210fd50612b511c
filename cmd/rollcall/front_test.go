package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func askFront(f *front) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w
}

// A request that comes while nobody answers is answered by the next one who does.
func TestFrontWaits(t *testing.T) {
	f := newFront(nil)
	f.answer(says("old"))
	if got := askFront(f).Body.String(); got != "old" {
		t.Fatal(got)
	}
	f.pause(t.Context())
	replies := make(chan string)
	for range 5 {
		go func() { replies <- askFront(f).Body.String() }()
	}
	f.answer(says("new"))
	for range 5 {
		if got := <-replies; got != "new" {
			t.Error(got)
		}
	}
}

// A request whose patience ends is told to come again.
func TestFrontPatience(t *testing.T) {
	f := newFront(nil)
	f.patience = time.Millisecond
	if w := askFront(f); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
}

// A pause lets the requests under way be answered first, as long as it may wait.
func TestFrontPauseWaitsForAnswers(t *testing.T) {
	f := newFront(nil)
	begun, release := make(chan struct{}), make(chan struct{})
	var answered atomic.Bool
	f.answer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(begun)
		<-release
		answered.Store(true)
	}))
	done := make(chan struct{})
	go func() { defer close(done); askFront(f) }()
	<-begun
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if f.pause(short); answered.Load() {
		t.Error("answered before it was let go")
	}
	if f.now() != nil {
		t.Error("the one who is paused still answers")
	}
	close(release)
	if f.pause(t.Context()); !answered.Load() {
		t.Error("the pause did not wait")
	}
	<-done
}
