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

// TestKeepsWhatItAcknowledged: a record is there after a kill, a stop and a freeze, with TLS and a login.
func TestKeepsWhatItAcknowledged(t *testing.T) {
	begun := time.Now()
	s := kafkatest.Start(t, kafkatest.Options{TLS: true, SASL: true})
	t.Logf("started in %s", time.Since(begun))
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

// TestAdvertised: a client learns the address of the listener by which it came.
func TestAdvertised(t *testing.T) {
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close() //nolint:errcheck // nothing was sent
	s := kafkatest.Start(t, kafkatest.Options{Advertised: map[string]string{"A": proxy.Addr().String()}})
	for seed, want := range map[string]string{s.Addr("A"): proxy.Addr().String(), s.Brokers()[0]: s.Addr(kafkatest.Client)} {
		c, err := kgo.NewClient(kgo.SeedBrokers(seed))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		brokers, err := kadm.NewClient(c).ListBrokers(t.Context())
		if err != nil || len(brokers) != 1 {
			t.Fatalf("%v: %v", brokers, err)
		}
		if got := net.JoinHostPort(brokers[0].Host, strconv.Itoa(int(brokers[0].Port))); got != want {
			t.Errorf("by %s: %s is advertised, want %s", seed, got, want)
		}
	}
}
