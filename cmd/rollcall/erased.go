package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"rollcall/archive"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/store"
)

// passOver has all who read the log of this node pass over the users that its build is without. It comes when the build is
// known, and before anybody reads.
func (n *node) passOver(ctx context.Context) (err error) {
	n.raw = n.log
	n.erasures, _ = n.builds.(store.Erasures)
	if n.erased, _, err = n.erasedFrom(ctx, n.build.Number); err != nil || n.erasures == nil {
		return err
	}
	if log := erase.Listed(n.log, n.erased); log != eventlog.Fetcher(n.log) {
		n.log = withoutUsers{n.log, log}
	}
	n.erasing, _, err = erasingIn(ctx, n.erasures)
	return err
}

// erasedFrom gives whom a build is without; 0 for one that is about to be begun. stale tells that there is a half-made build
// that has seen some of those: it is none to go on with.
func (n *node) erasedFrom(ctx context.Context, number uint32) (list *erase.List, stale bool, err error) {
	if n.erasures == nil {
		return erase.NewList(nil, nil, 0), false, nil
	}
	key, entries, err := n.erasures.Erasures(ctx)
	if err != nil || number != 0 {
		return erase.NewList(key, entries, number), false, err
	}
	newest := uint32(0)
	for _, e := range entries {
		newest = max(newest, e.Build)
	}
	all, err := n.builds.Builds(ctx)
	for _, b := range all {
		stale = stale || b.State == store.Building && b.Number < newest
	}
	return erase.NewList(key, entries, math.MaxUint32), stale, err
}

// erasingIn gives the erasure on servers that has begun and not ended, and how it is kept; nil for none.
func erasingIn(ctx context.Context, erasures store.Erasures) (i *intent, kept []byte, err error) {
	if kept, err = erasures.Erasing(ctx); err != nil || kept == nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(kept, &i); err != nil {
		return nil, nil, fmt.Errorf("what an erasure keeps in the store: %w", err)
	}
	return i, kept, nil
}

// erasingArchive says whom the owners of shards take out of the archive: those of the erasure that has made the build that is open,
// or one before it.
func (n *node) erasingArchive() *archive.Erasing {
	i := n.erasing
	if i == nil || n.erasures == nil || i.Until == nil || n.build.Number < i.Build {
		return nil
	}
	return &archive.Erasing{ID: i.Salt, Users: i.Users, Until: i.Until, Log: n.raw}
}

// forgetErased deletes from the list what holds for no record any more: the log begins behind it. While an erasure is under
// way the archive may still hold such records.
func (n *node) forgetErased(ctx context.Context) error {
	if n.erasures == nil {
		return nil
	}
	_, list, err := n.erasures.Erasures(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	if begun, _, err := erasingIn(ctx, n.erasures); err != nil || begun != nil {
		return err
	}
	for shard := range n.cfg.LogShards {
		first, _, err := n.log.Bounds(ctx, shard)
		if err != nil {
			return err
		}
		if _, err := n.erasures.ForgetErasures(ctx, shard, first); err != nil {
			return err
		}
	}
	return nil
}
