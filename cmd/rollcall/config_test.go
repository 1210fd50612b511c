package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func writeTemp(t *testing.T, name, content string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// invoke runs one command in this process.
func invoke(t *testing.T, environ []string, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = run(&world{ctx: t.Context(), in: strings.NewReader(""), out: &o, err: &e, environ: environ, logger: quiet()}, args)
	return status, o.String(), e.String()
}

// The file is overruled by the environment, and that by flags; fields of all of them add up.
func TestLayers(t *testing.T) {
	file := writeTemp(t, "c.yaml", "session_gap: 10m\ntimezone: Asia/Seoul\nlisten: :1\nfields: {time: ts, user_id: uuid}\nlog: {shards: 8}\ndimensions: [a, b]\n")
	s := newSettings()
	s.ConfigFile = file
	s.add("listen", ":3")
	s.add("fields", "user_id=visitorid")
	c, err := s.config([]string{"ROLLCALL_SESSION_GAP=45m", "ROLLCALL_LISTEN=:2", "ROLLCALL_LOG_SHARDS=16", "ROLLCALL_DATA=" + t.TempDir(), "ROLLCALL_PORT=tcp://elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	if c.SessionGap != 45*time.Minute || c.Timezone != "Asia/Seoul" || c.Listen != ":3" || c.LogShards != 16 ||
		!reflect.DeepEqual(c.Fields, map[string]string{"time": "ts", "user_id": "visitorid"}) || !reflect.DeepEqual(c.Dimensions, []string{"a", "b"}) {
		t.Fatalf("%+v", c)
	}
}

// Every key can be set in all three ways, and comes back from `config print` as it was.
func TestEveryKeyInEveryWay(t *testing.T) {
	examples := map[string]string{"data": t.TempDir(), "api_keys": "secret-one,secret-two", "fields": "time=ts", "dimensions": "a,b", "log.max_bytes": "1GiB",
		"late_horizon": "3d", "log.max_age": "9d", "rate_limit": "77", "timezone": "Asia/Seoul", "cache.tls_ca": writeCA(t), "log.tls_ca": writeCA(t),
		"store.tls_ca": writeCA(t), "source.tls_ca": writeCA(t)}
	others := map[string][]string{"archive.secret_key": {"ROLLCALL_ARCHIVE_ACCESS_KEY=k"}, "source.kind": {"ROLLCALL_SOURCE_TOPIC=events"}, // what a key asks for besides
		"roles": {"ROLLCALL_LOG_KIND=kafka", "ROLLCALL_STORE_KIND=mysql", "ROLLCALL_STORE_DSN=mysql://h/d"}}
	c := defaults()
	for i, s := range settings(&c) {
		example := s.example
		if e, ok := examples[s.key]; ok {
			example = e
		}
		var results []any
		for _, way := range []string{"file", "env", "flag"} {
			set, environ := newSettings(), others[s.key]
			switch way {
			case "file":
				body, err := yaml.Marshal(nested(s.key, example))
				if err != nil {
					t.Fatal(err)
				}
				set.ConfigFile = writeTemp(t, "c.yaml", string(body))
			case "env":
				environ = append(environ, envName(s.key)+"="+example)
			case "flag":
				set.add(s.key, example)
			}
			got, problems := set.load(environ)
			if len(problems) > 0 {
				t.Errorf("%s by %s: %v", s.key, way, problems)
			}
			results = append(results, settings(&got)[i].value.plain())
		}
		if !reflect.DeepEqual(results[0], results[1]) || !reflect.DeepEqual(results[1], results[2]) {
			t.Errorf("%s: %v", s.key, results)
		}
	}
}

func nested(key, value string) map[string]any {
	first, rest, ok := strings.Cut(key, ".")
	if !ok {
		return map[string]any{key: value}
	}
	return map[string]any{first: nested(rest, value)}
}

func TestPrintedConfigurationReadsBack(t *testing.T) {
	dir := t.TempDir()
	status, out, errs := invoke(t, []string{"ROLLCALL_API_KEYS=hush-hush-hush"}, "config", "print", "--data", dir, "--dimensions", "a,b", "--late-horizon", "1d12h", "--passive-types", "heartbeat")
	if status != done || strings.Contains(out, "hush") || !strings.Contains(out, "(hidden)") {
		t.Fatalf("%d %s %s", status, out, errs)
	}
	again, out2, errs := invoke(t, nil, "config", "print", "--config", writeTemp(t, "c.yaml", out))
	if again != done || out2 != out {
		t.Fatalf("%d %s\n%s\n%s", again, errs, out, out2)
	}
}

func TestEachProblemIsNamed(t *testing.T) {
	file := writeTemp(t, "c.yaml", `
session_gab: 30m
timezone: Mars/Olympus
log:
  shards: many
  kind: pulsar
dimensions: [campaign, campaign, from, "bad name"]
fields: {usr_id: x}
retention: {minute: 5m}
commit_interval: soon
`)
	status, out, _ := invoke(t, nil, "config", "check", "--config", file, "--data", t.TempDir())
	for _, want := range []string{
		"c.yaml:2: session_gab: unknown key; did you mean session_gap?", "timezone: \"Mars/Olympus\"", "c.yaml:5: log.shards: many: want a whole number",
		"log.kind: \"pulsar\"", "\"campaign\" is there twice", "\"from\" has a meaning of its own", "\"bad name\" is no name",
		"did you mean user_id?", "retention.minute: 5m is too short", "c.yaml:10: commit_interval: \"soon\": want a duration",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if status != wrongUse {
		t.Errorf("status %d", status)
	}
	if status, out, _ := invoke(t, nil, "config", "check", "--data", t.TempDir()); status != done || !strings.Contains(out, "good") {
		t.Errorf("%d %s", status, out)
	}
}

func TestTooManyDimensions(t *testing.T) {
	c := defaults()
	for i := range 17 {
		c.Dimensions = append(c.Dimensions, "d"+string(rune('a'+i)))
	}
	if p := check(&c); len(p) != 1 || !strings.Contains(p[0].text, "at most 16") {
		t.Fatal(p)
	}
}

// What is printed as a duration or size is read as the same one.
func TestDurationsAndSizes(t *testing.T) {
	for text, want := range map[string]time.Duration{"30m": 30 * time.Minute, "7d": 7 * day, "1h30m": 90 * time.Minute, "2w": 14 * day, "0": 0, "": 0,
		"500ms": 500 * time.Millisecond, "1.5h": 90 * time.Minute, "1d12h": 36 * time.Hour} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"30", "-5m", "5 m", "h", "1y", "m30", "1e9h", "99999w"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "ms")) * time.Millisecond
		if got, err := parseDuration(formatDuration(d)); d < 190*365*day && (err != nil || got != d) {
			t.Fatalf("%v: %s: %v %v", d, formatDuration(d), got, err)
		}
		s := size(rapid.Int64Range(0, 1<<50).Draw(t, "bytes"))
		var back size
		if err := back.set(s.plain()); err != nil || back != s {
			t.Fatalf("%d: %v: %d %v", s, s.plain(), back, err)
		}
	})
}

func TestNearest(t *testing.T) {
	for s, want := range map[string]string{"sesion_gap": "session_gap", "shards": "log.shards", "DATA": "data", "time_zone": "timezone"} {
		c := defaults()
		names := []string{}
		for _, s := range settings(&c) {
			names = append(names, s.key)
		}
		if got := nearest(s, names); got != want {
			t.Errorf("%s: %s, want %s", s, got, want)
		}
	}
}

// A minute counts in its hour: without hour cells there would be minutes whose hour is missing.
func TestMinutesAreKeptNoLongerThanHours(t *testing.T) {
	status, out, _ := invoke(t, nil, "config", "check", "--data", t.TempDir(), "--retention-minute", "3d", "--retention-hour", "2d")
	if want := "retention.minute: 3d is longer than retention.hour"; status != wrongUse || !strings.Contains(out, want) {
		t.Errorf("status %d, no %q in\n%s", status, want, out)
	}
}
