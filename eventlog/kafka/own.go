package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"rollcall/eventlog"
)

// leaveTimeout bounds the farewell to the group. Without one the others wait for SessionTimeout.
const leaveTimeout = 5 * time.Second

// Own is a member of Config.Group until ctx is done: the group gives each shard to one member, and moves as few as it can
// when members come and go. The member fetches nothing, it only tells owner. It keeps trying while no broker answers; a member
// that the group has given up loses its shards and joins again. While owner releases, the member goes on telling the group that it is alive.
// One Own at a time.
func (l *Log) Own(ctx context.Context, owner eventlog.Owner) error {
	if l.cfg.Group == "" {
		return errors.New("own shards: no group is configured")
	}
	ctx, cancel := l.until(ctx)
	defer cancel()
	m := &member{log: l, owner: owner, held: map[int]bool{}}
	client, err := kgo.NewClient(append(l.opts[:len(l.opts):len(l.opts)], m.opts()...)...)
	if err != nil {
		return fmt.Errorf("own shards: %w", err)
	}
	client.PauseFetchTopics(l.cfg.Topic)
	if err := l.enter(client); err != nil {
		client.Close()
		return err
	}
	err = m.stay(ctx, client)
	m.releaseAll()
	l.enterNothing()
	m.leave(client)
	if cause := context.Cause(l.ended); cause != nil && !errors.Is(cause, eventlog.ErrClosed) {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("own shards with group %s: %w", l.cfg.Group, err)
	}
	return nil
}

func (l *Log) enter(client *kgo.Client) error {
	l.memberMu.Lock()
	defer l.memberMu.Unlock()
	if l.member != nil {
		return errors.New("own shards: Own runs already")
	}
	l.member = client
	return nil
}

func (l *Log) enterNothing() {
	l.memberMu.Lock()
	defer l.memberMu.Unlock()
	l.member = nil
}

// member tells an owner what the group decides.
type member struct {
	log   *Log
	owner eventlog.Owner

	mu      sync.Mutex // the calls of the owner come one after the other
	held    map[int]bool
	leaving bool
}

func (m *member) opts() []kgo.Opt {
	cfg := &m.log.cfg
	return []kgo.Opt{kgo.ConsumerGroup(cfg.Group), kgo.ConsumeTopics(cfg.Topic), kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(cfg.SessionTimeout), kgo.RebalanceTimeout(cfg.RebalanceTimeout), kgo.DisableAutoCommit(),
		// Members learn of a change by their next heartbeat: its interval is how long a hand-over takes.
		kgo.HeartbeatInterval(min(cfg.SessionTimeout/3, 500*time.Millisecond)),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { m.take(m.shards(p)) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { m.release(m.shards(p)) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { m.lose(m.shards(p)) })}
}

func (m *member) shards(partitions map[string][]int32) []int {
	var shards []int
	for _, p := range partitions[m.log.cfg.Topic] {
		if int(p) < m.log.topic.partitions { // those added since are why the watch ends the log
			shards = append(shards, int(p))
		}
	}
	slices.Sort(shards)
	return shards
}

func (m *member) take(shards []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	shards = slices.DeleteFunc(shards, func(s int) bool { return m.held[s] })
	if m.leaving || len(shards) == 0 {
		return
	}
	for _, s := range shards {
		m.held[s] = true
	}
	m.owner.Take(shards)
}

// letGo forgets those of the shards that are held.
func (m *member) letGo(shards []int) []int {
	shards = slices.DeleteFunc(shards, func(s int) bool { return !m.held[s] })
	for _, s := range shards {
		delete(m.held, s)
	}
	return shards
}

// release has the owner let go, in less time than the group waits for it.
func (m *member) release(shards []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if shards = m.letGo(shards); len(shards) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), m.log.cfg.RebalanceTimeout*9/10)
		defer cancel()
		m.owner.Release(ctx, shards)
	}
}

func (m *member) lose(shards []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if shards = m.letGo(shards); len(shards) > 0 {
		m.owner.Lose(shards)
	}
}

// releaseAll is for the end: while it works the member is in the group still, and nobody else takes the shards.
func (m *member) releaseAll() {
	m.mu.Lock()
	m.leaving = true
	all := slices.Sorted(maps.Keys(m.held))
	m.mu.Unlock()
	m.release(all)
}

// stay is in the group until ctx is done or the group refuses. Nothing is fetched: what is polled are errors.
func (m *member) stay(ctx context.Context, client *kgo.Client) error {
	var logged time.Time
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return nil
		}
		for _, e := range fetches.Errors() {
			if refused(e.Err) {
				return hint(e.Err)
			}
			if time.Since(logged) >= logEvery {
				m.log.log.Warn("kafka group in trouble, trying on", "group", m.log.cfg.Group, "error", e.Err)
				logged = time.Now()
			}
		}
	}
}

func (m *member) leave(client *kgo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := client.LeaveGroupContext(ctx); err != nil {
		m.log.log.Warn("kafka group not left in order: its shards move when the session times out", "group", m.log.cfg.Group, "error", err)
	}
	client.Close()
}
