//go:build unix

package chaostest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/simtest"
	"rollcall/store/mysql/mysqltest"
)

// How the test is driven. The long form is that of `make chaos`.
const (
	longVariable  = "ROLLCALL_CHAOS"       // its duration
	tableVariable = "ROLLCALL_CHAOS_TABLE" // file that the table is written into
	chaosSession  = 3 * time.Second        // short, so that a process need not be frozen for long
	chaosAway     = 1500 * time.Millisecond
	chaosStay     = 1200 * time.Millisecond
	producers     = 4
)

// duration is how long faults go on: as long as one deck of each lane takes, or longer.
func duration(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(longVariable)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", longVariable, err)
	}
	return d
}

// pace is how often a producer sends: less often when it does so for long, as the oracle has to count all of it.
func pace(t *testing.T) time.Duration {
	if duration(t) > 5*time.Minute {
		return 150 * time.Millisecond
	}
	return 50 * time.Millisecond
}

// Whatever fails, and however often, every figure is that of the events acknowledged; the old way's are not.
func TestChaos(t *testing.T) {
	now, ledger := time.Now().UTC(), NewLedger()
	w, _ := worldOf(nil, now)
	c := StartCluster(t, binary(t), Shape{Aggregators: 3, Spare: 1, Intakes: 2, Queries: 2, Shards: 6, SessionTimeout: chaosSession, Config: &w.Config,
		Args: []string{"--commit-interval", "100ms", "--store-statement-timeout", "5s"}})
	old := startOldWay(t, c)
	c.calm(t)
	sending, stop := context.WithCancel(t.Context())
	defer stop()
	send := c.send(sending, t, ledger, now, pace(t), old.feed.Give)
	t.Logf("seed %d", *seed)
	c.rage(t, ledger, old.seats)
	stop()
	send.Wait()
	c.calm(t)
	lost, doubled := old.isFoundOut(t, ledger)
	seen, o := worldOf(ledger.Events(), now)
	table := judge(t, ledger, &seen, o, c.Query)
	c.viewIsTheSame(t, &seen, o)
	c.health(t)
	report(t, fmt.Sprintf("%v, seed %d: %s. The old way lost %d events and doubled %d.\n\n%s", duration(t), *seed, ledger.Summary(), lost, doubled, Markdown(table)))
}

// send has producers send, each a body after each pause, until ctx ends; what is acknowledged is given away as well.
func (c *Cluster) send(ctx context.Context, t *testing.T, ledger *Ledger, now time.Time, pause time.Duration, give func(context.Context, []simtest.Logged) error) *sync.WaitGroup {
	var all sync.WaitGroup
	for i := range producers {
		p := &Producer{Traffic: NewTraffic(fmt.Sprint("p", i), *seed+int64(i), now), Ledger: ledger, Config: countedConfig(c.shape.Config), Intakes: c.Intakes(),
			Pause: pause, Most: 12, Timeout: 3 * time.Second, Patience: 2 * time.Minute, Give: give}
		all.Go(func() {
			if err := p.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	return &all
}

// rage runs the lanes of faults beside each other.
func (c *Cluster) rage(t *testing.T, ledger *Ledger, old []*Seat) {
	moment := chaosSession / 4
	if duration(t) > 0 {
		moment = chaosSession / 2
	}
	enough, lanes := make(chan struct{}), []Lane{
		{Name: "process", Seed: *seed, Pause: 500 * time.Millisecond, Deck: c.ProcessesDeck(chaosSession, chaosStay, old)},
		{Name: "server", Seed: *seed + 1, Pause: 2 * time.Second, Deck: c.ServersDeck(chaosAway)},
		{Name: "network", Seed: *seed + 2, Pause: 300 * time.Millisecond, Deck: c.NetworkDeck(chaosSession, moment)},
	}
	timer := time.AfterFunc(duration(t), func() { close(enough) })
	defer timer.Stop()
	var all sync.WaitGroup
	for _, lane := range lanes {
		all.Go(func() { lane.Run(t.Context(), ledger, enough, t) })
	}
	all.Wait()
}

// calm has the usual processes run over servers and links that work.
func (c *Cluster) calm(t *testing.T) {
	t.Helper()
	for _, s := range slices.Concat(c.Aggregate[:c.shape.Aggregators], c.Intake, c.Query) {
		s.Up()
		if err := served(t.Context(), s); err != nil {
			t.Error(err)
		}
	}
}

// health tells of processes that ended unasked, and fails for what must never be in a log.
func (c *Cluster) health(t *testing.T) {
	t.Helper()
	fenced := 0
	for _, s := range c.Seats() {
		for _, how := range s.Lapses() {
			t.Logf("%s ended unasked: %s", s.Name, how)
		}
		for _, log := range s.Logs() {
			fenced += strings.Count(log, "another process has taken a shard over")
			for _, bad := range []string{"panic:", "fatal error:", mysqltest.Password} {
				if strings.Contains(log, bad) {
					t.Errorf("%s: %q in its log:\n%s", s.Name, bad, last(log, 40))
				}
			}
		}
	}
	t.Logf("%d times an owner was fenced off", fenced)
	if duration(t) > 0 && fenced == 0 {
		t.Error("no owner was fenced off: the faults do not reach what is to be proved")
	}
}

// The marks between which the table stands in its file.
const tableBegin, tableEnd = "<!-- chaos: begin -->\n", "<!-- chaos: end -->\n"

// report writes the table into the file that the environment names.
func report(t *testing.T, text string) {
	t.Helper()
	path := os.Getenv(tableVariable)
	if path == "" {
		return
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(file), tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the table", path)
	}
	if err := os.WriteFile(path, []byte(before+tableBegin+text+tableEnd+after), 0o644); err != nil {
		t.Error(err)
	}
}
