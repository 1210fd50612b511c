package main

import (
	"strings"
	"testing"
)

// The log of another Rollcall is a topic, another one than the log's own, and is always written anew.
func TestFormatOfAnotherLog(t *testing.T) {
	good := []string{"--source-kind", "kafka", "--source-format", "rollcall", "--source-topic", "old", "--log-kind", "kafka", "--log-topic", "new", "--store-kind", "mysql", "--store-dsn", "mysql://u@h:3306/d"}
	for want, more := range map[string][]string{
		"":                             nil,
		"is that of a log on Kafka":    {"--source-kind", "redis_stream", "--source-stream", "s", "--log-kind", "redis"},
		"source.rekey":                 {"--source-rekey", "never"},
		"is the log itself":            {"--source-topic", "new"},
		"avro or protobuf or rollcall": {"--source-format", "xml"},
	} {
		status, out, errs := invoke(t, nil, append(append([]string{"config", "check", "--data", t.TempDir()}, good...), more...)...)
		if (status == done) != (want == "") || !strings.Contains(out+errs, want) {
			t.Errorf("%v: %d %s %s", more, status, out, errs)
		}
	}
}
