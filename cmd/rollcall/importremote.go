package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync/atomic"

	"rollcall/decode"
	"rollcall/intake"
)

// sendBytes is about how much a request holds, unpacked.
const sendBytes = 1 << 20

// remote sends the files to a running server and waits until it has committed them.
func (c *importCmd) remote(e *world, cfg Config) (sum imported, err error) {
	if len(cfg.Fields) > 0 {
		return sum, usageError("--map and --fields do not go with --server: the server's own fields count")
	}
	size, err := c.size()
	if err != nil {
		return sum, err
	}
	err = c.remotely(e, &sum, func(cl *client) error {
		var events atomic.Int64
		m := newMeter(e.err, size, true, events.Load)
		defer m.end()
		for _, name := range c.Files {
			if err := c.send(e, cl, cfg, m, name, &sum, &events); err != nil {
				return err
			}
		}
		return nil
	})
	return sum, err
}

// remotely has work send events to the server, waits until they are committed, and tells accepted ones from duplicates
// and those too late. Those of others who send meanwhile are among them.
func (c *importCmd) remotely(e *world, sum *imported, work func(*client) error) error {
	cl, err := newClient(c.Server, c.Key)
	if err != nil {
		return err
	}
	before, err := cl.caughtUp(e.ctx)
	if err != nil {
		return err
	}
	err = work(cl)
	after, wait := cl.caughtUp(context.WithoutCancel(e.ctx))
	if err == nil {
		err = wait
	}
	sum.settle(after.Duplicates-before.Duplicates, after.Late-before.Late)
	return err
}

// send posts one file in parts. Parts have keys made of the file's content and their place in it.
func (c *importCmd) send(e *world, cl *client, cfg Config, m *meter, name string, sum *imported, events *atomic.Int64) error {
	in, identity := e.in, fmt.Sprintf("stdin-%016x", rand.Uint64())
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		content, err := intake.Identify(f)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if in = f; content != "" {
			identity = content
		}
	}
	r, format, err := decode.Open(m.reader(in), name)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	defer r.Close()
	lines := r
	if format != decode.NDJSON {
		lines = asLines(r, format)
		defer lines.Close()
	}
	chunks := decode.NewChunks(lines, sendBytes, int(cfg.MaxLine))
	for buf := []byte(nil); ; {
		chunk, offset, err := chunks.Next(buf)
		if len(chunk) > 0 {
			reply, err := cl.post(e.ctx, chunk, fmt.Sprintf("%s@%d", identity, offset))
			if err != nil {
				return fmt.Errorf("send %s from byte %d: %w", name, offset, err)
			}
			sum.Accepted += reply.Accepted
			sum.Quarantined += reply.rejected()
			sum.Read += reply.Accepted + reply.rejected()
			events.Add(reply.Accepted + reply.rejected())
			buf = chunk[:0]
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = e.ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}
