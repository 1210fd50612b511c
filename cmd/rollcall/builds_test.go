package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall/api"
	"rollcall/query"
	"rollcall/store"
)

// changed is the default configuration with some lasting settings.
func changed(t testing.TB, settings map[string]string) *Config {
	t.Helper()
	c := defaults()
	if shards := settings[keyShards]; shards != "" {
		if _, err := fmt.Sscan(shards, &c.LogShards); err != nil {
			t.Fatal(err)
		}
	}
	w, err := wanted(&c, settings)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func built(t testing.TB, number uint32, state store.BuildState, settings map[string]string) store.Build {
	b := buildOf(changed(t, settings))
	b.Number, b.State = number, state
	return b
}

// A configuration that is older than a rebuild goes over to the build that is active, with a note; other dimensions are recorded until
// they are in the figures; what else differs is refused, with what to do.
func TestReconcile(t *testing.T) {
	hour, half := map[string]string{"session_gap": "1h"}, map[string]string{"session_gap": "30m"}
	for name, c := range map[string]struct {
		configured map[string]string
		builds     []store.Build
		gap        string
		recorded   []string
		note       string
		problem    string
	}{
		"as configured":      {half, []store.Build{built(t, 1, store.Active, half)}, "30m0s", nil, "", ""},
		"stale":              {half, []store.Build{built(t, 1, store.Kept, half), built(t, 2, store.Active, hour)}, "1h0m0s", nil, "bring the configuration up to date", ""},
		"never was":          {map[string]string{"session_gap": "2h"}, []store.Build{built(t, 1, store.Kept, half), built(t, 2, store.Active, hour)}, "2h0m0s", nil, "", "rollcall rebuild --session-gap 2h"},
		"half made":          {hour, []store.Build{built(t, 1, store.Active, half), built(t, 2, store.Building, hour)}, "1h0m0s", nil, "", "rollcall rebuild --session-gap 1h"},
		"shards":             {map[string]string{"log.shards": "7"}, []store.Build{built(t, 1, store.Active, half)}, "30m0s", nil, "", "import into a new one"},
		"dimensions":         {map[string]string{"dimensions": "b,a"}, []store.Build{built(t, 1, store.Active, map[string]string{"dimensions": "a"})}, "30m0s", []string{"b", "a"}, "recorded from now on", ""},
		"no dimensions":      {nil, []store.Build{built(t, 1, store.Active, map[string]string{"dimensions": "a"})}, "30m0s", []string{}, "recorded from now on", ""},
		"dimensions and gap": {map[string]string{"dimensions": "b", "session_gap": "1h"}, []store.Build{built(t, 1, store.Active, nil)}, "1h0m0s", nil, "", "rollcall rebuild --dimensions b"},
		"no build":           {hour, nil, "1h0m0s", nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := changed(t, c.configured)
			problems := reconcile(cfg, c.builds, "DIR")
			texts := ""
			for _, p := range problems {
				texts += p.String() + "\n"
			}
			if (len(problems) > 0) != (c.problem != "") || !strings.Contains(texts, c.problem) {
				t.Errorf("problems %q, want %q", texts, c.problem)
			}
			if notes := strings.Join(cfg.notes, "\n"); (notes != "") != (c.note != "") || !strings.Contains(notes, c.note) {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
			if cfg.SessionGap.String() != c.gap || !slices.Equal(cfg.Recorded, c.recorded) || (cfg.Recorded == nil) != (c.recorded == nil) {
				t.Errorf("the gap is %v, recorded is %v; want %s, %v", cfg.SessionGap, cfg.Recorded, c.gap, c.recorded)
			}
			if active, ok := store.ActiveBuild(c.builds); ok && len(problems) == 0 && len(differing(cfg, &active)) > 0 {
				t.Errorf("the configuration is not that of the active build in %v", differing(cfg, &active))
			}
		})
	}
}

// What a build tells of itself is what it was made of, in every setting.
func TestBuildTellsItsSettings(t *testing.T) {
	c := changed(t, map[string]string{"session_gap": "45m", "timezone": "Asia/Seoul", "passive_types": "heartbeat,ping", "dimensions": "x,y"})
	b, other := buildOf(c), defaults()
	if err := adopt(&other, &b); err != nil || len(differing(&other, &b)) > 0 || other.SessionGap != c.SessionGap || !slices.Equal(other.PassiveTypes, c.PassiveTypes) || other.Timezone != c.Timezone {
		t.Errorf("%v: %+v", err, b)
	}
}

// Settings that no build can have are refused with those that it has.
func TestWantedIsChecked(t *testing.T) {
	for text, valid := range map[string]bool{
		`{"gap":"1h"}`: true, `{"session_gap":"soon"}`: false, `{"session_gap":"-1h"}`: false, `{"timezone":"Nowhere"}`: false,
		`{"dimensions":"a,a"}`: false, `{"listen":":80"}`: true,
	} {
		var changes map[string]string
		if err := json.Unmarshal([]byte(text), &changes); err != nil {
			t.Fatal(err)
		}
		c := defaults()
		_, err := wanted(&c, changes)
		var bad *query.BadRequest
		if !errors.As(err, &bad) || valid != slices.Contains(bad.Valid, "session_gap") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// No request for a rebuild does harm: it is refused, or asks for a configuration that can be checked, told and adopted.
func FuzzRebuildRequest(f *testing.F) {
	for _, seed := range []string{`{}`, `{"settings":{"session_gap":"1h"},"rate":5,"keep":0,"proof":"all"}`, `{"settings":{"dimensions":"a,b","timezone":"UTC"}}`,
		`{"rollback":true,"keep":-1}`, `{"since":"2026-11-01","settings":{"session_gap":"1h"}}`, `{"settings":{"passive_types":"[a b]"}}`, `{"settings":{"":""}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var o api.RebuildRequest
		if json.Unmarshal(body, &o) != nil || checkRemake(&o) != nil {
			return
		}
		if kept(&o) < 0 || o.Rate < 0 {
			t.Fatalf("%+v", o)
		}
		base := defaults()
		c, err := wanted(&base, o.Settings)
		if err != nil {
			return
		}
		b, again := buildOf(c), defaults()
		if err := adopt(&again, &b); err != nil || len(differing(&again, &b)) > 0 || len(differing(c, &b)) > 0 {
			t.Fatalf("%v: %+v of %s", err, b, body)
		}
	})
}
