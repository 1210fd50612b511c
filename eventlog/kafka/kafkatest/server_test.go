//go:build unix

package kafkatest_test

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall/eventlog/kafka/kafkatest"
)

// TestServer: with TLS and a login, a client learns the address of the listener by which it came, and a record is there after
// a kill, a stop and a freeze.
func TestServer(t *testing.T) {
	begun, proxy := time.Now(), kafkatest.FreeAddr(t)
	s := kafkatest.Start(t, kafkatest.Options{TLS: true, SASL: true, Advertised: map[string]string{"A": proxy}})
	t.Logf("started in %s", time.Since(begun))
	for seed, want := range map[string]string{s.Addr("A"): proxy, s.Brokers()[0]: s.Addr(kafkatest.Client)} {
		if got := advertised(t, s, seed); got != want {
			t.Errorf("by %s: %s is advertised, want %s", seed, got, want)
		}
	}
	c := s.Dial(kgo.DefaultProduceTopic("t"))
	ctx, cancel := context.WithTimeout(t.Context(), kafkatest.Patience)
	defer cancel()
	if _, err := kadm.NewClient(c).CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for i, again := range []func(){func() {}, func() { s.Kill(); s.Restart() }, func() { s.Stop(); s.Restart() }, func() { s.Freeze(); s.Thaw() }} {
		begun := time.Now()
		again()
		t.Logf("again in %s", time.Since(begun))
		r, err := c.ProduceSync(ctx, kgo.StringRecord("x")).First()
		if err != nil || r.Offset != int64(i) {
			t.Fatalf("produced at %d, want %d: %v", r.Offset, i, err)
		}
		t.Logf("and produced in %s", time.Since(begun))
	}
}

func advertised(t *testing.T, s *kafkatest.Server, seed string) string {
	c, err := kgo.NewClient(append(s.Opts(), kgo.SeedBrokers(seed))...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	brokers, err := kadm.NewClient(c).ListBrokers(t.Context())
	if err != nil || len(brokers) != 1 {
		t.Fatalf("%v: %v", brokers, err)
	}
	return net.JoinHostPort(brokers[0].Host, strconv.Itoa(int(brokers[0].Port)))
}
