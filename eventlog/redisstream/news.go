package redisstream

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// news tells those who wait in this process of records and of members, on one subscription for all shards.
type news struct {
	mu      sync.Mutex
	waiting []chan struct{} // by shard, and the turns last: closed at the next news; nil while nobody waits
}

func (n *news) init(shards int) { n.waiting = make([]chan struct{}, shards+1) }

// of gives what is closed at the next news of a shard; of the turns with -1.
func (n *news) of(shard int) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := n.at(shard)
	if n.waiting[at] == nil {
		n.waiting[at] = make(chan struct{})
	}
	return n.waiting[at]
}

func (n *news) at(shard int) int {
	if shard < 0 {
		return len(n.waiting) - 1
	}
	return shard
}

func (n *news) wake(shards ...int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, shard := range shards {
		if at := n.at(shard); at < len(n.waiting) && n.waiting[at] != nil {
			close(n.waiting[at])
			n.waiting[at] = nil
		}
	}
}

func (n *news) wakeAll() {
	for at := range n.waiting {
		n.wake(at)
	}
}

// listen subscribes, again and again, and wakes all when it had to: something may have been missed.
func (l *Log) listen() {
	pause := firstPause
	again := rueidis.WithOnSubscriptionHook(l.link.life, func(s rueidis.PubSubSubscription) {
		if s.Kind == "subscribe" {
			l.news.wakeAll()
		}
	})
	for !l.closed() {
		began := time.Now()
		_ = l.link.client.Receive(again, l.link.client.B().Subscribe().Channel(l.keys.news, l.keys.turns).Build(), l.hear)
		if time.Since(began) > lastPause {
			pause = firstPause
		}
		sleep(l.link.life, pause)
		pause = min(2*pause, lastPause)
	}
}

func (l *Log) hear(m rueidis.PubSubMessage) {
	if m.Channel == l.keys.turns {
		l.news.wake(-1)
		return
	}
	for s := range strings.SplitSeq(m.Message, ",") {
		if shard, err := strconv.Atoi(s); err == nil && shard >= 0 && shard < l.cfg.Shards {
			l.news.wake(shard)
		}
	}
}

// await waits for news, for the time until it is looked again, or for the end of ctx or the log.
func (l *Log) await(ctx context.Context, news <-chan struct{}, longest time.Duration) {
	t := time.NewTimer(longest)
	defer t.Stop()
	select {
	case <-news:
	case <-t.C:
	case <-ctx.Done():
	case <-l.link.life.Done():
	}
}
