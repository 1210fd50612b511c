package generate

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
)

func sample() Config {
	return Config{Seed: 7, Events: 20_000, Users: 3_000, Days: 9, Campaigns: 40,
		Until: time.Date(2026, 11, 3, 15, 4, 5, 0, time.UTC), Dimensions: Dimensions()}
}

func drain(t testing.TB, cfg Config) []byte {
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var ev rollcall.Event
	var out []byte
	j := NewJSON(cfg.Dimensions)
	for s.Next(&ev) {
		out = j.Append(out, &ev)
	}
	return out
}

func TestSameSeedSameBytes(t *testing.T) {
	cfg := sample()
	cfg.Late, cfg.Duplicates = 0.02, 0.02
	if !bytes.Equal(drain(t, cfg), drain(t, cfg)) {
		t.Fatal("two streams of one config differ")
	}
	other := cfg
	other.Seed++
	if bytes.Equal(drain(t, cfg), drain(t, other)) {
		t.Fatal("another seed gave the same stream")
	}
}

// The count is exact, ids are unique, times lie in the history and do not fall, whatever the configuration.
func TestStreamKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Seed: rapid.Uint64().Draw(t, "seed"), Events: rapid.Int64Range(0, 3000).Draw(t, "events"),
			Users: rapid.IntRange(1, 2000).Draw(t, "users"), Days: rapid.IntRange(1, 40).Draw(t, "days"),
			Campaigns:  rapid.IntRange(1, 300).Draw(t, "campaigns"),
			Until:      time.UnixMilli(rapid.Int64Range(-1e12, 4e12).Draw(t, "until")),
			Dimensions: []string{"device", "unheard_of", "campaign_id"},
		}
		unordered := rapid.Bool().Draw(t, "unordered")
		if unordered {
			cfg.Late, cfg.Duplicates = 0.1, 0.1
		}
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var ev rollcall.Event
		seen, last := map[string]int64{}, int64(math.MinInt64)
		for s.Next(&ev) {
			if at, again := seen[string(ev.ID)]; again && (!unordered || at != ev.Time) {
				t.Fatalf("id %s twice", ev.ID)
			}
			seen[string(ev.ID)] = ev.Time
			if ev.Time < cfg.Until.UnixMilli()-int64(cfg.Days)*dayMS || ev.Time >= cfg.Until.UnixMilli() {
				t.Fatalf("time %d outside of the history", ev.Time)
			}
			if !unordered && ev.Time < last {
				t.Fatal("time falls")
			}
			if len(ev.Dims) != 3 || len(ev.Dims[1]) != 0 || len(ev.Dims[0]) == 0 || len(ev.Dims[2]) == 0 {
				t.Fatalf("dims %q", ev.Dims)
			}
			last = ev.Time
		}
		if int64(len(seen)) != cfg.Events {
			t.Fatalf("%d events, want %d", len(seen), cfg.Events)
		}
	})
}

// The model's figures: about 5 events per active user and day, a third of the sessions single, a heavy first campaign.
func TestStreamIsRealistic(t *testing.T) {
	cfg := sample()
	cfg.Events, cfg.Users, cfg.Days = 200_000, 200_000, 10
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var ev rollcall.Event
	type userDay struct {
		user string
		day  int64
	}
	active, last, ages := map[userDay]int{}, map[string]int64{}, map[string]string{}
	sessions, first := 0, 0
	for s.Next(&ev) {
		user := string(ev.User)
		active[userDay{user, (ev.Time - s.dayStart(0)) / dayMS}]++
		if at, ok := last[user]; !ok || ev.Time-at > 30*minuteMS {
			sessions++
		}
		last[user] = ev.Time
		if age, ok := ages[user]; ok && age != string(ev.Dims[1]) {
			t.Fatalf("age group of %s changed", user)
		}
		ages[user] = string(ev.Dims[1])
		if string(ev.Dims[0]) == "c001" {
			first++
		}
	}
	perDay := float64(cfg.Events) / float64(len(active))
	perSession := float64(cfg.Events) / float64(sessions)
	share := float64(first) / float64(cfg.Events)
	if perDay < 4 || perDay > 6.5 || perSession < 2.8 || perSession > 4 || share < 0.15 || share > 0.35 {
		t.Fatalf("%.2f events a user and day, %.2f a session, first campaign %.2f", perDay, perSession, share)
	}
}

func TestJSONIsJSON(t *testing.T) {
	lines := bytes.Split(bytes.TrimSpace(drain(t, sample())), []byte("\n"))
	if len(lines) != 20_000 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		var v struct {
			EventID string    `json:"event_id"`
			UserID  string    `json:"user_id"`
			Time    time.Time `json:"time"`
			Type    string    `json:"type"`
			Device  string    `json:"device"`
		}
		if err := json.Unmarshal(line, &v); err != nil || len(v.EventID) != 16 || v.UserID == "" || v.Device == "" || v.Time.IsZero() {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

func TestJSONTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := NewJSON(nil)
		for range 3 {
			ms := rapid.Int64Range(-2e12, 1e13).Draw(t, "ms")
			want := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
			if got := string(j.time(nil, ms)); got != want {
				t.Fatalf("%d: %s, want %s", ms, got, want)
			}
		}
	})
}

func TestLive(t *testing.T) {
	cfg := sample()
	cfg.Duplicates = 0.1
	l, err := NewLive(cfg, 50)
	if err != nil {
		t.Fatal(err)
	}
	var ev rollcall.Event
	ids, users := map[string]bool{}, map[string]bool{}
	for i := range int64(5000) {
		l.Next(1_000_000+i, &ev)
		ids[string(ev.ID)], users[string(ev.User)] = true, true
	}
	if len(ids) < 4200 || len(ids) > 4800 || len(users) < 500 {
		t.Fatalf("%d ids, %d users", len(ids), len(users))
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"users": func(c *Config) { c.Users = 0 }, "days": func(c *Config) { c.Days = 0 },
		"events": func(c *Config) { c.Events = -1 }, "campaigns": func(c *Config) { c.Campaigns = 0 },
		"late": func(c *Config) { c.Late = math.NaN() }, "duplicates": func(c *Config) { c.Duplicates = 2 },
	} {
		cfg := sample()
		spoil(&cfg)
		if _, err := New(cfg); err == nil || !bytes.HasPrefix([]byte(err.Error()), []byte(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkStreamJSON(b *testing.B) {
	cfg := sample()
	cfg.Events, cfg.Users, cfg.Days, cfg.Campaigns = int64(b.N), 2_000_000, 90, 200
	cfg.Dimensions = cfg.Dimensions[:2]
	s, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var ev rollcall.Event
	j, out := NewJSON(cfg.Dimensions), make([]byte, 0, 1024)
	for s.Next(&ev) {
		out = j.Append(out[:0], &ev)
	}
	b.SetBytes(int64(len(out)))
}

// Benchmarks and tests elsewhere rest on the bytes of a seed: a change of them needs a reason.
func TestBytesOfASeedStay(t *testing.T) {
	for _, c := range []struct {
		unordered float64
		want      string
	}{{0, "bd7297d8567bd7f6b2802110f2029fe5b306f99d96f8f6aaa2fd4afd0240341b"}, {0.1, "6f7e90e1059db783c2e2dd6ff066e666a4a5e39b51ce19049a626f1e10ae1f2b"}} {
		cfg := sample()
		cfg.Late, cfg.Duplicates = c.unordered, c.unordered
		if got := fmt.Sprintf("%x", sha256.Sum256(drain(t, cfg))); got != c.want {
			t.Errorf("late and duplicates %g: %s, want %s", c.unordered, got, c.want)
		}
	}
}
