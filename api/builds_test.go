package api

import (
	"context"
	"net/http"
	"testing"

	"rollcall/query"
	"rollcall/store"
)

// someBuilds has one build, and makes another for ever.
type someBuilds struct {
	asked, cancelled int
	running          bool
}

func (b *someBuilds) State(context.Context) (BuildsState, error) {
	s := BuildsState{Active: 1, Builds: []store.Build{{Number: 1, State: store.Active, Dimensions: []string{"campaign"}, Shards: 1, Begun: 1, Activated: 1}}}
	if b.running {
		s.Rebuild = &RebuildState{State: "running", Phase: "folding", Build: 2, Events: 1, Total: 2, SecondsLeft: 1.5, Started: "2026-11-01T00:00:00Z"}
	}
	return s, nil
}

func (b *someBuilds) Rebuild(r RebuildRequest) error {
	b.asked++
	switch {
	case r.Settings["gap"] != "":
		return &query.BadRequest{Param: "settings", Detail: "a build has no such setting", Valid: []string{"session_gap"}}
	case b.running:
		return ErrBusy
	}
	b.running = true
	return nil
}

func (b *someBuilds) Cancel() { b.cancelled, b.running = b.cancelled+1, false }

// Where there are keys, nobody rebuilds or cancels without one; looking is free.
func TestRebuildWantsAKey(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		b := &someBuilds{}
		h := full(func(c *Config) { c.Builds, c.Rebuilds, c.Allowed = b, b, func(http.Header) int { return status } }).handler()
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			if w := do(h, method, "/api/v1/rebuild", `{}`); w.Code != status || w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s: status %d, %v", method, w.Code, w.Header())
			}
		}
		if b.asked+b.cancelled > 0 {
			t.Error("it was begun or ended all the same")
		}
		if w := do(h, http.MethodGet, "/api/v1/builds", ""); w.Code != http.StatusOK {
			t.Errorf("status %d", w.Code)
		}
	}
}
