package apptest

import (
	"fmt"
	"math/rand"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/cache/redis/redistest"
	"rollcall/eventlog/kafka/kafkatest"
	"rollcall/simtest"
	"rollcall/store/mysql/mysqltest"
)

// processes are the roles of one installation, each a process of its own.
type processes struct {
	flags            []string
	intake, query    *Server
	folding, standby *Server
}

func startProcesses(t *testing.T, flags []string) *processes {
	role := func(r string) *Server {
		return Start(t, binary(t), nil, append([]string{"--roles", r}, flags...)...)
	}
	return &processes{flags, role("intake"), role("query"), role("aggregate"), role("aggregate")}
}

// logsOnServers starts a log of each kind, and gives the flags for it.
func logsOnServers() map[string]func(t *testing.T) []string {
	return map[string]func(t *testing.T) []string{
		"kafka": func(t *testing.T) []string {
			k := kafkatest.Start(t, kafkatest.Options{})
			return []string{"--log-kind", "kafka", "--log-brokers", strings.Join(k.Brokers(), ",")}
		},
		"redis": func(t *testing.T) []string {
			r := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
			return []string{"--log-kind", "redis", "--log-addr", r.Addr}
		},
	}
}

// TestServers runs the roles over each log on servers. An owner is killed with its shards half folded and another ends as
// it is told, and every answer is the oracle's.
func TestServers(t *testing.T) {
	t.Parallel()
	store, cached := mysqltest.Start(t), redistest.Start(t)
	for name, log := range logsOnServers() {
		t.Run(name, func(t *testing.T) {
			d := rand.New(rand.NewSource(*seed))
			w, flags := recent(t, d, "America/New_York")
			flags = append(flags, "--store-kind", "mysql", "--store-dsn", store.Database(t), "--log-shards", "3", "--log-session-timeout", "2s", "--late-horizon", "0",
				"--cache-kind", "redis", "--cache-addr", cached.Addr, "--cache-prefix", name, "--cache-timeout", "1s")
			p := startProcesses(t, append(flags, log(t)...))
			p.live(t, d, &w)
			p.refusesOthers(t)
			p.verified(t)
		})
	}
}

// verified recounts all days from the log on its servers.
func (p *processes) verified(t *testing.T) {
	if out := MustRun(t, binary(t), nil, append([]string{"verify", "--all"}, p.flags...)...); !strings.Contains(out.Stdout, "The store is equal to the log") {
		t.Error(out.Stdout)
	}
}

// live posts the events of a world while owners come and go.
func (p *processes) live(t *testing.T, d simtest.Dice, w *simtest.World) {
	third := len(w.Events) / 3
	p.post(t, d, w, 0, third)
	p.folding.Kill()
	p.post(t, d, w, third, 2*third)
	compareSome(t, p.query, d, w, 2*third)
	another := Start(t, binary(t), nil, append([]string{"--roles", "aggregate"}, p.flags...)...)
	p.standby.Stop(t)
	p.rebuilds(t, d, w, 2*third)
	for _, s := range []*Server{p.intake, another, p.query} {
		s.Stop(t)
	}
}

// rebuilds makes builds anew while the rest of the events arrive. The processes go over by themselves, and back.
func (p *processes) rebuilds(t *testing.T, d simtest.Dice, w *simtest.World, from int) {
	posted := make(chan struct{})
	go func() {
		defer close(posted)
		p.post(t, rand.New(rand.NewSource(1)), w, from, len(w.Events))
	}()
	since := w.Config.StartOf(w.Start, 4)
	day := time.UnixMilli(since).In(w.Config.Location).Format(time.DateOnly)
	MustRun(t, binary(t), nil, append([]string{"rebuild", "--session-gap", "100m", "--since", day, "--proof", "all"}, p.flags...)...)
	<-posted
	p.wentOver(t, 2)
	w.Config.Earlier = []rollcall.Rule{{Until: since, Gap: w.Config.Gap, Passive: w.Config.Passive}}
	w.Config.Gap = 100 * time.Minute
	compareServer(t, p.query, d, w)
	MustRun(t, binary(t), nil, append([]string{"rollback"}, p.flags...)...)
	p.wentOver(t, 1)
	w.Config.Gap, w.Config.Earlier = 30*time.Minute, nil
	compareServer(t, p.query, d, w)
}

// wentOver waits until the process that answers does so from a build.
func (p *processes) wentOver(t *testing.T, build int) {
	t.Helper()
	want := fmt.Sprintf(`"build":%d}`, build)
	err := p.query.Until(func() (bool, error) {
		reply, err := p.query.Get("/api/v1/query", url.Values{"grain": {"total"}, "metrics": {"events"}})
		return err == nil && strings.Contains(string(reply.Body), want), nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, p.query.written)
	}
}

func (p *processes) post(t *testing.T, d simtest.Dice, w *simtest.World, start, end int) {
	for start < end {
		next := min(start+1+d.Intn(30), end)
		post(t, p.intake.Client, d, &w.Config, w.Events[start:next])
		start = next
	}
}

// compareSome compares what was posted so far.
func compareSome(t *testing.T, s *Server, d simtest.Dice, w *simtest.World, n int) {
	some := *w
	some.Events = w.Events[:n]
	compareServer(t, s, d, &some)
}

// refusesOthers starts processes that would give the figures another meaning, or read another log.
func (p *processes) refusesOthers(t *testing.T) {
	for key, other := range map[string]string{"timezone": "Asia/Tokyo", "session-gap": "1h", "log-shards": strconv.Itoa(4)} {
		args := append(append([]string{"serve", "--listen", "127.0.0.1:0", "--roles", "query"}, p.flags...), "--"+key, other)
		if out := Run(t, binary(t), nil, args...); out.Exit == 0 || !strings.Contains(out.Stderr, other) {
			t.Errorf("--%s %s: status %d\n%s", key, other, out.Exit, out.Stderr)
		}
	}
}
