package redisstream

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"rollcall/eventlog"
)

// member is one Own under way.
type member struct {
	*Log
	id    string
	owner eventlog.Owner
	held  []int // shards that owner has

	mu    sync.Mutex
	until time.Time // the lease is ours for certain, by our own clock
}

// Own joins the members, and calls owner as shards come and go, until ctx is done; then it releases all and leaves. Each
// member holds its share: shards are given back for others that join, and taken from those whose lease has ended. When
// Redis is away for longer than the lease the shards are lost, and taken again when it is back. An error tells that the
// log is closed or another one.
func (l *Log) Own(ctx context.Context, owner eventlog.Owner) error {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	m := &member{Log: l, id: hex.EncodeToString(id), owner: owner}
	err := m.stay(ctx)
	m.leave(context.WithoutCancel(ctx), err)
	if err != nil {
		return fmt.Errorf("own shards: %w", err)
	}
	return nil
}

// stay takes turns until ctx is done.
func (m *member) stay(ctx context.Context) error {
	last := ""
	for ctx.Err() == nil {
		if m.closed() {
			return eventlog.ErrClosed
		}
		m.expire()
		news := m.news.of(-1)
		share, mine, err := m.turn(ctx, "")
		switch {
		case errors.Is(err, eventlog.ErrLost):
			return err
		case err != nil:
			if text := err.Error(); text != last && ctx.Err() == nil {
				m.logger.Warn("can't renew the lease on shards of the log; trying again", "error", err, "held", len(m.held))
				last = text
			}
			news = nil
		default:
			last = ""
			if m.settle(ctx, share, mine) {
				continue
			}
		}
		m.await(ctx, news, m.pause())
	}
	return nil
}

// pause is how long until the next turn: a tenth of a lease or a second, so that shards of the dead are seen early.
func (m *member) pause() time.Duration {
	pause, left := min(m.cfg.LeaseTime/10, time.Second), time.Until(m.lease())
	if left > 0 {
		return max(min(pause, left), time.Millisecond)
	}
	if len(m.held) > 0 {
		return 0 // what is held is lost at once
	}
	return pause
}

// leased bounds a call by what is left of the lease, so that its end is never overslept.
func (m *member) leased(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := m.within(ctx)
	lease := m.lease()
	if !time.Now().Before(lease) {
		return ctx, cancel
	}
	ctx, stop := context.WithDeadline(ctx, lease)
	return ctx, func() { stop(); cancel() }
}

func (m *member) expired() bool { return !time.Now().Before(m.lease()) }

func (m *member) lease() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.until
}

// turn renews the lease, takes up to most shards ("" for the share), and gives the shards that are ours. The lease is
// counted from before the server counted it, and ends a tenth earlier.
func (m *member) turn(ctx context.Context, most string) (share int, mine []int, err error) {
	began := time.Now()
	ctx, cancel := m.leased(ctx)
	defer cancel()
	reply, err := m.scripts.turn.Exec(ctx, m.link.client, []string{m.keys.meta, m.keys.members, m.keys.owners},
		[]string{m.identity, m.id, strconv.FormatInt(m.cfg.LeaseTime.Milliseconds(), 10), strconv.Itoa(m.cfg.Shards), m.keys.turns, most}).AsIntSlice()
	if err != nil {
		return 0, nil, m.failure(err)
	}
	if len(reply) == 0 {
		return 0, nil, errReply
	}
	m.mu.Lock()
	m.until = began.Add(m.cfg.LeaseTime * 9 / 10)
	m.mu.Unlock()
	for _, shard := range reply[1:] {
		mine = append(mine, int(shard))
	}
	return int(reply[0]), mine, nil
}

// expire loses all shards once the lease may have ended for others.
func (m *member) expire() {
	if len(m.held) > 0 && m.expired() {
		lost := m.held
		m.held = nil
		m.owner.Lose(lost)
	}
}

// settle tells owner what has changed, and gives back what is beyond the share; true if it did.
func (m *member) settle(ctx context.Context, share int, mine []int) bool {
	lost := slices.DeleteFunc(slices.Clone(m.held), func(shard int) bool { return slices.Contains(mine, shard) })
	if len(lost) > 0 {
		m.held = slices.DeleteFunc(m.held, func(shard int) bool { return slices.Contains(lost, shard) })
		m.owner.Lose(lost)
	}
	slices.Sort(mine)
	keep := mine[:min(share, len(mine))]
	taken := slices.DeleteFunc(slices.Clone(keep), func(shard int) bool { return slices.Contains(m.held, shard) })
	if len(taken) > 0 {
		m.held = append(m.held, taken...)
		m.owner.Take(taken)
	}
	surplus := mine[len(keep):]
	if len(surplus) == 0 {
		return false
	}
	m.release(ctx, slices.DeleteFunc(slices.Clone(surplus), func(shard int) bool { return !slices.Contains(m.held, shard) }))
	if err := m.give(ctx, "", surplus); err != nil {
		m.logger.Warn("can't give shards back; trying again", "shards", surplus, "error", err)
		return false
	}
	return true
}

// release has owner release shards while the lease is renewed; when it can't be, they are lost.
func (m *member) release(ctx context.Context, shards []int) {
	if len(shards) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { m.renew(ctx, cancel) })
	m.owner.Release(ctx, shards)
	expired := m.expired()
	cancel()
	renewing.Wait()
	m.held = slices.DeleteFunc(m.held, func(shard int) bool { return slices.Contains(shards, shard) })
	if expired {
		m.owner.Lose(shards)
	}
}

// renew keeps the lease until ctx is done, and ends ctx when the lease has.
func (m *member) renew(ctx context.Context, end context.CancelFunc) {
	for ctx.Err() == nil {
		if m.expired() {
			end()
			return
		}
		_, _, _ = m.turn(ctx, "0") // an error shows when the lease has expired
		sleep(ctx, m.pause())
	}
}

func (m *member) give(ctx context.Context, leave string, shards []int) error {
	if m.expired() {
		return errors.New("the lease has ended")
	}
	ctx, cancel := m.leased(ctx)
	defer cancel()
	args := []string{m.id, m.keys.turns, leave}
	for _, shard := range shards {
		args = append(args, strconv.Itoa(shard))
	}
	if err := m.scripts.give.Exec(ctx, m.link.client, []string{m.keys.members, m.keys.owners}, args).Error(); err != nil {
		return m.failure(err)
	}
	return nil
}

// leave gives everything back. After an error it is lost already.
func (m *member) leave(ctx context.Context, failed error) {
	held := slices.Clone(m.held)
	if failed != nil {
		if m.held = nil; len(held) > 0 {
			m.owner.Lose(held)
		}
		return
	}
	m.release(ctx, held)
	if err := m.give(ctx, "leave", held); err != nil {
		m.logger.Warn("can't leave the members of the log; its shards are free when the lease ends", "error", err)
	}
}
