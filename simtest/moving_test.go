package simtest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/eventlog"
	"rollcall/simtest"
	"rollcall/store"
)

// TestMovingShardsEqualsOracle runs random worlds through three aggregators at once, over one log and one store, whose
// shards move at random: handed over, lost, and taken by one while another still believes to own them. A part of the
// commits fails after it was applied. A third of the draws are such worlds: they take longer.
func TestMovingShardsEqualsOracle(t *testing.T) {
	var fenced, applied atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		if rapid.IntRange(0, 2).Draw(rt, "one in three") > 0 {
			return
		}
		simtest.Check(rt, false, func(w simtest.World) (simtest.Harness, error) {
			p, err := openPipeline(t, w, func(p *pipeline) {
				p.crew = &crew{fenced: &fenced, applied: &applied, random: rand.New(rand.NewPCG(uint64(w.Now), 1))}
			})
			return &moving{p}, err
		})
	})
	if fenced.Load() == 0 || applied.Load() == 0 {
		t.Errorf("%d owners were fenced and %d commits applied unheard: the test is too tame", fenced.Load(), applied.Load())
	}
}

// moving is a pipeline whose shards move with everything that happens.
type moving struct{ *pipeline }

func (m *moving) Append(events []simtest.Logged) error {
	for len(events) > 0 {
		n := min(len(events), 1+m.crew.random.IntN(20))
		if err := m.pipeline.Append(events[:n]); err != nil {
			return err
		}
		m.crew.move()
		events = events[n:]
	}
	return nil
}

func (m *moving) Crash() error {
	for range 3 {
		m.crew.move()
	}
	return nil
}

// crew is some aggregators that share the shards.
type crew struct {
	fenced, applied *atomic.Int64
	random          *rand.Rand
	pipeline        *pipeline
	seats           []*seat
	owners          []*owner
	holder          []int // by shard
}

// seat is the ownership of one aggregator: it does what it is told.
type seat struct {
	orders chan func(eventlog.Owner)
	mu     sync.Mutex
	held   map[int]bool
}

func (s *seat) Own(ctx context.Context, owner eventlog.Owner) error {
	for {
		select {
		case order := <-s.orders:
			order(owner)
		case <-ctx.Done():
			s.mu.Lock()
			defer s.mu.Unlock()
			for shard := range s.held {
				owner.Release(context.WithoutCancel(ctx), []int{shard})
			}
			return nil
		}
	}
}

func (s *seat) tell(shard int, held bool, order func(eventlog.Owner, []int)) {
	s.mu.Lock()
	if s.held[shard] = true; !held {
		delete(s.held, shard)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	s.orders <- func(o eventlog.Owner) { order(o, []int{shard}); close(done) }
	<-done
}

func (s *seat) take(shard int) {
	s.tell(shard, true, func(o eventlog.Owner, shards []int) { o.Take(shards) })
}

func (s *seat) release(shard int) {
	s.tell(shard, false, func(o eventlog.Owner, shards []int) { o.Release(context.Background(), shards) })
}

func (s *seat) lose(shard int) {
	s.tell(shard, false, func(o eventlog.Owner, shards []int) { o.Lose(shards) })
}

func (c *crew) start(p *pipeline) error {
	c.pipeline, c.seats, c.owners, c.holder = p, nil, nil, make([]int, p.log.Shards())
	for range 3 {
		s := &seat{orders: make(chan func(eventlog.Owner)), held: map[int]bool{}}
		o, err := p.own(aggregate.Deps{Ownership: s, Store: &unheard{Store: hourly{p.store, &p.commits}, applied: c.applied}})
		if err != nil {
			return err
		}
		c.seats, c.owners = append(c.seats, s), append(c.owners, o)
	}
	for shard := range c.holder {
		c.seats[0].take(shard)
	}
	return nil
}

// move gives a shard to another aggregator, in one of the ways that are met in life.
func (c *crew) move() {
	shard := c.random.IntN(len(c.holder))
	from := c.holder[shard]
	to := (from + 1 + c.random.IntN(2)) % 3
	switch c.random.IntN(4) {
	case 0:
		c.seats[from].release(shard)
		c.seats[to].take(shard)
	case 1: // it slept, and wakes up later than the other begins
		c.seats[to].take(shard)
		time.Sleep(time.Duration(c.random.IntN(3)) * time.Millisecond)
		c.seats[from].lose(shard)
	case 2: // nobody has it for a while
		c.seats[from].lose(shard)
		c.seats[to].take(shard)
	default:
		return
	}
	c.holder[shard] = to
}

// wait returns once the store is where the log ends.
func (c *crew) wait(ctx context.Context, next []rollcall.Offset) error {
	for {
		v, err := c.pipeline.store.View(ctx)
		if err != nil {
			return err
		}
		behind := false
		for _, p := range v.Head().Shards {
			behind = behind || p.Offset < next[p.Shard]
		}
		if err := v.Close(); err != nil || !behind {
			c.pipeline.caches[0].Announce()
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for the store: %w", ctx.Err())
		}
	}
}

func (c *crew) close() (err error) {
	for _, o := range c.owners {
		o.stop()
		err = errors.Join(err, <-o.done)
		c.fenced.Add(o.Status().Fenced)
	}
	return err
}

// unheard is a store whose answer to some commits is lost.
type unheard struct {
	aggregate.Store
	applied *atomic.Int64
	calls   atomic.Int64
}

func (u *unheard) Commit(ctx context.Context, c *store.Commit) error {
	if err := u.Store.Commit(ctx, c); err != nil || u.calls.Add(1)%7 != 0 {
		return err
	}
	u.applied.Add(1)
	return errors.New("the connection broke")
}
