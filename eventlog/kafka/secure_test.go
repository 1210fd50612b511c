//go:build unix

package kafka_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/eventlog/kafka"
	"rollcall/eventlog/kafka/kafkatest"
)

// TestSecureBrokers: TLS with every way to log in; who may not come in is told at once what to do, without the password.
func TestSecureBrokers(t *testing.T) {
	s := kafkatest.Start(t, kafkatest.Options{TLS: true, SASL: true})
	cfg := config(s, "t", 1)
	for i, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		cfg.SASL = kafka.SASL{Mechanism: mechanism, User: kafkatest.User, Password: kafkatest.Password}
		l := open(t, cfg)
		must(t, put(l, 0, "%s", mechanism))
		all, _ := readTo(t, l, 0, 0, 1)
		if _, next, err := l.Bounds(t.Context(), 0); err != nil || int(next) != i+1 || all[0] != "PLAIN" {
			t.Errorf("%s: the log ends at %d: %v", mechanism, next, err)
		}
	}
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256"} {
		cfg.SASL = kafka.SASL{Mechanism: mechanism, User: kafkatest.User, Password: "wrong-password"}
		begun := time.Now()
		_, err := kafka.Open(t.Context(), cfg, kafka.Deps{})
		if err == nil || !strings.Contains(err.Error(), "check the user and the password") || strings.Contains(err.Error(), "wrong-password") {
			t.Errorf("%s: %v", mechanism, err)
		}
		if time.Since(begun) > 5*time.Second {
			t.Errorf("%s: refused after %s", mechanism, time.Since(begun))
		}
	}
	cfg.SASL.Mechanism = "GSSAPI"
	if _, err := kafka.Open(t.Context(), cfg, kafka.Deps{}); err == nil || !strings.Contains(err.Error(), "want PLAIN") {
		t.Errorf("got %v", err)
	}
	cfg.AppendTimeout = 2 * time.Second
	cfg.TLS, cfg.SASL = nil, kafka.SASL{}
	if _, err := kafka.Open(t.Context(), cfg, kafka.Deps{}); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("without TLS: %v", err)
	}
}
