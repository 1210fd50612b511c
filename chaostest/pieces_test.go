//go:build unix

package chaostest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/store/mysql/mysqltest"
)

// echo replies what it is sent.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// ask sends bytes through a link and reads them back.
func ask(l *Link, n int, patience time.Duration) error {
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	sent, got := bytes.Repeat([]byte("x"), n), make([]byte, n)
	if _, err := c.Write(sent); err != nil {
		return err
	}
	_, err = io.ReadFull(c, got)
	return err
}

// Each toxic does to a connection what its name says, and is gone after Heal.
func TestToxics(t *testing.T) {
	l := NewLinks().New(t, "link")
	if err := l.To(echo(t)); err != nil {
		t.Fatal(err)
	}
	for _, toxic := range toxics(rand.New(rand.NewSource(*seed))) {
		if err := ask(l, 30_000, 10*time.Second); err != nil {
			t.Fatalf("before %v: %v", toxic, err)
		}
		if err := l.Disturb(toxic); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		err := ask(l, 30_000, 500*time.Millisecond)
		switch took := time.Since(begin); toxic.Kind {
		case "latency":
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) || took < 40*time.Millisecond {
				t.Errorf("latency: %v in %v", err, took)
			}
		case "slow_close":
			if err != nil {
				t.Errorf("slow_close: %v", err)
			}
		default:
			if err == nil {
				t.Errorf("%v: got through in %v", toxic, took)
			}
		}
		if err := l.Heal(); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask(l, 30_000, 10*time.Second); err != nil {
		t.Errorf("healed: %v", err)
	}
}

// A table counts an event under every fault in force when it was first sent, and says which way a count is off.
func TestLedgerLaysAtTheDoor(t *testing.T) {
	l := NewLedger()
	endA := l.Begin("a")
	a := l.Phase()
	endB := l.Begin("b")
	both := l.Phase()
	l.Unknown(3)
	endA()
	b := l.Phase()
	endB()
	endB()
	calm := l.Phase()
	want := map[[2]string]int{{a, "x"}: 10, {both, "x"}: 10, {b, "x"}: 10, {calm, "x"}: 10}
	got := map[[2]string]int{{a, "x"}: 9, {both, "x"}: 12, {both, "y"}: 1, {b, "x"}: 10, {calm, "x"}: 10}
	table := l.Table(want, got)
	expect := []Line{{"a", 1, 20, 3, 1, 3}, {"b", 1, 20, 3, 0, 3}}
	if !slices.Equal(table, expect) {
		t.Errorf("%+v, want %+v", table, expect)
	}
	if text := Markdown(table); !strings.Contains(text, "| a | 1 | 20 | 3 | 1 | 3 |\n") {
		t.Error(text)
	}
}

// The same seed deals the same faults.
func TestOrderOfFaultsFollowsFromTheSeed(t *testing.T) {
	deal := func(seed int64) (dealt []string) {
		links := map[string][]*Link{"kafka": {{Name: "a"}, {Name: "b"}}, "redis": {{Name: "c"}}}
		lane := Lane{Name: "n", Seed: seed, Deck: func(d *rand.Rand) []Fault {
			deck := NetworkDeck(links, time.Second, 2*time.Second)(d)
			for i := range deck {
				text := deck[i].Name + deck[i].Detail
				deck[i].Strike = func(context.Context) error {
					dealt = append(dealt, text)
					return nil
				}
			}
			return deck
		}}
		enough := make(chan struct{})
		close(enough)
		lane.Run(t.Context(), NewLedger(), enough, t)
		return dealt
	}
	if !slices.Equal(deal(3), deal(3)) || slices.Equal(deal(3), deal(4)) || len(deal(3)) != 14 {
		t.Error("the order of faults does not follow from the seed")
	}
}

// The whole harness around one process over its own disk: killed, frozen, replaced, behind a network that fails.
func TestHarnessAroundOneProcess(t *testing.T) {
	t.Parallel()
	ledger, now := NewLedger(), time.Now().UTC()
	w, _ := worldOf(nil, now)
	s := NewSeat(t, "all-0", t.TempDir(), binary(t), append(flags(&w.Config), "--data", filepath.Join(t.TempDir(), "data"), "--commit-interval", "20ms")...)
	s.Up()
	link := NewLinks().New(t, "client")
	if err := link.To(s.Addr); err != nil {
		t.Fatal(err)
	}
	faults := Lane{Name: "all", Seed: *seed, Pause: 50 * time.Millisecond, Deck: func(d *rand.Rand) []Fault {
		deck := []Fault{kill(s, upTo(d, 50*time.Millisecond)), freeze(s, upTo(d, 500*time.Millisecond)), roll("all", []*Seat{s}), scale([]*Seat{s}, 1, time.Millisecond)}
		return append(deck, NetworkDeck(map[string][]*Link{"intake": {link}}, 100*time.Millisecond, 500*time.Millisecond)(d)...)
	}}
	sending, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	p := &Producer{Traffic: NewTraffic("p", *seed, now), Ledger: ledger, Config: countedConfig(&w.Config), Intakes: []string{link.Addr},
		Pause: time.Millisecond, Most: 20, Timeout: 300 * time.Millisecond, Patience: time.Minute}
	go func() { done <- p.Run(sending) }()
	enough := make(chan struct{})
	close(enough)
	faults.Run(t.Context(), ledger, enough, t)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	seen, o := worldOf(ledger.Events(), now)
	judge(t, ledger, &seen, o, []*Seat{s})
}

// A process that is told to end while it waits for its servers does so, and with status 0.
func TestTermBeforeItServes(t *testing.T) {
	t.Parallel()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	s := NewSeat(t, "aggregate-0", t.TempDir(), binary(t), "--roles", "aggregate", "--data", t.TempDir(), "--log-kind", "kafka", "--log-brokers", mute.Addr().String(),
		"--store-kind", "mysql", "--store-dsn", mysqltest.DSN(mute.Addr().String(), "none"))
	s.Up()
	asked, err := mute.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	if err := s.Term(Grace); err != nil {
		t.Error(err)
	}
}
