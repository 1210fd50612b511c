package turns

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall/cache/redis/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, n int) (servers []*redistest.Server) {
	for range n {
		servers = append(servers, redistest.Start(t))
	}
	return servers
}

// join makes the part of one process, and waits until it is connected to those that answer.
func join(t *testing.T, servers []*redistest.Server, change func(*Config)) *Turns {
	t.Helper()
	cfg := Config{Name: "write"}
	for _, s := range servers {
		cfg.Servers = append(cfg.Servers, Server{Addr: s.Addr})
	}
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg, Deps{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func (t *Turns) connected() (n int) {
	for _, s := range t.servers {
		if s.pool.Load() != nil {
			n++
		}
	}
	return n
}

func ready(t *testing.T, parts ...*Turns) {
	t.Helper()
	redistest.Eventually(t, "all are connected", func() bool {
		for _, p := range parts {
			if p.connected() < len(p.servers) {
				return false
			}
		}
		return true
	})
}

// One at a time, and everybody's turn comes.
func TestOneAtATime(t *testing.T) {
	for _, n := range []int{1, 3} {
		servers := start(t, n)
		var inside, most, turns atomic.Int64
		var all sync.WaitGroup
		var parts []*Turns
		for range 6 {
			parts = append(parts, join(t, servers, func(c *Config) { c.Wait = 20 * time.Second }))
		}
		ready(t, parts...)
		for _, p := range parts {
			all.Go(func() {
				for range 15 {
					done := p.Take(context.Background())
					if now := inside.Add(1); now > most.Load() {
						most.Store(now)
					}
					turns.Add(1)
					time.Sleep(500 * time.Microsecond) // the write
					inside.Add(-1)
					done()
				}
			})
		}
		all.Wait()
		if most.Load() != 1 || turns.Load() != 90 {
			t.Errorf("%d servers: %d at once, %d turns", n, most.Load(), turns.Load())
		}
		for i, p := range parts {
			if s := p.Stats(); s.Taken != 15 || s.Without != 0 {
				t.Errorf("%d servers, process %d: %+v", n, i, s)
			}
		}
	}
}

// within fails when a Take is not over in time, and ends the turn.
func within(t *testing.T, p *Turns, limit time.Duration) (done func(), took time.Duration) {
	t.Helper()
	began := time.Now()
	done = p.Take(context.Background())
	if took = time.Since(began); took > limit {
		t.Errorf("a turn took %s, want at most %s", took, limit)
	}
	return done, took
}

// slack is what a busy machine adds.
const slack = time.Second

func TestMajorityIsEnough(t *testing.T) {
	servers := start(t, 3)
	p := join(t, servers, nil)
	ready(t, p)
	servers[0].Freeze()
	defer servers[0].Thaw()
	done, _ := within(t, p, slack)
	done()
	if s := p.Stats(); s.Taken != 1 || s.Without != 0 {
		t.Errorf("one of three hangs: %+v", s)
	}
	servers[1].Kill()
	done, _ = within(t, p, time.Second+slack)
	done()
	if s := p.Stats(); s.Taken != 1 || s.Without != 1 {
		t.Errorf("two of three are away: %+v", s)
	}
}

// Servers that hang cost one wait in each pause.
func TestHangingServers(t *testing.T) {
	servers := start(t, 3)
	p := join(t, servers, func(c *Config) { c.Pause = time.Minute })
	ready(t, p)
	for _, s := range servers {
		s.Freeze()
		defer s.Thaw()
	}
	within(t, p, time.Second+slack)
	began := time.Now()
	for range 1000 {
		p.Take(context.Background())()
	}
	if took := time.Since(began); took > slack {
		t.Errorf("1000 writes without a turn took %s", took)
	}
	if s := p.Stats(); s.Without != 1001 {
		t.Errorf("%+v", s)
	}
}

// Servers that are away from the beginning keep nobody waiting, and are used once they are there.
func TestServersComeLater(t *testing.T) {
	servers := start(t, 1)
	servers[0].Kill()
	p := join(t, servers, func(c *Config) { c.Pause = time.Millisecond })
	done, _ := within(t, p, slack)
	done()
	if s := p.Stats(); s.Without != 1 {
		t.Errorf("%+v", s)
	}
	servers[0].Restart()
	redistest.Eventually(t, "turns are taken", func() bool { p.Take(context.Background())(); return p.Stats().Taken > 0 })
}

func TestWaitIsBounded(t *testing.T) {
	servers := start(t, 1)
	a, b := join(t, servers, nil), join(t, servers, func(c *Config) { c.Wait = 300 * time.Millisecond })
	ready(t, a, b)
	end := a.Take(context.Background())
	done, _ := within(t, b, 300*time.Millisecond+slack)
	done()
	if s := b.Stats(); s.Without != 1 {
		t.Errorf("%+v", s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b.Take(ctx)()
	end()
	done, _ = within(t, b, slack)
	done()
	if s := b.Stats(); s.Taken != 1 || s.Without != 2 {
		t.Errorf("%+v", s)
	}
}

// A turn that has expired is somebody else's, and its end does not end theirs.
func TestExpiredTurn(t *testing.T) {
	servers := start(t, 3)
	quick := func(c *Config) { c.Expiry, c.Wait = 300*time.Millisecond, 20*time.Second }
	a, b, c := join(t, servers, quick), join(t, servers, func(c *Config) { c.Wait = 20 * time.Second }), join(t, servers, func(c *Config) { c.Wait = 250 * time.Millisecond })
	ready(t, a, b, c)
	endA := a.Take(context.Background())
	endB := b.Take(context.Background()) // once a's has expired
	if s := b.Stats(); s.Taken != 1 || s.Waited != 1 {
		t.Fatalf("%+v", s)
	}
	endA()
	c.Take(context.Background())()
	if s := c.Stats(); s.Taken != 0 || s.Without != 1 {
		t.Errorf("the end of an expired turn ended another's: %+v", s)
	}
	endB()
	c.Take(context.Background())()
	if s := c.Stats(); s.Taken != 1 {
		t.Errorf("%+v", s)
	}
}

// Close does not wait for servers that hang.
func TestCloseWithHangingServer(t *testing.T) {
	servers := start(t, 1)
	p := join(t, servers, nil)
	ready(t, p)
	servers[0].Freeze()
	defer servers[0].Thaw()
	began := time.Now()
	p.Close()
	if took := time.Since(began); took > 2*slack {
		t.Errorf("took %s", took)
	}
}
