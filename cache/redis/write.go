package redis

import (
	"context"
	"time"

	"github.com/redis/rueidis"
)

const (
	writeKeys    = 256     // commands written together
	writeBytes   = 1 << 20 // and bytes of blobs, so that Gets on the same connection are not held up
	writeTimeout = 2 * time.Second
)

// Put keeps blobs for TTL. It does not wait for the server; blobs too large, and those there is no room for, are dropped
// and counted, as are all while the server does not answer. The blobs must not be changed afterwards.
func (c *Cache) Put(blobs map[string][]byte) {
	there := c.there()
	for key, blob := range blobs {
		switch {
		case len(blob) > c.cfg.MaxValueBytes:
			c.meter.tooLarge.Add(1)
		case !there || !c.pending.add(key, op{blob: blob}):
			c.meter.droppedPuts.Add(1)
		}
	}
}

// Delete lets go of keys. It does not wait for the server; those there is no room for are dropped and counted, and end
// with their TTL.
func (c *Cache) Delete(keys []string) {
	there := c.there()
	for _, key := range keys {
		if !there || !c.pending.add(key, op{gone: true}) {
			c.meter.droppedDeletes.Add(1)
		}
	}
}

// there tells whether the server answered last.
func (c *Cache) there() bool {
	_, ok := c.link.get()
	return ok && c.breaker.closed()
}

func (c *Cache) write() {
	for {
		select {
		case <-c.pending.news:
			c.flush()
		case <-c.closing:
			c.flush()
			return
		}
	}
}

// flush writes until nothing is pending; after the end of the link it drops.
func (c *Cache) flush() {
	for some := c.pending.take(writeKeys, writeBytes); len(some) > 0; some = c.pending.take(writeKeys, writeBytes) {
		client, ok := c.link.get()
		if !ok || !c.breaker.closed() {
			c.drop(some)
			continue
		}
		c.send(client, some)
	}
}

func (c *Cache) drop(ops map[string]op) {
	for _, o := range ops {
		if o.gone {
			c.meter.droppedDeletes.Add(1)
		} else {
			c.meter.droppedPuts.Add(1)
		}
	}
}

func (c *Cache) send(client rueidis.Client, ops map[string]op) {
	ctx, cancel := context.WithTimeout(c.link.life, writeTimeout)
	defer cancel()
	commands, sent := make(rueidis.Commands, 0, len(ops)), make([]op, 0, len(ops))
	for key, o := range ops {
		commands, sent = append(commands, c.command(client, c.key(key), o)), append(sent, o)
	}
	failed := false
	for i, reply := range client.DoMulti(ctx, commands...) {
		failed = c.written(sent[i], reply.Error()) || failed
	}
	if failed {
		c.meter.errors.Add(1)
	}
}

func (c *Cache) command(client rueidis.Client, full string, o op) rueidis.Completed {
	if o.gone {
		return client.B().Unlink().Key(full).Build()
	}
	value := appendSealed(make([]byte, 0, sealSize+len(o.blob)), full, o.blob)
	return client.B().Set().Key(full).Value(rueidis.BinaryString(value)).Ex(c.cfg.TTL).Build()
}

func (c *Cache) written(o op, err error) (failed bool) {
	switch {
	case err != nil && o.gone:
		c.meter.droppedDeletes.Add(1)
	case err != nil:
		c.meter.droppedPuts.Add(1)
	case o.gone:
		c.meter.deletes.Add(1)
	default:
		c.meter.puts.Add(1)
	}
	return err != nil
}
