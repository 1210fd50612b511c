package turns

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis"
)

// Config says where turns are agreed on. Zero durations are the defaults.
type Config struct {
	Servers []Server      // independent of each other; an odd number, of which a majority must answer
	Name    string        // of the lock: the same for all who take turns, another for others
	Wait    time.Duration // longest wait for a turn: 1 s
	Expiry  time.Duration // longest turn: 5 s
	Pause   time.Duration // without turns after the servers were found missing: 1 s
}

// Server is one Redis.
type Server struct {
	Addr               string // host:port
	Username, Password string
	DB                 int
	TLS                *tls.Config // nil: none
}

// Deps is what Turns works with.
type Deps struct {
	Logger *slog.Logger
}

// Stats counts since the beginning.
type Stats struct {
	Taken   int64         // turns had
	Waited  int64         // of them, those that somebody else had first
	Without int64         // writes without a turn, as it did not come in time or the servers were missing
	Waiting time.Duration // spent in Take, in all
}

const (
	// answerIn is how long a server may take to answer.
	answerIn = 100 * time.Millisecond
	// Between tries for a turn that another has.
	minDelay = 2 * time.Millisecond
	maxDelay = 20 * time.Millisecond
)

// Turns is this process's part in the turns. It is safe for concurrent use.
type Turns struct {
	cfg     Config
	deps    Deps
	servers []*server
	lock    *redsync.Redsync
	until   atomic.Int64 // Unix ns; no servers are asked before

	taken, waited, without, waiting atomic.Int64
}

// New connects in the background: servers that are away keep nobody waiting. Close ends it.
func New(cfg Config, deps Deps) (*Turns, error) {
	if len(cfg.Servers) == 0 || cfg.Name == "" {
		return nil, errors.New("turns need a server and a name")
	}
	standard := func(d *time.Duration, s time.Duration) {
		if *d <= 0 {
			*d = s
		}
	}
	standard(&cfg.Wait, time.Second)
	standard(&cfg.Expiry, 5*time.Second)
	standard(&cfg.Pause, time.Second)
	t := &Turns{cfg: cfg, deps: deps}
	pools := make([]redis.Pool, len(cfg.Servers))
	for i := range cfg.Servers {
		s := newServer(&cfg.Servers[i], deps.Logger)
		t.servers, pools[i] = append(t.servers, s), s
	}
	t.lock = redsync.New(pools...)
	return t, nil
}

// Close ends the connections. No Take may run beside it or follow it.
func (t *Turns) Close() {
	for _, s := range t.servers {
		s.close()
	}
}

// Stats gives the counters.
func (t *Turns) Stats() Stats {
	return Stats{Taken: t.taken.Load(), Waited: t.waited.Load(), Without: t.without.Load(), Waiting: time.Duration(t.waiting.Load())}
}

// Take waits for the turn, up to Wait, and gives what ends it. It costs a way to the servers and back when the turn is
// free, and so does its end.
func (t *Turns) Take(ctx context.Context) (done func()) {
	start := time.Now()
	defer func() { t.waiting.Add(int64(time.Since(start))) }()
	if start.UnixNano() < t.until.Load() {
		return t.goWithout()
	}
	m := t.lock.NewMutex(t.cfg.Name, redsync.WithExpiry(t.cfg.Expiry), redsync.WithFailFast(true),
		redsync.WithTimeoutFactor(float64(answerIn)/float64(t.cfg.Expiry)))
	// The last try may take this long: to ask, and to take back what was granted too late.
	deadline := start.Add(t.cfg.Wait - 2*answerIn)
	for try := 0; ; try++ {
		// A try is finished even if ctx ends, as one that is cut off may leave the turn taken by nobody.
		err := m.TryLockContext(context.WithoutCancel(ctx))
		if err == nil {
			return t.begin(m, try)
		}
		if !isTaken(err) {
			t.missing(err)
			return t.goWithout()
		}
		if time.Now().After(deadline) || !sleep(ctx, minDelay+rand.N(maxDelay-minDelay)) {
			return t.goWithout()
		}
	}
}

func (t *Turns) begin(m *redsync.Mutex, tries int) (done func()) {
	t.taken.Add(1)
	if tries > 0 {
		t.waited.Add(1)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), answerIn)
		// The answer comes from a majority; the others hear of it too.
		defer time.AfterFunc(answerIn, cancel)
		// What is not given back expires.
		_, _ = m.UnlockContext(ctx)
	}
}

func (t *Turns) goWithout() (done func()) {
	t.without.Add(1)
	return func() {}
}

// missing notes that too few servers answered, and asks none for a while.
func (t *Turns) missing(err error) {
	t.until.Store(time.Now().Add(t.cfg.Pause).UnixNano())
	t.deps.Logger.Debug("no majority for turns: writing without", "error", err)
}

// isTaken tells that the servers answered, and another has the turn or some of them.
func isTaken(err error) bool {
	var taken *redsync.ErrTaken
	var node *redsync.ErrNodeTaken
	var away *redsync.RedisError
	return errors.As(err, &taken) || errors.Is(err, redsync.ErrFailed) || errors.As(err, &node) && !errors.As(err, &away)
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
