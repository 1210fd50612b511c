package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

var errTimeout = errors.New("no reply in time")

// opTimeout ends a call whose reader has gone, retries and redirections included. It is longer than Timeout, so that a
// connection that takes its time to be made is there for the next Get.
const opTimeout = 2 * time.Second

// answer is what came of one request.
type answer struct {
	blobs [][]byte
	bad   int   // damaged, foreign or too large values
	err   error // of the whole request: no key was answered
}

// Get gives the blob of each key, nil for those not found, in one round trip and within Timeout. It costs a goroutine,
// and the library's one allocation and copy of each value. Blobs are the caller's.
func (c *Cache) Get(ctx context.Context, keys []string) [][]byte {
	none := make([][]byte, len(keys))
	client, ok := c.link.get()
	if !ok || len(keys) == 0 {
		c.meter.misses.Add(int64(len(keys)))
		return none
	}
	p, ok := c.breaker.enter()
	if !ok {
		c.meter.misses.Add(int64(len(keys)))
		return none
	}
	reply := make(chan answer, 1)
	if !c.begin(func() { reply <- c.fetch(client, keys) }) {
		c.breaker.forget(p)
		return none
	}
	if blobs := c.wait(ctx, p, reply); blobs != nil {
		return blobs
	}
	c.meter.misses.Add(int64(len(keys)))
	return none
}

// wait gives nil when there is no answer.
func (c *Cache) wait(ctx context.Context, p pass, reply <-chan answer) [][]byte {
	t := time.NewTimer(c.cfg.Timeout)
	defer t.Stop()
	select {
	case a := <-reply:
		return c.account(p, a)
	case <-t.C:
		c.meter.timeouts.Add(1)
		c.breaker.leave(p, fmt.Errorf("%w: %s", errTimeout, c.cfg.Timeout))
	case <-ctx.Done():
		c.breaker.forget(p)
	}
	return nil
}

func (c *Cache) account(p pass, a answer) [][]byte {
	c.breaker.leave(p, a.err)
	if a.err != nil {
		c.meter.errors.Add(1)
		return nil
	}
	hits := 0
	for _, blob := range a.blobs {
		if blob != nil {
			hits++
		}
	}
	c.meter.hits.Add(int64(hits))
	c.meter.misses.Add(int64(len(a.blobs) - hits))
	c.meter.bad.Add(int64(a.bad))
	return a.blobs
}

func (c *Cache) fetch(client rueidis.Client, keys []string) answer {
	ctx, cancel := context.WithTimeout(c.link.life, opTimeout)
	defer cancel()
	full := c.full(keys)
	if client.Mode() == rueidis.ClientModeCluster {
		return c.fetchEach(ctx, client, full)
	}
	return c.fetchAll(ctx, client, full)
}

// full gives the keys at the server, all in one allocation.
func (c *Cache) full(keys []string) []string {
	size := 0
	for _, key := range keys {
		size += len(c.cfg.Prefix) + 1 + len(key)
	}
	var all strings.Builder
	all.Grow(size)
	for _, key := range keys {
		all.WriteString(c.cfg.Prefix)
		all.WriteByte(':')
		all.WriteString(key)
	}
	full, rest := make([]string, len(keys)), all.String()
	for i, key := range keys {
		n := len(c.cfg.Prefix) + 1 + len(key)
		full[i], rest = rest[:n], rest[n:]
	}
	return full
}

func (c *Cache) fetchAll(ctx context.Context, client rueidis.Client, full []string) answer {
	values, err := client.Do(ctx, client.B().Mget().Key(full...).Build()).ToArray()
	if err == nil && len(values) != len(full) {
		err = fmt.Errorf("redis: MGET of %d keys gave %d values", len(full), len(values))
	}
	if err != nil {
		return answer{err: err}
	}
	a := answer{blobs: make([][]byte, len(full))}
	for i := range values {
		a.take(i, full[i], &values[i], c.cfg.MaxValueBytes)
	}
	return a
}

// fetchEach asks for each key by itself, pipelined to the node of its slot: keys of one MGET would have to share a slot,
// and hardly any two do. What a node that is gone would have answered is not found; the others' answers count.
func (c *Cache) fetchEach(ctx context.Context, client rueidis.Client, full []string) answer {
	gets := make(rueidis.Commands, len(full))
	for i, key := range full {
		gets[i] = client.B().Get().Key(key).Build()
	}
	a := answer{blobs: make([][]byte, len(full))}
	answered := false
	for i, reply := range client.DoMulti(ctx, gets...) {
		value, err := reply.ToMessage()
		switch {
		case err == nil || rueidis.IsRedisNil(err):
			answered = true
			a.take(i, full[i], &value, c.cfg.MaxValueBytes)
		case wrongType(err):
			answered = true
			a.bad++
		default:
			a.err = err
		}
	}
	if answered && a.err != nil {
		c.meter.errors.Add(1)
		a.err = nil
	}
	return a
}

func (a *answer) take(i int, key string, value *rueidis.RedisMessage, limit int) {
	if value.IsNil() {
		return
	}
	raw, err := value.AsBytes()
	if err != nil {
		a.bad++
		return
	}
	blob, ok := unseal(key, raw, limit)
	if !ok {
		a.bad++
		return
	}
	a.blobs[i] = blob
}

func wrongType(err error) bool {
	reply, ok := rueidis.IsRedisErr(err)
	return ok && strings.HasPrefix(reply.Error(), "WRONGTYPE")
}
