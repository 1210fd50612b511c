package main

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"rollcall"
)

// reserved are the names that mean something else in a query or its reply.
func reserved() []string {
	return []string{
		"bucket", "from", "to", "grain", "metrics", "group_by", "order", "limit", "fill", "compare", "everything_else", "format", "filter", "search",
		"active_users", "wau", "mau", "new_users", "sessions", "events", "bounces", "bounce_rate", "avg_session_duration",
		"total_session_duration", "events_per_session", "dau", "event_date", "value", "weight",
		"user_id", "time", "event_id", "session_id", "session_duration", "is_bounce", "is_new_user",
	}
}

// canonical are the names of an event's own fields.
func canonical() []string {
	return []string{"user_id", "time", "event_id", "session_id", "type", "session_duration", "is_bounce", "is_new_user", "event_date"}
}

var dimensionForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// check names everything that is wrong with the values of c.
func check(c *Config) (problems []problem) {
	bad := func(key, format string, args ...any) {
		problems = append(problems, problem{"", key, fmt.Sprintf(format, args...)})
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil || c.Timezone == "" || c.Timezone == "Local" {
		bad("timezone", "%q is no time zone; give an IANA name such as UTC or Asia/Seoul", c.Timezone)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("listen", "%q is no address; give host:port or :port", c.Listen)
	}
	if c.Data == "" {
		bad("data", "is empty; give a directory")
	}
	checkDimensions(c, bad)
	checkPassive(c, bad)
	checkFields(c, bad)
	checkLimits(c, bad)
	checkCache(c, bad)
	checkServers(c, bad)
	checkSource(c, bad)
	checkArchive(c, bad)
	sort.SliceStable(problems, func(i, j int) bool { return problems[i].key < problems[j].key })
	return problems
}

func checkDimensions(c *Config, bad func(string, string, ...any)) {
	if n := len(c.Dimensions); n > rollcall.MaxDimensions {
		bad("dimensions", "%d of them; give at most %d", n, rollcall.MaxDimensions)
	}
	for i, d := range c.Dimensions {
		switch {
		case slices.Contains(c.Dimensions[:i], d):
			bad("dimensions", "%q is there twice; leave one out", d)
		case slices.Contains(reserved(), d):
			bad("dimensions", "%q has a meaning of its own in queries; name the dimension otherwise and map it: fields: {other_name: %s}", d, d)
		case !dimensionForm.MatchString(d):
			bad("dimensions", "%q is no name; use letters, digits, _ and -, at most 64, beginning with a letter; map other names with fields", d)
		}
	}
}

// checkPassive refuses types that a build could not tell, which keeps them as one text.
func checkPassive(c *Config, bad func(string, string, ...any)) {
	var again []string
	if err := (*list)(&again).set(unbracketed(asText(c.PassiveTypes))); err != nil || !slices.Equal(again, c.PassiveTypes) {
		bad("passive_types", "%q: a type can have no comma, no space around it and no brackets around it", c.PassiveTypes)
	}
}

func checkFields(c *Config, bad func(string, string, ...any)) {
	names := append(canonical(), c.Dimensions...)
	for _, name := range sortedKeys(c.Fields) {
		if !slices.Contains(names, name) {
			bad("fields", "%q is neither a field of an event nor a dimension; did you mean %s?", name, nearest(name, names))
		}
		if c.Fields[name] == "" {
			bad("fields", "%s: the name of its input field is empty", name)
		}
	}
}

// limits gives checks of numbers and durations.
func limits(bad func(string, string, ...any)) (within func(key string, v, least, most int64, unit string), atLeast func(key string, v, least time.Duration)) {
	within = func(key string, v, least, most int64, unit string) {
		if v < least || v > most {
			bad(key, "%d is out of range; give %d to %d %s", v, least, most, unit)
		}
	}
	atLeast = func(key string, v, least time.Duration) {
		if v < least {
			bad(key, "%s is too short; give %s or more", formatDuration(v), formatDuration(least))
		}
	}
	return within, atLeast
}

func checkLimits(c *Config, bad func(string, string, ...any)) {
	within, atLeast := limits(bad)
	atLeast("session_gap", c.SessionGap, time.Second)
	if c.SessionGap > day {
		bad("session_gap", "%s is too long; give 1d or less", formatDuration(c.SessionGap))
	}
	for name, was := range c.Renamed {
		if slices.Contains(c.Dimensions, was) || was == "" {
			bad("renamed", "%s=%s: want what the dimension was called before, and no dimension is called any more", name, was)
		}
	}
	atLeast("retention.minute", c.MinuteRetention, time.Hour)
	atLeast("retention.hour", c.HourRetention, day)
	if c.MinuteRetention > c.HourRetention {
		bad("retention.minute", "%s is longer than retention.hour, %s; give that or less", formatDuration(c.MinuteRetention), formatDuration(c.HourRetention))
	}
	if c.DayRetention != 0 && c.DayRetention < c.HourRetention {
		bad("retention.day", "%s is shorter than retention.hour, %s; give that or more, or 0 for ever", formatDuration(c.DayRetention), formatDuration(c.HourRetention))
	}
	atLeast("commit_interval", c.CommitInterval, time.Millisecond)
	if c.CommitInterval > time.Minute {
		bad("commit_interval", "%s is too long; give 1m or less", formatDuration(c.CommitInterval))
	}
	if c.LateHorizon != 0 {
		atLeast("late_horizon", c.LateHorizon, day)
	}
	if c.LogMaxAge != 0 {
		atLeast("log.max_age", c.LogMaxAge, time.Hour)
	}
	within("max_dimension_values", int64(c.MaxDimensionValues), 1, 1<<20, "values")
	within("state_memory", c.StateMemory, 64<<20, 1<<44, "bytes")
	within("log.shards", int64(c.LogShards), 1, 256, "shards")
	within("log.segment_bytes", c.LogSegmentBytes, 1<<20, 1<<36, "bytes")
	within("log.tail_bytes", c.LogTailBytes, 1<<20, 1<<36, "bytes")
	if c.LogMaxBytes != 0 {
		within("log.max_bytes", c.LogMaxBytes, c.LogSegmentBytes, 1<<50, "bytes (log.segment_bytes is the least), or 0")
	}
	within("max_body", c.MaxBody, 1<<10, 32<<20, "bytes")
	within("max_line", c.MaxLine, 1<<10, 16<<20, "bytes")
	within("verify.share", int64(c.Verify.Share), 1, 100, "percent of a core")
	atLeast("verify.interval", c.Verify.Interval, time.Second)
	if c.Quarantine.Letters != 0 {
		within("quarantine.max_letters", c.Quarantine.Letters, 1000, 1<<40, "entries, or 0")
	}
	if c.Quarantine.Age != 0 {
		atLeast("quarantine.max_age", c.Quarantine.Age, time.Hour)
	}
	within("rate_limit", int64(c.RateLimit), 0, 1<<31-1, "events a second")
	for _, k := range c.APIKeys {
		if len(k) < 8 {
			bad("api_keys", "one has %d characters; give at least 8", len(k))
		}
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// nearest gives the name with the fewest edits to s, as a whole or behind its group.
func nearest(s string, names []string) string {
	best, least := "", 1<<30
	for _, n := range names {
		_, last, _ := strings.Cut(n, ".")
		if d := min(edits(strings.ToLower(s), n), edits(strings.ToLower(s), last)+1); d < least {
			best, least = n, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
