//go:build unix

package redisstream_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
	"rollcall/eventlog/redisstream"
)

// worker is an Owner that notes what it has.
type worker struct {
	registry *registry
	slow     time.Duration // of the first Release

	mu           sync.Mutex
	has          []int
	lost, events int
}

// registry finds shards that two workers have.
type registry struct {
	mu    sync.Mutex
	owner map[int]*worker
	twice []string
}

func (r *registry) set(w *worker, shards []int, has bool) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, shard := range shards {
		switch owner := r.owner[shard]; {
		case has && owner != nil:
			r.twice = append(r.twice, fmt.Sprintf("shard %d", shard))
		case has:
			r.owner[shard] = w
		default:
			delete(r.owner, shard)
		}
	}
}

func (w *worker) Take(shards []int) {
	w.registry.set(w, shards, true)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.has, w.events = append(w.has, shards...), w.events+1
}

func (w *worker) Release(ctx context.Context, shards []int) {
	if slow := w.slow; slow > 0 {
		w.slow = 0
		t := time.NewTimer(slow)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	w.drop(shards)
}

func (w *worker) Lose(shards []int) {
	w.mu.Lock()
	w.lost += len(shards)
	w.mu.Unlock()
	w.drop(shards)
}

func (w *worker) drop(shards []int) {
	w.registry.set(w, shards, false)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.has = slices.DeleteFunc(w.has, func(shard int) bool { return slices.Contains(shards, shard) })
}

func (w *worker) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.has)
}

func (w *worker) losses() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

// own runs Own until the returned function is called, which waits for its end.
func own(t *testing.T, l *redisstream.Log, w *worker) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Own(ctx, w) }()
	var once sync.Once
	leave = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil && !l.Closed() {
				t.Error(err)
			}
		})
	}
	t.Cleanup(leave)
	return leave
}

func shares(workers ...*worker) (counts []int) {
	for _, w := range workers {
		counts = append(counts, w.count())
	}
	slices.Sort(counts)
	return counts
}

func wantShares(t *testing.T, what string, want []int, workers ...*worker) time.Duration {
	t.Helper()
	began := time.Now()
	redistest.Eventually(t, fmt.Sprintf("%s: shares of %v", what, want), func() bool { return slices.Equal(shares(workers...), want) })
	return time.Since(began)
}

// TestMembersShare: as members come and go each has its share, and no shard is ever with two of them.
func TestMembersShare(t *testing.T) {
	s := redistest.Start(t)
	r := &registry{owner: map[int]*worker{}}
	cfg := redisstream.Config{Addr: s.Addr, Shards: 8}
	a, b, c := &worker{registry: r}, &worker{registry: r, slow: 100 * time.Millisecond}, &worker{registry: r}
	leaveA := own(t, open(t, cfg), a)
	wantShares(t, "one member", []int{8}, a)
	own(t, open(t, cfg), b)
	if took := wantShares(t, "a second joined", []int{4, 4}, a, b); took > 2*time.Second {
		t.Errorf("a planned hand-over took %s", took)
	}
	leaveC := own(t, open(t, cfg), c)
	wantShares(t, "a third joined", []int{2, 3, 3}, a, b, c)
	leaveA()
	if took := wantShares(t, "the first left", []int{4, 4}, b, c); took > 2*time.Second || a.count() > 0 {
		t.Errorf("it took %s, and the first has %d", took, a.count())
	}
	leaveC()
	wantShares(t, "the third left", []int{8}, b)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.twice) > 0 {
		t.Errorf("two members at once had %q", r.twice)
	}
	if n := a.losses() + b.losses() + c.losses(); n > 0 {
		t.Errorf("%d shards were lost", n)
	}
}

// TestMoreMembersThanShards: those without a shard wait for one.
func TestMoreMembersThanShards(t *testing.T) {
	cfg := redisstream.Config{Addr: redistest.Start(t).Addr, Shards: 2}
	a, b, c := &worker{}, &worker{}, &worker{}
	leave := []func(){own(t, open(t, cfg), a), own(t, open(t, cfg), b), own(t, open(t, cfg), c)}
	wantShares(t, "three members", []int{0, 1, 1}, a, b, c)
	for i, w := range []*worker{a, b, c} {
		if w.count() == 1 {
			leave[i]()
			break
		}
	}
	wantShares(t, "one left", []int{0, 1, 1}, a, b, c)
}

// TestDeadMember: the shards of one that says nothing are taken when its lease has ended, and not before.
func TestDeadMember(t *testing.T) {
	cfg := redisstream.Config{Addr: redistest.Start(t).Addr, Shards: 4, LeaseTime: 2 * time.Second}
	a, b := &worker{}, &worker{}
	dead := open(t, cfg)
	own(t, dead, a)
	own(t, open(t, cfg), b)
	wantShares(t, "two members", []int{2, 2}, a, b)
	must(t, dead.Abandon()) // its connections are cut, as those of a killed process are
	took := wantShares(t, "the other takes over", []int{4}, b)
	if took < time.Second || took > cfg.LeaseTime+1500*time.Millisecond {
		t.Errorf("it took %s with a lease of %s", took, cfg.LeaseTime)
	}
}

// TestRedisAway: who can't renew loses its shards in the time of the lease, and takes them
// again when Redis is back.
func TestRedisAway(t *testing.T) {
	s := redistest.Start(t)
	cfg := redisstream.Config{Addr: s.Addr, Shards: 4, LeaseTime: 2 * time.Second}
	w := &worker{}
	own(t, open(t, cfg), w)
	wantShares(t, "the member begins", []int{4}, w)
	for round := range 2 {
		s.Freeze()
		if took := wantShares(t, "frozen", []int{0}, w); took > cfg.LeaseTime || w.losses() != 4*(round+1) {
			t.Errorf("round %d: %d shards were lost after %s", round, w.losses(), took)
		}
		s.Thaw()
		wantShares(t, "Redis is back", []int{4}, w)
	}
}

// TestReleaseEndsWithTheLease: a Release does not outlive the lease.
func TestReleaseEndsWithTheLease(t *testing.T) {
	s := redistest.Start(t)
	cfg := redisstream.Config{Addr: s.Addr, Shards: 2, LeaseTime: 2 * time.Second}
	a, b := &worker{slow: time.Hour}, &worker{}
	la := open(t, cfg)
	own(t, la, a)
	wantShares(t, "the member begins", []int{2}, a)
	own(t, open(t, cfg), b)
	redistest.Eventually(t, "both are members", func() bool { return s.Do("ZCARD", "{rollcall}:log:members") == "2" })
	s.Freeze()
	if took := wantShares(t, "the lease has ended", []int{0}, a); took > cfg.LeaseTime {
		t.Errorf("a Release ended after %s", took)
	}
	s.Thaw()
	wantShares(t, "the other takes one over", []int{1, 1}, a, b)
}
