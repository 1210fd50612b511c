package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"rollcall/api"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store"
	"rollcall/verify"
)

// serverErasure is an erasure at work on a log and a store on servers, beside the processes that write.
//
//	intent ─→ letters ─→ list ─→ a rebuild that goes by it, the old builds away ─→ the owners rewrite the archive ─→ letters, search ─→ receipt ─→ intent away
//
// The intent is in the store: whoever gives the command again, anywhere, goes on from it, and the owners of shards read from it whom
// to take out of the archive.
type serverErasure struct {
	*world
	cfg  Config
	kept []byte // the intent as it is in the store
	*intent
	step func(string)
}

func (c *eraseCmd) onServers(e *world, cfg Config, users []string) error {
	w := &serverErasure{world: e, cfg: cfg, step: failpoint()}
	r, err := w.run(users)
	if err != nil {
		return err
	}
	return c.print(e, r)
}

func (w *serverErasure) passed(step string) {
	if w.step != nil {
		w.step(step)
	}
}

func (w *serverErasure) run(users []string) (r *receipt, err error) {
	err = w.with(func(n *node) error {
		if err := w.begin(n, users); err != nil {
			return err
		}
		if w.Build > 0 && n.build.Number >= w.Build {
			return nil // it is made
		}
		return w.makeFigures(n)
	})
	if err != nil {
		return nil, err
	}
	err = w.with(func(n *node) (err error) {
		if err = w.dropBuilds(n); err == nil {
			err = w.awaitArchive(n)
		}
		if err == nil {
			r, err = w.search(n)
		}
		if err == nil {
			err = w.finish(n, r)
		}
		return err
	})
	return r, err
}

// with opens the active build for one part of the work.
func (w *serverErasure) with(part func(*node) error) error {
	n, err := openToErase(w.world, w.cfg)
	if err != nil {
		return err
	}
	return errors.Join(part(n), n.close())
}

// begin goes on with the intent in the store, or makes one durable, with what there is to remove.
func (w *serverErasure) begin(n *node, users []string) (err error) {
	if w.intent, w.kept, err = erasingIn(w.ctx, n.erasures); err != nil {
		return err
	}
	if err := goesOn(w.intent, users); err != nil || w.intent != nil {
		return err
	}
	w.intent = &intent{Users: users}
	if err := n.reachesBack(w.ctx); err != nil {
		return err
	}
	if w.Found, err = n.lookFor(w.ctx, users); err != nil {
		return err
	}
	if w.Found.nothing() {
		return errors.New("there is nothing of these users that anybody reads: nothing was done")
	}
	if err := w.intent.begin(); err != nil {
		return err
	}
	if err := w.save(n); err != nil {
		return err
	}
	w.passed("erase.begun")
	return nil
}

// save makes the intent durable.
func (w *serverErasure) save(n *node) error {
	body, err := json.Marshal(w.intent)
	if err == nil {
		err = n.erasures.KeepErasing(w.ctx, w.kept, body)
	}
	w.kept = body
	return err
}

// reachesBack fails when the log, with the archive behind it, is not there from its beginning on.
func (n *node) reachesBack(ctx context.Context) error {
	whole, err := n.whole()
	if err != nil {
		return err
	}
	for shard := range n.cfg.LogShards {
		_, next, err := whole.Bounds(ctx, shard)
		if err == nil && next > 0 {
			_, err = whole.Fetch(ctx, shard, 0, next, 1, nil)
		}
		if errors.Is(err, eventlog.ErrTrimmed) {
			err = fmt.Errorf("figures can't be made anew without the beginning of the log, and no archive has it: nothing was done: %w", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// makeFigures makes the figures anew without the users. Their letters go first, so that they don't come into the new build.
func (w *serverErasure) makeFigures(n *node) error {
	if _, err := erase.Letters(w.ctx, n.store, w.Users, false); err != nil {
		return err
	}
	w.passed("erase.settled")
	if err := w.list(n); err != nil {
		return err
	}
	w.passed("erase.listed")
	r := &remaking{node: n, hold: n.fenceOthers, show: func(report *verify.Report) error { return printReport(w.err, report) }}
	want := n.cfg
	_, _, err := r.run(w.ctx, &want, api.RebuildRequest{}, func(p remakeProgress) { fmt.Fprintln(w.err, p.line()) })
	return err
}

// list has every build that is begun from now on pass over the users, up to where the log ends now. Each build that there is has
// seen them, and has a lower number.
func (w *serverErasure) list(n *node) (err error) {
	if w.Build == 0 {
		all, err := n.builds.Builds(w.ctx)
		if err != nil {
			return err
		}
		if w.Until, err = n.ends(w.ctx); err != nil {
			return err
		}
		w.Build = slices.MaxFunc(all, func(a, b store.Build) int { return int(a.Number) - int(b.Number) }).Number + 1
		if err := w.save(n); err != nil {
			return err
		}
	}
	key, _, err := n.erasures.Erasures(w.ctx)
	if err != nil {
		return err
	}
	return n.erasures.AddErasures(w.ctx, w.entries(n, erase.NewPrinter(key)))
}

// entries are those of the list: of each user in the shard that has its events, or, where others decide that, in all.
func (w *serverErasure) entries(n *node, prints erase.Printer) (list []store.Erasure) {
	for _, u := range w.Users {
		for shard := range n.cfg.LogShards {
			if n.partitioners == 0 && shard != record.ShardOf([]byte(u), n.cfg.LogShards) {
				continue
			}
			list = append(list, store.Erasure{User: prints.Of([]byte(u)), Shard: shard, Until: w.Until[shard], Build: w.Build, At: w.Begun.UnixMilli()})
		}
	}
	return list
}

// dropBuilds deletes all builds that have seen the users, once the processes have gone over.
func (w *serverErasure) dropBuilds(n *node) error {
	if n.build.Number < w.Build {
		return fmt.Errorf("build %d, which has the users, was made active meanwhile: run the same command again", n.build.Number)
	}
	select {
	case <-time.After(time.Until(time.UnixMilli(n.build.Activated).Add(goOverTime))):
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
	all, err := n.builds.Builds(w.ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.Number >= w.Build {
			continue
		}
		if err := n.builds.Drop(w.ctx, b.Number); err != nil {
			return err
		}
	}
	w.passed("erase.rebuilt")
	return nil
}

// finish keeps the receipt, and then forgets who it was.
func (w *serverErasure) finish(n *node, r *receipt) error {
	if err := r.keep(w.cfg.Data); err != nil {
		return err
	}
	w.passed("erase.receipt")
	if err := n.erasures.KeepErasing(w.ctx, w.kept, nil); err != nil {
		return err
	}
	return n.forgetErased(w.ctx)
}
