package redis

import (
	"context"
	"time"

	"github.com/redis/rueidis"
)

const (
	announceGap     = 10 * time.Millisecond // between two messages; commits within it share the next
	announceTimeout = time.Second
)

// Announce tells every listener of a commit, with those announced at about the same time. It does not wait for the
// server. A message goes to every node of a Cluster, so it does not matter which ones speaker and listener use.
func (c *Cache) Announce() {
	signal(c.commits)
}

func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func (c *Cache) channel() string { return c.key("commits") }

func (c *Cache) announce() {
	for {
		select {
		case <-c.commits:
			c.publish()
			c.link.sleep(c.link.life, announceGap)
		case <-c.closing:
			select {
			case <-c.commits:
				c.publish()
			default:
			}
			return
		}
	}
}

func (c *Cache) publish() {
	client, ok := c.link.get()
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(c.link.life, announceTimeout)
	defer cancel()
	if err := client.Do(ctx, client.B().Publish().Channel(c.channel()).Message("").Build()).Error(); err != nil {
		c.meter.errors.Add(1)
		return
	}
	c.meter.announced.Add(1)
}

// Listen calls heard once it listens, after each announcement of any process, its own among them, and after each
// reconnection, until ctx ends; it returns nil then, or ErrClosed after Close. Announcements that come while heard runs
// make one call.
func (c *Cache) Listen(ctx context.Context, heard func()) error {
	news := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !c.begin(func() { c.subscribe(ctx, news) }) {
		return ErrClosed
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.closing:
			return ErrClosed
		case <-news:
			c.meter.heard.Add(1)
			heard()
		}
	}
}

// subscribe only leaves tokens: the library calls it on a connection's own goroutine.
func (c *Cache) subscribe(ctx context.Context, news chan<- struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.link.life, cancel)()
	pause := firstPause
	again := rueidis.WithOnSubscriptionHook(ctx, func(s rueidis.PubSubSubscription) {
		if s.Kind == "subscribe" {
			signal(news)
		}
	})
	for ctx.Err() == nil {
		began := time.Now()
		if client, ok := c.link.get(); ok {
			_ = client.Receive(again, client.B().Subscribe().Channel(c.channel()).Build(), func(rueidis.PubSubMessage) { signal(news) })
		}
		if time.Since(began) > lastPause {
			pause = firstPause
		}
		c.link.sleep(ctx, pause)
		pause = min(2*pause, lastPause)
	}
}
