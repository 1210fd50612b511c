//go:build unix

package chaostest

import (
	"context"
	"fmt"
	"math/rand"
	"time"
)

// ServersDeck ends the servers in every way and starts them again; each is away for at most away.
func (c *Cluster) ServersDeck(away time.Duration) func(d *rand.Rand) []Fault {
	return func(d *rand.Rand) []Fault {
		pause := func() time.Duration { return upTo(d, away) }
		return []Fault{
			outage("SIGKILL of "+kafka, pause(), c.Kafka.Kill, c.Kafka.Restart),
			outage("restart of "+kafka, pause(), c.Kafka.Stop, c.Kafka.Restart),
			outage("SIGSTOP of "+kafka, pause(), c.Kafka.Freeze, c.Kafka.Thaw),
			outage("SIGKILL of "+maria, pause(), c.Maria.Kill, func() { c.Maria.Restart(c.t) }),
			outage("restart of "+maria, pause(), func() { c.Maria.Stop(c.t) }, func() { c.Maria.Restart(c.t) }),
			outage("SIGSTOP of "+maria, pause(), func() { c.Maria.Freeze(c.t) }, func() { c.Maria.Thaw(c.t) }),
			outage("SIGKILL of "+redis, pause(), c.Redis.Kill, c.Redis.Restart),
			outage("SIGSTOP of "+redis, pause(), c.Redis.Freeze, c.Redis.Thaw),
			outage("FLUSHALL of "+redis, 0, func() { c.Redis.Do("FLUSHALL") }, func() {}),
		}
	}
}

func outage(name string, long time.Duration, begin, end func()) Fault {
	return Fault{name, fmt.Sprintf("for %v", long), func(ctx context.Context) error {
		begin()
		hold(ctx, long)
		end()
		return nil
	}}
}

// ProcessesDeck does to the processes what operators and machines do. A frozen one is so for longer than its session lasts.
func (c *Cluster) ProcessesDeck(session, stay time.Duration, old []*Seat) func(d *rand.Rand) []Fault {
	usual := c.shape.Aggregators
	return func(d *rand.Rand) []Fault {
		owners, pause := c.Aggregate[:usual], func() time.Duration { return upTo(d, time.Second) }
		deck := []Fault{
			kill(one(d, owners), pause()), kill(one(d, owners), pause()), kill(one(d, c.Intake), pause()), kill(one(d, c.Query), pause()),
			freeze(one(d, owners), between(d, session*3/2, session*2)), freeze(one(d, c.Intake), between(d, time.Second, session)),
			roll("aggregate", owners), roll("intake", c.Intake), roll("query", c.Query),
			scale(c.Aggregate, usual, stay),
		}
		if len(old) > 0 {
			deck = append(deck, kill(one(d, old), pause()), freeze(one(d, old), between(d, session*3/2, session*2)))
		}
		return deck
	}
}

// NetworkDeck disturbs links one at a time, for a moment at most, and parts owners of shards from servers for longer than their
// session lasts.
func (c *Cluster) NetworkDeck(session, moment time.Duration) func(d *rand.Rand) []Fault {
	moments := NetworkDeck(c.Links, moment/5, moment)
	return func(d *rand.Rand) []Fault {
		long := func() time.Duration { return between(d, session*3/2, session*2) }
		owner := func() int { return d.Intn(c.shape.Aggregators) }
		all := owner()
		return append(moments(d),
			parted("aggregate parted from "+kafka, c.Links[kafka][owner():][:1], long()),
			parted("aggregate parted from "+maria, c.Links[maria][owner():][:1], long()),
			parted("aggregate parted from all servers", []*Link{c.Links[kafka][all], c.Links[maria][all], c.Links[redis][all]}, long()))
	}
}
