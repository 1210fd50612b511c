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

// partKeys are asked for together. Parts travel at once, pipelined, and what arrives in time counts though others do not.
// A pipeline to a Cluster is split by node anyway.
const (
	partKeys        = 32
	clusterPartKeys = 128
)

// answer is what came of one part.
type answer struct {
	from  int // index of its first key
	blobs [][]byte
	bad   int   // damaged, foreign or too large values
	err   error // of the whole part: no key was answered
}

// Get gives the blob of each key, nil for those not found, in one round trip and within Timeout; when that is too short
// for all, those that came. It costs a goroutine for 32 keys, and the library's one allocation and copy of each value.
// The blobs are the caller's.
func (c *Cache) Get(ctx context.Context, keys []string) [][]byte {
	blobs := make([][]byte, len(keys))
	if client, ok := c.link.get(); ok && len(keys) > 0 {
		if p, ok := c.breaker.enter(); ok {
			c.collect(ctx, p, c.ask(client, c.full(keys)), blobs)
		}
	}
	hits := int64(0)
	for _, blob := range blobs {
		if blob != nil {
			hits++
		}
	}
	c.meter.hits.Add(hits)
	c.meter.misses.Add(int64(len(blobs)) - hits)
	return blobs
}

// ask sends for all parts.
func (c *Cache) ask(client rueidis.Client, full []string) <-chan answer {
	size := partKeys
	if client.Mode() == rueidis.ClientModeCluster {
		size = clusterPartKeys
	}
	replies := make(chan answer, (len(full)+size-1)/size)
	for from := 0; from < len(full); from += size {
		part := full[from:min(from+size, len(full))]
		if !c.begin(func() { replies <- c.fetch(client, from, part) }) {
			replies <- answer{err: ErrClosed}
		}
	}
	return replies
}

// collect waits for the parts, no longer than Timeout, fills blobs, and tells the breaker.
func (c *Cache) collect(ctx context.Context, p pass, replies <-chan answer, blobs [][]byte) {
	t := time.NewTimer(c.cfg.Timeout)
	defer t.Stop()
	var failure error
	answered := false
	for range cap(replies) {
		select {
		case a := <-replies:
			copy(blobs[a.from:], a.blobs)
			c.meter.bad.Add(int64(a.bad))
			if answered = answered || a.err == nil; a.err != nil {
				c.meter.errors.Add(1)
				failure = a.err
			}
		case <-t.C:
			c.meter.timeouts.Add(1)
			c.breaker.leave(p, fmt.Errorf("%w: %s", errTimeout, c.cfg.Timeout))
			return
		case <-ctx.Done():
			c.breaker.forget(p)
			return
		}
	}
	if answered {
		failure = nil
	}
	c.breaker.leave(p, failure)
}

func (c *Cache) fetch(client rueidis.Client, from int, full []string) answer {
	ctx, cancel := context.WithTimeout(c.link.life, opTimeout)
	defer cancel()
	if client.Mode() == rueidis.ClientModeCluster {
		return c.fetchEach(ctx, client, from, full)
	}
	return c.fetchAll(ctx, client, from, full)
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

func (c *Cache) fetchAll(ctx context.Context, client rueidis.Client, from int, full []string) answer {
	values, err := client.Do(ctx, client.B().Mget().Key(full...).Build()).ToArray()
	if err == nil && len(values) != len(full) {
		err = fmt.Errorf("redis: MGET of %d keys gave %d values", len(full), len(values))
	}
	if err != nil {
		return answer{from: from, err: err}
	}
	a := answer{from: from, blobs: make([][]byte, len(full))}
	for i := range values {
		a.take(i, full[i], &values[i], c.cfg.MaxValueBytes)
	}
	return a
}

// fetchEach asks for each key by itself, pipelined to the node of its slot: keys of one MGET would have to share a slot,
// and hardly any two do. What a node that is gone would have answered is not found; the others' answers count.
func (c *Cache) fetchEach(ctx context.Context, client rueidis.Client, from int, full []string) answer {
	gets := make(rueidis.Commands, len(full))
	for i, key := range full {
		gets[i] = client.B().Get().Key(key).Build()
	}
	a := answer{from: from, blobs: make([][]byte, len(full))}
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
