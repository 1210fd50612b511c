package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"rollcall/eventlog"
	"rollcall/rebuild"
	"rollcall/reshard"
	"rollcall/store"
)

// leaveBehind opens a directory whose log another one has taken the place of, so that what was left behind goes.
func leaveBehind(e *world, cfg Config) error {
	if err := adoptActive(&cfg); err != nil {
		return err
	}
	n, err := openToVerify(e, cfg)
	if err != nil {
		return err
	}
	return n.close()
}

// shardsBefore is the setting of a build that tells how many shards the log before had: a configuration that names these is
// from before the change.
const shardsBefore = "log.shards_before"

// noneKept tells why there is no build to go back to, and what to do.
func noneKept(active store.Build) error {
	if was, is := active.Settings[shardsBefore]; is {
		return fmt.Errorf("no build is kept to go back to: those from the log of %s shards lack what came since, and went with it; rollcall rebuild --log-shards %s makes the figures from so many again", was, was)
	}
	return errors.New("no build is kept to go back to")
}

// onServers tells what to do for another number of shards of a log on servers.
func onServers(c *Config) string {
	return fmt.Sprintf("the log has %d, and on servers another number needs another log: docs/production.md tells how to go over to one", c.LogShards)
}

// resharding is a rebuild from a log of another number of shards, which is a copy of the one in use.
type resharding struct {
	node  *node
	copy  *reshard.Copy
	alone func(context.Context) error // ends the node and returns when it is closed; nil where it takes nothing in
	old   *eventlog.Log               // the log in use, opened again after that
	tried bool                        // the build of the copy may be active
}

// onSameLog is a build from the log in use.
func (r *remaking) onSameLog(b store.Build) store.Build {
	b.Log = r.node.build.Log
	if was, is := r.node.build.Settings[shardsBefore]; is {
		b.Settings[shardsBefore] = was
	}
	return b
}

// reshard begins the copy that the wanted build is to be made from.
func (r *remaking) reshard(ctx context.Context, target *Config, b *store.Build, rate int64) error {
	n := r.node
	if n.embedded == nil {
		return usageError("log.shards: " + onServers(&n.cfg))
	}
	b.Log = n.build.Log + 1
	b.Settings[shardsBefore] = fmt.Sprint(n.build.Shards)
	made, err := reshard.Begin(ctx, reshard.Config{Log: logConfig(target, logDir(n.cfg.Data, b.Log)), Rate: rate, Step: failpoint()}, n.embedded, n.logger)
	if err == nil {
		r.over = &resharding{node: n, copy: made, alone: r.alone}
	}
	return err
}

// into has a rebuild made from the copy.
func (o *resharding) into(deps *rebuild.Deps, shards int) {
	deps.Aggregate.Log, deps.Aggregate.Shards, deps.Aggregate.Reporter = o.copy, shards, nil
	deps.Hold, deps.Builds = o.hold, settled{deps.Builds, o}
}

// hold waits until nobody writes the log in use any more, and has it for itself from then on.
func (o *resharding) hold(ctx context.Context) (release func(), err error) {
	if o.alone == nil {
		return func() {}, nil
	}
	if err := o.alone(ctx); err != nil {
		return nil, err
	}
	if o.old, err = openLog(&o.node.cfg, logDir(o.node.cfg.Data, o.node.build.Log), o.node.logger); err != nil {
		return nil, err
	}
	o.copy.Follow(o.old)
	return func() {}, nil
}

// settled makes a copy whole before the build of it becomes active.
type settled struct {
	everyBuild
	over *resharding
}

// Activate comes after everything of the log in use is in the copy, and durable there.
func (s settled) Activate(ctx context.Context, from, to uint32) error {
	if err := s.over.copy.Settle(ctx); err != nil {
		return err
	}
	s.over.tried = true
	return s.everyBuild.Activate(ctx, from, to)
}

// end closes the logs. A copy that nobody went over to is deleted; after an attempt, which may have had its effect though it failed,
// the one that is not in use goes when the directory is opened again.
func (o *resharding) end() error {
	err := o.copy.Close()
	if o.old != nil {
		err = errors.Join(err, o.old.Close())
	}
	if !o.tried {
		err = errors.Join(err, os.RemoveAll(logDir(o.node.cfg.Data, o.node.build.Log+1)))
	}
	return err
}
