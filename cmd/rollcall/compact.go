package main

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"rollcall/aggregate"
)

type compactCmd struct{ Settings }

func (c *compactCmd) Help() string {
	return `A server compacts by itself as it goes; this merges everything into one part each and gives the room back.

Examples:
  rollcall compact
  rollcall compact --data /var/lib/rollcall`
}

func (c *compactCmd) Run(e *world) error {
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	n, err := openExisting(e, cfg)
	if err != nil {
		return err
	}
	return errors.Join(compactAll(e, n), n.close())
}

func compactAll(e *world, n *node) error {
	if err := n.caughtUp(e.ctx); err != nil {
		return err
	}
	s, err := n.store.Compact(e.ctx, true, aggregate.MergeState)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "merged %s parts of %s keys: %s before, %s after\n", humanize.Comma(int64(s.Chunks)), humanize.Comma(int64(s.Keys)),
		humanize.IBytes(uint64(s.BytesRead)), humanize.IBytes(uint64(s.BytesKept)))
	return err
}
