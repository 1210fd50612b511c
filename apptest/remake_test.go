package apptest

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/simtest"
)

// A server makes one rebuild at a time, refuses what can't be made with what can, ends one when it is told to, and goes on with it.
func TestRebuildRequests(t *testing.T) {
	t.Parallel()
	bin, d := binary(t), rand.New(rand.NewSource(*seed))
	config, flags := crashConfig()
	dir := filepath.Join(t.TempDir(), "data")
	flags = append(flags, "--data", dir, "--api-keys", "secret-key")
	s := Start(t, bin, nil, flags...)
	keyed := map[string]string{"Authorization": "Bearer secret-key"}
	events := batch(d, config, time.Now(), "one")
	for len(events) < 50 {
		events = append(events, batch(d, config, time.Now(), fmt.Sprint("more", len(events)))...)
	}
	if _, err := s.Post(lines(t, config, events), keyed); err != nil {
		t.Fatal(err)
	}
	ask := func(method, body string, header map[string]string, want int) string {
		t.Helper()
		reply, err := s.Send(method, "/api/v1/rebuild", nil, header, []byte(body))
		if err != nil || reply.Status != want {
			t.Fatalf("%s %s: %v, status %d, want %d: %s", method, body, err, reply.Status, want, reply.Body)
		}
		return string(reply.Body)
	}
	until := func(state string) builds {
		t.Helper()
		var b builds
		err := s.Until(func() (so bool, err error) {
			b, err = s.builds()
			return err == nil && b.Rebuild != nil && b.Rebuild.State == state && (state != "running" || b.Rebuild.Build > 0), err
		})
		if err != nil {
			t.Fatalf("%s: %v, %+v\n%s", state, err, b.Rebuild, s.Stderr())
		}
		return b
	}
	ask(http.MethodPost, `{}`, nil, http.StatusUnauthorized)
	ask(http.MethodDelete, ``, nil, http.StatusUnauthorized)
	if text := ask(http.MethodPost, `{"settings":{"gap":"1h"}}`, keyed, http.StatusBadRequest); !strings.Contains(text, "session_gap") {
		t.Error(text)
	}
	if text := ask(http.MethodPost, `{"settings":{"log.shards":"999"}}`, keyed, http.StatusBadRequest); !strings.Contains(text, "log.shards") {
		t.Error(text)
	}
	slow, fast := `{"settings":{"session_gap":"1h"},"rate":1}`, `{"settings":{"session_gap":"1h"}}`
	ask(http.MethodPost, slow, keyed, http.StatusAccepted)
	begun := until("running").Rebuild.Build
	ask(http.MethodPost, fast, keyed, http.StatusConflict)
	ask(http.MethodDelete, ``, keyed, http.StatusAccepted)
	if b := until("cancelled"); b.Active != 1 {
		t.Errorf("%+v", b)
	}
	ask(http.MethodPost, fast, keyed, http.StatusAccepted)
	if b := until("done"); b.Rebuild.Build != begun {
		t.Errorf("build %d was made, not gone on with %d", b.Rebuild.Build, begun)
	}
	out := MustRun(t, bin, nil, "rebuild", "--session-gap", "2h", "--data", dir, "--key", "secret-key")
	if !strings.Contains(out.Stdout, "is active") {
		t.Error(out.Stdout)
	}
	if err := s.Until(func() (bool, error) { b, err := s.builds(); return b.Active > begun && len(b.Builds) == 2, err }); err != nil {
		b, _ := s.builds()
		t.Errorf("%v: %+v", err, b)
	}
	s.Stop(t)
}

// dimensionsOf are the dimensions of the active build.
func (s *Server) dimensionsOf() ([]string, error) {
	b, err := s.builds()
	for _, x := range b.Builds {
		if x.Number == b.Active {
			return x.Dimensions, err
		}
	}
	return nil, fmt.Errorf("no active build: %w", err)
}

// Dimensions that are added or taken away in the configuration of a server come into the figures by themselves, as they were recorded;
// what was recorded without is (not set). Started as before, it does not go back.
func TestDimensionsAreRebuilt(t *testing.T) {
	t.Parallel()
	bin, d := binary(t), rand.New(rand.NewSource(*seed))
	config, _ := crashConfig()
	config.Passive = []string{"heartbeat"}
	dir := filepath.Join(t.TempDir(), "data")
	var all []simtest.Logged // with every dimension that was recorded, by name
	names := []string{"a", "b", "c"}
	now := time.Now()
	for round, dims := range []string{"a", "a,b", "b", "c,b", "", "b,a"} {
		var want []string
		if dims != "" {
			want = strings.Split(dims, ",")
		}
		s := Start(t, bin, nil, "--data", dir, "--dimensions", dims, "--retention-minute", "900d", "--retention-hour", "900d", "--commit-interval", "5ms")
		recorded := *config
		recorded.Dimensions = want
		events := batch(d, &recorded, now, fmt.Sprint("round", round))
		if _, err := s.Post(lines(t, &recorded, events), nil); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			full := make([][]byte, len(names))
			for i, name := range want {
				full[slices.Index(names, name)] = e.Dims[i]
			}
			e.Dims = full
			all = append(all, e)
		}
		err := s.Until(func() (bool, error) {
			have, err := s.dimensionsOf()
			return slices.Equal(have, want), err
		})
		if err != nil {
			have, _ := s.dimensionsOf()
			t.Fatalf("round %d: dimensions %v, want %v: %v\n%s", round, have, want, err, s.Stderr())
		}
		w := simtest.World{Config: recorded, Now: now.UnixMilli(), Start: config.StartOf(now.UnixMilli(), -6), Values: []string{"A", "B", "C", ""}}
		for _, e := range all {
			var dims [][]byte
			for _, name := range want {
				dims = append(dims, e.Dims[slices.Index(names, name)])
			}
			e.Dims = dims
			w.Events = append(w.Events, e)
		}
		compareServer(t, s, d, &w)
		s.Stop(t)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	staysAsItIs(t, bin, dir)
}

// staysAsItIs: restarted with the configuration of before the last rebuild, the server keeps to the active build and makes no other.
func staysAsItIs(t *testing.T, bin, dir string) {
	t.Helper()
	for range 2 {
		s := Start(t, bin, nil, "--data", dir, "--dimensions", "")
		b, err := s.builds()
		if err != nil || b.Rebuild != nil {
			t.Errorf("%v: %+v", err, b.Rebuild)
		}
		if have, err := s.dimensionsOf(); err != nil || !slices.Equal(have, []string{"b", "a"}) {
			t.Errorf("%v, %v", have, err)
		}
		reply, err := s.Get("/api/v1/dimensions", url.Values{})
		if err != nil || !json.Valid(reply.Body) || !strings.Contains(string(reply.Body), `"b"`) {
			t.Errorf("%v: %s", err, reply.Body)
		}
		s.Stop(t)
	}
}
